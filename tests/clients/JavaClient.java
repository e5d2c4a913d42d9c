/*
 * java.net.HttpURLConnection, with a header of its own, or with an Authenticator that
 * the challenge of a 401 asks.
 *
 * Reads mode, method, URL, user and token, a line each; prints the status, and the
 * user as whom Jira answered.
 */
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Authenticator;
import java.net.HttpURLConnection;
import java.net.PasswordAuthentication;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Scanner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public final class JavaClient {
    private static final Pattern USER =
            Pattern.compile("\"x_forwarded_user\": \\[\"([^\"]*)\"");

    private JavaClient() {
    }

    /** Once: a second question for the same token is one that was refused. */
    private static final class Once extends Authenticator {
        private final String user;
        private final String token;
        private boolean asked;

        Once(String user, String token) {
            this.user = user;
            this.token = token;
        }

        @Override
        protected PasswordAuthentication getPasswordAuthentication() {
            if (asked)
                return null;
            asked = true;
            return new PasswordAuthentication(user, token.toCharArray());
        }
    }

    private static void authorize(HttpURLConnection connection, String mode,
            String user, String token) {
        if (mode.equals("authenticator"))
            Authenticator.setDefault(new Once(user, token));
        else if (mode.equals("bearer"))
            connection.setRequestProperty("Authorization", "Bearer " + token);
        else
            connection.setRequestProperty("Authorization", "Basic "
                    + Base64.getEncoder().encodeToString(
                            (user + ":" + token).getBytes(StandardCharsets.UTF_8)));
    }

    private static String user(HttpURLConnection connection) throws Exception {
        try (InputStream in = connection.getInputStream();
                Scanner body = new Scanner(in, "UTF-8").useDelimiter("\\A")) {
            Matcher matcher = USER.matcher(body.next());
            return matcher.find() ? matcher.group(1) : "nobody";
        }
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String mode = in.readLine();
        String method = in.readLine();
        String path = method.equals("GET") ? "/rest/api/2/myself" : "/rest/api/2/issue";
        HttpURLConnection connection =
                (HttpURLConnection) new URL(in.readLine() + path).openConnection();
        authorize(connection, mode, in.readLine(), in.readLine());
        connection.setRequestMethod(method);
        if (method.equals("POST")) {
            connection.setDoOutput(true);
            connection.getOutputStream().write("{}".getBytes(StandardCharsets.UTF_8));
        }
        int status = connection.getResponseCode();
        System.out.println(status == 200 ? "200 " + user(connection) : "" + status);
    }
}
