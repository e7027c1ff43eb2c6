// HttpClient. StringContent is what carries the content type, with a charset; as on the page a refusal throws before
// the body is read, so that only the status, which is written here first, is seen of it.
using System;
using System.Net.Http;
using System.Threading.Tasks;

static class Cancel
{
    // This compiler knows no asynchronous Main.
    static void Main(string[] given) => Send(given).GetAwaiter().GetResult();

    static async Task Send(string[] given)
    {
        var client = new HttpClient();
        var request = new HttpRequestMessage(HttpMethod.Delete, given[0]);
        request.Headers.Add("x-device-type", "WEB");
        request.Headers.Add("x-authorization-token", given[1]);
        var body = "{\r\n    \"client_id\": \"" + given[2]
            + "\",\r\n    \"exchange_order_id\": \"" + given[3]
            + "\",\r\n    \"execution_type\": \"BO\",\r\n    \"leg_order_indicator\": \"ENTRY\",\r\n    \"oms_order_id\": \""
            + given[4] + "\",\r\n    \"status\": \"CONFIRMED\"\r\n}";
        request.Content = new StringContent(body, null, "application/json");
        var reply = await client.SendAsync(request);
        Console.WriteLine((int)reply.StatusCode);
        reply.EnsureSuccessStatusCode();
        Console.Write(await reply.Content.ReadAsStringAsync());
    }
}
