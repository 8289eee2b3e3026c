import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A receiver of Signalpost's notifications with Java's standard library alone. That has no JSON reader: notifications are told
 * apart by their webhook-id, and their bodies are put aside as they are.
 */
public final class Receiver {
    private static final int LARGEST_BODY = 16 << 20;

    private final List<String> keys;
    // In memory, to keep the example short: a database's place.
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    private Receiver(List<String> keys) {
        this.keys = keys;
    }

    private void receive(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readNBytes(LARGEST_BODY);
            boolean valid = Signature.verify(exchange.getRequestHeaders()::getFirst, body, keys, Instant.now());
            if (valid) {
                String id = exchange.getRequestHeaders().getFirst("webhook-id");
                if (seen.add(id)) {
                    System.out.println("notification " + id + ", " + body.length + " bytes");
                }
            }
            exchange.sendResponseHeaders(valid ? 204 : 401, -1);
        }
    }

    public static void main(String[] arguments) throws IOException {
        String keys = System.getenv("SIGNATURE_KEYS");
        if (keys == null || keys.isEmpty()) {
            System.err.println("set SIGNATURE_KEYS to the instance's event.notification.signature.key");
            System.exit(1);
        }
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8099"));
        Receiver receiver = new Receiver(List.of(keys.split(",")));
        InetAddress here = InetAddress.getByName("127.0.0.1");
        HttpServer server = HttpServer.create(new InetSocketAddress(here, port), 0);
        server.createContext("/", receiver::receive);
        server.start();
        System.out.println("listening on http://127.0.0.1:" + server.getAddress().getPort());
    }
}
