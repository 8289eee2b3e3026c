import java.text.ParseException;
import java.text.SimpleDateFormat;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TimeZone;

/** Writes what java.text.SimpleDateFormat (Locale.US, lenient) reads and writes, as JSON lines. See README.md here. */
public final class SimpleDateFormatVectors {
    /** Two-digit years: 80 years back from 2026, so that the vectors do not change with the day. */
    private static final Date CENTURY_STARTS_AT = Date.from(Instant.parse("1946-01-01T00:00:00Z"));
    private static final Random RANDOM = new Random(20260528);
    private static final Set<String> LINES = new LinkedHashSet<>();

    /** Patterns of published poller configurations, and others that are common. */
    private static final List<String> PATTERNS = List.of(
        "yyyy-MM-dd'T'HH:mm:ss.SSSX", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ss'Z'",
        "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ssZ", "yyyy-MM-dd'T'HH:mm:ss.SSSZ", "yyyy-MM-dd HH:mm:ss",
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss", "MM/dd/yyyy HH:mm:ss", "EEE, dd MMM yyyy HH:mm:ss zzz",
        "EEE MMM dd HH:mm:ss zzz yyyy", "yyyyMMddHHmmss", "yyyyMMdd", "dd.MM.yy HH:mm", "M/d/yy h:mm a", "hh:mm:ss a yyyy/MM/dd",
        "yyyy-MM-dd kk:mm", "KK:mm a dd MMM yyyy", "EEEE, d MMMM yyyy", "D yyyy", "yyyy-MM-dd''HH", "G yyyy MM dd",
        "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "Z yyyy-MM-dd HH:mm", "X yyyy-MM-dd HH", "EEE, dd MMM yyyy HH:mm:ss Z",
        "MM/dd/yyy'T'HH:mm:ssXXX", "yyyyMMdd'T'HHmmssX", "EEE MMM dd HH:mm:ss Z yyyy", "EEEE, MMMM d, yyyy h:mm a",
        "M/d/yy h:mm:ss a", "yyMMddHHmm", "YYYY-'W'ww-u", "yyyy-DDD", "yyyyDDD", "d MMM yyyy K:mm a", "kk:mm dd/MM/yyyy",
        "h 'o''clock' a, d MMMM y G", "yyyy-MM-dd HH:mm:ss zzz", "yyyy-MM-dd HH:mm:ss zzzz", "yyyyMMddHHmmssSSS",
        "yyyy.MM.dd G 'at' HH:mm:ss z", "EEE, d MMM yyyy HH:mm:ss 'GMT'", "yyyy-MM-dd'T'HH:mmXX",
        "'week' W 'of' MMMM yyyy, EEEE", "F EEE MMM yyyy", "LLLL yyyy", "LL/yy", "w yyyy E", "u w YYYY HH");
    private static final List<String> ZONES = List.of(
        "GMT", "UTC", "America/New_York", "America/Los_Angeles", "Europe/London", "Europe/Paris", "Asia/Kolkata", "Asia/Tokyo",
        "Australia/Sydney", "Australia/Lord_Howe", "America/St_Johns", "America/Sao_Paulo", "Europe/Moscow", "Pacific/Auckland",
        "GMT-08:00", "GMT+05:45");
    private static final List<String> PARTS = List.of(
        "y", "yy", "yyy", "yyyy", "yyyyy", "Y", "YY", "YYYY", "M", "MM", "MMM", "MMMM", "L", "LLL", "w", "ww", "W", "D", "DDD",
        "d", "dd", "F", "E", "EEEE", "u", "a", "H", "HH", "k", "kk", "K", "KK", "h", "hh", "m", "mm", "s", "ss", "S", "SSS",
        "z", "Z", "X", "XX", "XXX", "G");
    private static final List<String> SEPARATORS = List.of("-", "/", " ", ":", "'T'", "", "", ", ", " 'of' ", "''", "_");
    private static final List<String> ZONE_TEXTS = List.of(
        "Z", "z", "+00", "+01", "-0800", "+01:00", "-08:30", "+1", "+1:00", "+24", "+2359", "+0160", "+00:60", "GMT", "gmt",
        "GMT+2", "GMT+2:00", "GMT-02:30", "GMT+0200", "GMT+24:00", "UTC", "utc", "UTC+1", "UT", "PST", "PDT", "pst", "EST",
        "EDT", "CST", "CDT", "MST", "MDT", "CET", "CEST", "EET", "WEST", "BST", "IST", "JST", "AEST", "MSK", "NZDT", "AKST",
        "Pacific Standard Time", "central european summer time", "India Standard Time", "America/Denver", "XYZ", "", " +0100",
        "  Z", "+", "-", "+0", "+010", "+01:0", "+\u0660\u0661");

    private static final List<String> TEXT_ZONES = List.of("UTC", "GMT-08:00", "America/New_York", "Europe/Berlin", "Asia/Kolkata");
    private static final List<String> TEXTS = List.of(
        "", "x", "2026-13-45T25:61:61.000Z", "2026-05-28T11:40:01.000Z", "2026-05-28T11:40:01Z", "2026-05-28T11:40:01+0000",
        "2026-05-28", "2026-02-30 24:00:00", "2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-03-08 02:30:00",
        "2026-11-01 01:30:00", "  2026-05-28 1:2:3", "12/31/2026 23:59:59", "Thu, 28 May 2026 11:40:01 GMT",
        "Thu, 28 May 2026 11:40:01GMT", "Thu May 28 11:40:01 EST 2026", "thu may 28 11:40:01 utc 2026", "20260528114001",
        "20260528", "28.05.26 11:40", "28.05.70 11:40", "5/8/26 1:05 PM", "5/8/26 13:05 pm", "366 2026", "AD 2026 05 28",
        "2026-05-28'11", "2026-05-28T11:40:01.123456+02:00", "2026-05-28T11:40:01.5Z", "2026-05-28T11:40:01.000+02",
        "2026-05-28T11:40:01.000-0730", "-0800 2026-05-28 11:40");

    private SimpleDateFormatVectors() {}

    public static void main(String[] arguments) {
        TimeZone.setDefault(TimeZone.getTimeZone("GMT"));
        everyPatternWithEveryText();
        patterns();
        knownPatterns();
        randomPatterns();
        numbers();
        zones();
        clockChanges();
        words();
        fractions();
        LINES.forEach(System.out::println);
    }

    private static void everyPatternWithEveryText() {
        for (String pattern : PATTERNS) {
            for (String zone : TEXT_ZONES) {
                for (String text : TEXTS) {
                    read(pattern, zone, text);
                }
            }
        }
    }

    private static void patterns() {
        for (String pattern : List.of("yyyy-MM-ddTHH", "T", "XXXX", "yyyy'", "'", "''", "''''", "'a", "a'b'", "e", "b", "l",
                "ZZZZZZ", "aaaaaa", "1", "\u00e9", "yyyy-MM-dd'T'HH:mm:ss.SSSX'", "c", "n", "V", "O", "q", "Q", "A", "N", "x",
                "P", "B", "I", "i", "J", "R", "U", "C", "f", "g", "j", "o", "p", "r", "t", "v", "'''", "'x'''", "yyyy''''")) {
            pattern(pattern);
        }
        String alphabet = "GyYMLwWDdFEuaHkKhmsSzZXTn''' -:/.5";
        for (int i = 0; i < 300; i++) {
            StringBuilder pattern = new StringBuilder();
            for (int j = RANDOM.nextInt(8); j >= 0; j--) {
                pattern.append(alphabet.charAt(RANDOM.nextInt(alphabet.length())));
            }
            pattern(pattern.toString());
        }
    }

    private static void knownPatterns() {
        for (String pattern : PATTERNS) {
            for (int i = 0; i < 16; i++) {
                writeAndRead(pattern, ZONES.get(i), 1);
            }
        }
    }

    private static void randomPatterns() {
        for (int i = 0; i < 700; i++) {
            StringBuilder pattern = new StringBuilder();
            for (int j = RANDOM.nextInt(6); j >= 0; j--) {
                pattern.append(pick(PARTS)).append(pick(SEPARATORS));
            }
            writeAndRead(pattern.toString(), pick(ZONES), 1);
        }
    }

    private static void writeAndRead(String pattern, String zone, int changed) {
        long instant = (long) (RANDOM.nextDouble() * 1_893_456_000_000L);
        String text = write(pattern, zone, instant);
        read(pattern, zone, text);
        for (int i = 0; i < changed; i++) {
            read(pattern, zone, change(text));
        }
    }

    private static String change(String text) {
        int at = RANDOM.nextInt(Math.max(1, text.length()));
        String from = text.substring(0, at);
        String rest = text.substring(Math.min(text.length(), at + 1));
        switch (RANDOM.nextInt(5)) {
            case 0: return from + rest;
            case 1: return from + "0123456789 -+:TZaJ".charAt(RANDOM.nextInt(18)) + rest;
            case 2: return from + " " + text.substring(at);
            case 3: return text + " and more";
            default: return text.toUpperCase(Locale.ROOT);
        }
    }

    /** Numbers in and out of range, in fields that may contradict each other. */
    private static void numbers() {
        List<String> fields = List.of("yyyy", "yy", "YYYY", "MM", "dd", "HH", "mm", "ss", "SSS", "D", "w", "W", "F", "u", "k", "K", "h", "E", "a");
        for (int i = 0; i < 900; i++) {
            StringBuilder pattern = new StringBuilder("yyyy");
            StringBuilder text = new StringBuilder(String.valueOf(1950 + RANDOM.nextInt(120)));
            for (int j = RANDOM.nextInt(5); j >= 0; j--) {
                String field = pick(fields);
                pattern.append(' ').append(field);
                text.append(' ').append(number(field));
            }
            read(pattern.toString(), pick(ZONES), text.toString());
        }
        for (int day = -15; day < 30; day++) {
            read("YYYY-'W'ww-u", "GMT", "2026-W53-" + day);
            read("yyyy-'W'ww-u", "GMT", "2026-W53-" + day);
        }
        for (int year = 0; year < 100; year += 3) {
            read("yy-MM-dd HH", "GMT", String.format("%02d-05-28 12", year));
        }
        for (String text : List.of("45-12-31 23", "46-01-01 00", "46-01-01 01", "46-12-31 00", "45-12-31 00", "5-1-1 1",
                "105-1-1 1", "2005-1-1 1", "-5-1-1 1", "\u0660\u0665-1-1 1")) {
            read("yy-MM-dd HH", "GMT", text);
            read("y-MM-dd HH", "America/New_York", text);
        }
    }

    private static String number(String field) {
        switch (field) {
            case "yyyy": case "YYYY": return String.valueOf(1950 + RANDOM.nextInt(120));
            case "yy": return String.format("%02d", RANDOM.nextInt(100));
            case "E": return pick(List.of("Sun", "monday", "Tue", "WED", "Thursday", "Fri", "sat"));
            case "a": return pick(List.of("AM", "pm"));
            default: return RANDOM.nextInt(10) == 0 ? pick(List.of("-1", "0", "-40", "1000", "99", "00007", "4294967297", "+1", "1.5"))
                : String.valueOf(RANDOM.nextInt(field.equals("D") ? 400 : field.length() == 2 ? 70 : 32));
        }
    }

    private static void zones() {
        for (String text : ZONE_TEXTS) {
            for (String letters : List.of("z", "Z", "zzzz", "X", "XX", "XXX")) {
                read("yyyy-MM-dd HH:mm " + letters, "GMT", "2024-01-15 10:00 " + text);
                read("yyyy-MM-dd HH:mm" + letters, "America/New_York", "2024-07-15 10:00" + text);
            }
        }
        read("yyyy-MM-dd HH:mm z", "Asia/Kolkata", "2024-07-15 10:00 IST");
        read("yyyy-MM-dd HH:mm z", "GMT", "2024-07-15 10:00  GMT+05:45");
        read("yyyy-MM-dd HH:mm z", "Asia/Shanghai", "2024-07-15 10:00 CST");
        for (String zone : ZONES) {
            for (String instant : List.of("2024-01-15T12:00:00Z", "2024-07-15T12:00:00Z", "1975-01-15T12:00:00Z")) {
                for (String letters : List.of("z", "zzzz", "Z", "X", "XX", "XXX")) {
                    write(letters + " HH:mm", zone, Instant.parse(instant).toEpochMilli());
                }
            }
        }
    }

    /** Every half hour around the times at which clocks change. */
    private static void clockChanges() {
        String[][] changes = {
            {"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"}, {"Europe/London", "2026-03-29"},
            {"Europe/London", "2026-10-25"}, {"Europe/Dublin", "2025-03-30"}, {"Europe/Dublin", "2025-10-26"},
            {"Australia/Lord_Howe", "2025-04-06"}, {"Australia/Lord_Howe", "2025-10-05"}, {"Europe/Moscow", "2011-03-27"},
            {"Europe/Moscow", "2014-10-26"}, {"Pacific/Apia", "2011-12-30"}, {"America/Sao_Paulo", "2018-11-04"}};
        for (String[] change : changes) {
            for (int minutes = -30; minutes < 270; minutes += 30) {
                read("yyyy-MM-dd HH:mm", change[0], change[1] + " 00:" + minutes);
            }
        }
    }

    private static void words() {
        for (String month : List.of("Jan", "JANUARY", "feb", "Sept", "Sep", "September", "May", "J", "13", " Mar", "Janvier", "Decem")) {
            for (String letters : List.of("MMM", "MMMM", "MMMMM", "LLL", "LLLL")) {
                read("d " + letters + " yyyy", "GMT", "5 " + month + " 2024");
            }
        }
        for (String text : List.of("Mon 1", "MONDAY 1", "tues 1", "Tue 1", "x 1", " Wed 1", "Thursday  1", "7 1")) {
            read("EEE d", "GMT", text);
            read("EEEE d", "GMT", text);
        }
        for (String text : List.of("12 AM", "12 pm", "13 PM", "0 am", "1 p", "1  PM", "1PM", "24 AM")) {
            for (String letters : List.of("h a", "K a", "H a", "k a", "ha")) {
                read(letters, "GMT", text);
            }
        }
        for (String text : List.of("AD 2024", "ad 2024", "Anno Domini 2024", "CE 2024")) {
            read("G yyyy", "GMT", text);
        }
        for (String text : List.of("20240115", "2024011", "240115", " 20240115", "2024-01-15", "202401155", "0020240115")) {
            for (String letters : List.of("yyyyMMdd", "yyMMdd", "yyyyMd", "yyyyDDD", "yyyyMMMdd")) {
                read(letters, "GMT", text);
            }
        }
        for (String text : List.of("", " ", "5", "  5", "\t5", "\n5", "+5", "- 5", "-5", "--5", "1E1", "5.5", "1,000", "\u0665", "a5")) {
            read("d", "GMT", text);
            read("'x'd", "GMT", "x" + text);
        }
        for (String pattern : List.of("'a'", "''", " ", "-", "'o''clock'")) {
            for (String text : List.of("a", "'", " ", "-", "o'clock", "")) {
                read(pattern, "GMT", text);
            }
        }
    }

    private static void fractions() {
        for (String digits : List.of("5", "05", "50", "005", "123", "500", "0001", "123456", "999999", "1234567", "123456789", "-5")) {
            for (String letters : List.of("S", "SS", "SSS", "SSSSSS")) {
                read("yyyy-MM-dd HH:mm:ss." + letters + "X", "GMT", "2024-01-15 10:00:00." + digits + "Z");
                read("HH:mm:ss:" + letters, "GMT", "10:00:00:" + digits);
                write("HH:mm:ss." + letters, "GMT", 1_700_000_000_000L + Math.abs(Long.parseLong(digits)) % 1000);
            }
        }
    }

    private static String pick(List<String> from) {
        return from.get(RANDOM.nextInt(from.size()));
    }

    private static SimpleDateFormat format(String pattern, String zone) {
        SimpleDateFormat format = new SimpleDateFormat(pattern, Locale.US);
        format.setTimeZone(TimeZone.getTimeZone(zone));
        format.set2DigitYearStart(CENTURY_STARTS_AT);
        return format;
    }

    private static void pattern(String pattern) {
        boolean accepted = true;
        try {
            new SimpleDateFormat(pattern, Locale.US);
        } catch (IllegalArgumentException error) {
            accepted = false;
        }
        LINES.add("{\"pattern\":" + quote(pattern) + ",\"accepted\":" + accepted + "}");
    }

    private static void read(String pattern, String zone, String text) {
        String instant;
        try {
            instant = String.valueOf(format(pattern, zone).parse(text).getTime());
        } catch (ParseException error) {
            instant = "null";
        }
        LINES.add("{\"pattern\":" + quote(pattern) + ",\"zone\":" + quote(zone)
            + ",\"text\":" + quote(text) + ",\"read\":" + instant + "}");
    }

    private static String write(String pattern, String zone, long instant) {
        String text = format(pattern, zone).format(new Date(instant));
        LINES.add("{\"pattern\":" + quote(pattern) + ",\"zone\":" + quote(zone)
            + ",\"instant\":" + instant + ",\"written\":" + quote(text) + "}");
        return text;
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char letter : text.toCharArray()) {
            if (letter == '"' || letter == '\\' || letter < ' ' || letter > '~') {
                quoted.append(String.format("\\u%04x", (int) letter));
            } else {
                quoted.append(letter);
            }
        }
        return quoted.append('"').toString();
    }
}
