/* SPDX-License-Identifier: Apache-2.0 */
/* Client BASE CELL [2]: three requests by java.net.http; see https-clients-test.py. With 2 the client
 * is left at its default, which offers HTTP/2: by ALPN in TLS, by Upgrade: h2c in clear. */
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

public class Client {
    static HttpClient client;

    static void ask(HttpRequest.Builder builder, String url) throws Exception {
        HttpRequest request = builder.uri(URI.create(url)).timeout(Duration.ofSeconds(8)).build();
        HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
        System.out.println("STATUS " + response.statusCode() + "\n" + response.body().trim());
    }

    public static void main(String[] words) throws Exception {
        HttpClient.Builder builder = HttpClient.newBuilder();
        if (words.length < 3)
            builder.version(HttpClient.Version.HTTP_1_1);
        client = builder.build();
        ask(HttpRequest.newBuilder().GET(), words[0] + "/allowed/" + words[1]);
        ask(HttpRequest.newBuilder().POST(BodyPublishers.ofString("secret")),
            words[0] + "/refused/" + words[1]);
        ask(HttpRequest.newBuilder().GET(), words[0] + "/hidden/" + words[1]);
    }
}
