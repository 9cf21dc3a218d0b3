import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Asks the triage service about messages that wait in files. Java 11 or newer, no libraries.
 *
 * <pre>java TriageClient.java spool/waiting/*.json</pre>
 *
 * Every file holds one message as JSON. It moves to {@code spool/routed/DEPARTMENT/} or, where the
 * decision needs a person or there is none, to {@code spool/person/}; the decision lies beside it. A
 * file that was not settled stays where it is: run again. Nothing of a message or a decision is
 * printed.
 *
 * <p>Environment: TRIAGE_URL, TRIAGE_API_KEY, TRIAGE_SPOOL, TRIAGE_TIMEOUT_MS (all attempts
 * together).
 */
public final class TriageClient {
    /**
     * 503: a full queue or a service that starts; 502: the same in the words of a proxy; 409: an
     * attempt whose line was cut is still running there; 429: this program asks too often.
     */
    private static final Set<Integer> TRY_AGAIN = Set.of(409, 429, 502, 503);

    // With a JSON library read the two fields with that. Without one: within a JSON text a quotation
    // mark is always escaped, so these patterns can only match the answer's own fields.
    private static final Pattern DEPARTMENT =
            Pattern.compile("\"department\":\"(civil|administrative|public_interest|complaints)\"");
    private static final String ROUTABLE = "\"needs_review\":false";
    private static final String URGENT = "\"urgent\":true";

    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(2))
                    .build();
    private final URI address;
    private final Duration patience;
    private final String apiKey;

    /**
     * Asks the service at {@code url}; all attempts at one message take at most {@code patience}.
     * An empty {@code apiKey} is not sent.
     */
    public TriageClient(String url, Duration patience, String apiKey) {
        this.address = URI.create(url.replaceAll("/+$", "") + "/v1/classify");
        this.patience = patience;
        this.apiKey = apiKey;
    }

    /** What to do with a message: a department, or, where it is empty, a person. */
    public static final class Outcome {
        /** Who gets the message without a person looking first. */
        public final Optional<String> department;
        /** The service's answer, where there was a decision. */
        public final Optional<String> decision;
        /** A short reason for the log. */
        public final String why;

        Outcome(Optional<String> department, Optional<String> decision, String why) {
            this.department = department;
            this.decision = decision;
            this.why = why;
        }
    }

    /**
     * Asks about a message, which is JSON; does not throw for the network or the service. The key
     * names the message: asked again under it within a day, it is stored once.
     */
    public Outcome classify(byte[] message, String requestId, String key)
            throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        long pause = 200;
        String why = "unreachable";
        for (long left; (left = (deadline - System.nanoTime()) / 1_000_000) > 0; pause *= 2) {
            long asked = 0;
            try {
                HttpResponse<String> response = post(message, requestId, key, left);
                if (response.statusCode() == 200) {
                    return decided(response.body());
                }
                why = "status_" + response.statusCode();
                if (!TRY_AGAIN.contains(response.statusCode())) {
                    break; // the same message would get the same answer
                }
                asked = retryAfter(response);
            } catch (IOException error) {
                why = "unreachable";
            }
            // As late as the service asks, and no two clients at the same moment.
            long wait = Math.max(asked, pause) + ThreadLocalRandom.current().nextLong(pause);
            if (System.nanoTime() + wait * 1_000_000 >= deadline) {
                break;
            }
            Thread.sleep(wait);
        }
        return new Outcome(Optional.empty(), Optional.empty(), why);
    }

    private HttpResponse<String> post(byte[] message, String requestId, String key, long left)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(address)
                        // A little longer than the service has: its 504 says more than a cut line.
                        .timeout(Duration.ofMillis(left + 500))
                        .header("Content-Type", "application/json")
                        .header("Idempotency-Key", key)
                        .header("X-Request-ID", requestId)
                        .header("X-Request-Timeout-Ms", Long.toString(Math.min(left, 600_000)))
                        .POST(HttpRequest.BodyPublishers.ofByteArray(message));
        if (!apiKey.isEmpty()) {
            request.header("Authorization", "Bearer " + apiKey);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    private static long retryAfter(HttpResponse<String> response) {
        String asked = response.headers().firstValue("Retry-After").orElse("");
        return asked.matches("[0-9]{1,4}") ? Long.parseLong(asked) * 1000 : 0;
    }

    private static Outcome decided(String answer) {
        Matcher found = DEPARTMENT.matcher(answer);
        if (!found.find()) {
            return new Outcome(Optional.empty(), Optional.empty(), "no_decision");
        }
        if (!answer.contains(ROUTABLE)) {
            return new Outcome(Optional.empty(), Optional.of(answer), "needs_review");
        }
        return new Outcome(Optional.of(found.group(1)), Optional.of(answer), "decided");
    }

    /** What the service knows this message by, today and after a crash. */
    static String nameOf(Path file, byte[] message) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((file.getFileName() + "\0").getBytes(StandardCharsets.UTF_8));
            StringBuilder name = new StringBuilder();
            for (byte each : digest.digest(message)) {
                name.append(String.format("%02x", each));
            }
            return name.toString();
        } catch (NoSuchAlgorithmException error) {
            throw new AssertionError(error); // every Java has it
        }
    }

    /** Puts the message, and before it the decision, where it belongs. */
    static void settle(Path file, Outcome outcome, Path spool) throws IOException {
        Path folder = spool.resolve(place(outcome));
        Files.createDirectories(folder);
        String name = file.getFileName().toString();
        if (outcome.decision.isPresent()) {
            String stem = name.replaceFirst("\\.json$", "");
            Path fresh = folder.resolve("." + stem + ".new");
            try (FileChannel out =
                    FileChannel.open(
                            fresh,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.TRUNCATE_EXISTING,
                            StandardOpenOption.WRITE)) {
                ByteBuffer bytes = StandardCharsets.UTF_8.encode(outcome.decision.get());
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
                out.force(true);
            }
            Files.move(
                    fresh,
                    folder.resolve(stem + ".decision.json"),
                    StandardCopyOption.ATOMIC_MOVE);
        }
        // The message moves last: interrupted before, it is still waiting, and is asked under its key.
        Files.move(file, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    private static String place(Outcome outcome) {
        return outcome.department.map(department -> "routed/" + department).orElse("person");
    }

    private static String environment(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    /** Settles all files; ends with 1 where one of them is still waiting. */
    public static void main(String[] files) throws InterruptedException {
        TriageClient client =
                new TriageClient(
                        environment("TRIAGE_URL", "http://127.0.0.1:8000"),
                        Duration.ofMillis(Long.parseLong(environment("TRIAGE_TIMEOUT_MS", "10000"))),
                        environment("TRIAGE_API_KEY", ""));
        Path spool = Path.of(environment("TRIAGE_SPOOL", "spool"));
        boolean left = false;
        for (String name : files) {
            String requestId = UUID.randomUUID().toString();
            try {
                Path file = Path.of(name);
                byte[] message = Files.readAllBytes(file);
                Outcome outcome = client.classify(message, requestId, nameOf(file, message));
                settle(file, outcome, spool);
                boolean urgent = outcome.decision.map(d -> d.contains(URGENT)).orElse(false);
                System.out.printf(
                        "%s %s %s %s%s%n",
                        file.getFileName(),
                        requestId,
                        place(outcome),
                        outcome.why,
                        urgent ? " urgent" : "");
            } catch (IOException error) {
                left = true;
                System.err.printf(
                        "%s %s still waiting: %s%n",
                        name, requestId, error.getClass().getSimpleName());
            }
        }
        System.exit(left ? 1 : 0);
    }
}
