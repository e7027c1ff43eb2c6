import java.io.IOException;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/** OkHttp: the content type of a body made from a text, with a charset, takes the place of the header that is added. */
public final class Cancel {
    public static void main(String[] given) throws IOException {
        String text =
                "{\r\n    \"client_id\": \"" + given[2]
                        + "\",\r\n    \"exchange_order_id\": \"" + given[3]
                        + "\",\r\n    \"execution_type\": \"BO\",\r\n    \"leg_order_indicator\": \"ENTRY\",\r\n"
                        + "    \"oms_order_id\": \"" + given[4]
                        + "\",\r\n    \"status\": \"CONFIRMED\"\r\n}";
        RequestBody body = RequestBody.create(MediaType.parse("application/json"), text);
        Request request =
                new Request.Builder()
                        .url(given[0])
                        .method("DELETE", body)
                        .addHeader("x-device-type", "WEB")
                        .addHeader("x-authorization-token", given[1])
                        .addHeader("content-type", "application/json")
                        .build();
        try (Response reply = new OkHttpClient().newBuilder().build().newCall(request).execute()) {
            System.out.print(reply.code() + "\n" + reply.body().string());
        }
    }
}
