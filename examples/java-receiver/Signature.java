import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.function.UnaryOperator;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Verifies the signature of Standard Webhooks with what Java brings along. */
final class Signature {
    private static final Duration TOLERANCE = Duration.ofMinutes(5);

    private Signature() {}

    /**
     * Tells whether the body was signed with one of the keys, at most five minutes ago.
     *
     * @param header gives a header's value by its name, null where it is not there
     * @param body what arrived, before any JSON reader has touched it
     */
    static boolean verify(UnaryOperator<String> header, byte[] body, List<String> keys, Instant now) {
        String id = header.apply("webhook-id");
        String sentAt = header.apply("webhook-timestamp");
        String signatures = header.apply("webhook-signature");
        if (id == null || sentAt == null || signatures == null || !sentAt.matches("[0-9]{1,11}")) {
            return false;
        }
        Duration age = Duration.between(Instant.ofEpochSecond(Long.parseLong(sentAt)), now).abs();
        if (age.compareTo(TOLERANCE) > 0) {
            return false;
        }
        byte[] start = (id + "." + sentAt + ".").getBytes(StandardCharsets.UTF_8);
        for (String key : keys) {
            byte[] secret = decode(key);
            if (secret.length == 0) { // a key that was not set fits nothing
                continue;
            }
            byte[] expected = ("v1," + sign(secret, start, body)).getBytes(StandardCharsets.UTF_8);
            for (String signature : signatures.split(" ")) {
                if (MessageDigest.isEqual(expected, signature.getBytes(StandardCharsets.UTF_8))) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Gives the bytes of a key: "whsec_" and base64, or any text. What cannot be a key is empty. */
    private static byte[] decode(String key) {
        if (!key.startsWith("whsec_")) {
            return key.getBytes(StandardCharsets.UTF_8);
        }
        try {
            return Base64.getDecoder().decode(key.substring("whsec_".length()));
        } catch (IllegalArgumentException notBase64) {
            return new byte[0];
        }
    }

    private static String sign(byte[] secret, byte[] start, byte[] body) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            mac.update(start);
            return Base64.getEncoder().encodeToString(mac.doFinal(body));
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every Java has HmacSHA256", impossible);
        }
    }
}
