// Writes what java.text.SimpleDateFormat reads and writes, as JSON lines on standard output. See README.md here.

import java.text.ParseException;
import java.text.ParsePosition;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;
import java.util.Random;
import java.util.TimeZone;

public class SimpleDateFormatVectors {
    static final String[] PATTERNS = {
        "yyyy-MM-dd'T'HH:mm:ss.SSSX", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ss'Z'",
        "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ssZ", "yyyy-MM-dd'T'HH:mm:ss.SSSZ", "yyyy-MM-dd HH:mm:ss",
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss", "MM/dd/yyyy HH:mm:ss", "EEE, dd MMM yyyy HH:mm:ss zzz", "EEE MMM dd HH:mm:ss zzz yyyy",
        "yyyyMMddHHmmss", "yyyyMMdd", "dd.MM.yy HH:mm", "M/d/yy h:mm a", "hh:mm:ss a yyyy/MM/dd", "yyyy-MM-dd kk:mm", "KK:mm a dd MMM yyyy",
        "EEEE, d MMMM yyyy", "D yyyy", "yyyy-MM-dd''HH", "G yyyy MM dd", "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "Z yyyy-MM-dd HH:mm", "X yyyy-MM-dd HH",
    };
    static final String[] ZONES = {"UTC", "GMT-08:00", "America/New_York", "Europe/Berlin", "Asia/Kolkata"};
    static final String[] TEXTS = {
        "", "x", "2026-13-45T25:61:61.000Z", "2026-05-28T11:40:01.000Z", "2026-05-28T11:40:01Z", "2026-05-28T11:40:01+0000", "2026-05-28",
        "2026-02-30 24:00:00", "2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-03-08 02:30:00", "2026-11-01 01:30:00", "  2026-05-28 1:2:3",
        "12/31/2026 23:59:59", "Thu, 28 May 2026 11:40:01 GMT", "Thu, 28 May 2026 11:40:01GMT", "Thu May 28 11:40:01 EST 2026", "thu may 28 11:40:01 utc 2026",
        "20260528114001", "20260528", "28.05.26 11:40", "28.05.70 11:40", "5/8/26 1:05 PM", "5/8/26 13:05 pm", "366 2026", "AD 2026 05 28", "2026-05-28'11",
        "2026-05-28T11:40:01.123456+02:00", "2026-05-28T11:40:01.5Z", "2026-05-28T11:40:01.000+02", "2026-05-28T11:40:01.000-0730", "-0800 2026-05-28 11:40",
    };

    static String quote(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    static SimpleDateFormat format(String pattern, String zone) {
        SimpleDateFormat format = new SimpleDateFormat(pattern, Locale.US);
        format.setTimeZone(TimeZone.getTimeZone(zone));
        // Two-digit years: 80 years back from this instant, so that the vectors do not change with the day.
        format.set2DigitYearStart(new Date(-757382400000L));
        return format;
    }

    static void read(String pattern, String zone, String text) {
        String instant;
        try {
            instant = Long.toString(format(pattern, zone).parse(text).getTime());
        } catch (ParseException error) {
            instant = "null";
        }
        System.out.println("{\"pattern\":" + quote(pattern) + ",\"zone\":" + quote(zone) + ",\"text\":" + quote(text) + ",\"read\":" + instant + "}");
    }

    public static void main(String[] arguments) {
        Random random = new Random(7);
        for (String pattern : PATTERNS) {
            for (String zone : ZONES) {
                for (String text : TEXTS) {
                    read(pattern, zone, text);
                }
                for (int turn = 0; turn < 12; turn++) {
                    long instant = 100_000_000_000L + (long) (random.nextDouble() * 1_900_000_000_000L);
                    String text = format(pattern, zone).format(new Date(instant));
                    System.out.println("{\"pattern\":" + quote(pattern) + ",\"zone\":" + quote(zone) + ",\"instant\":" + instant + ",\"written\":" + quote(text) + "}");
                    read(pattern, zone, text);
                }
            }
        }
    }
}
