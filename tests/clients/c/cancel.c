/* libcurl: a custom DELETE whose body is set as the fields of a post. The reply is written to stdout by the library. */
#include <curl/curl.h>
#include <stdio.h>

static size_t keep_quiet(char *piece, size_t size, size_t count, void *kept) {
    size_t length = size * count;
    char *end = kept;
    while (*end) end++;
    for (size_t i = 0; i < length && i < 4000; i++) end[i] = piece[i];
    return length;
}

int main(int count, char **given) {
    static char url[1024], header[4096], body[1024], reply[8192];
    long status = 0;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    if (!curl || count != 6) return 2;
    snprintf(url, sizeof url, "%s", given[1]);
    snprintf(header, sizeof header, "x-authorization-token: %s", given[2]);
    snprintf(body, sizeof body,
             "{\r\n    \"client_id\": \"%s\",\r\n    \"exchange_order_id\": \"%s\",\r\n    \"execution_type\": \"BO\",\r\n"
             "    \"leg_order_indicator\": \"ENTRY\",\r\n    \"oms_order_id\": \"%s\",\r\n    \"status\": \"CONFIRMED\"\r\n}",
             given[3], given[4], given[5]);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_DEFAULT_PROTOCOL, "https");
    headers = curl_slist_append(headers, "x-device-type: WEB");
    headers = curl_slist_append(headers, header);
    headers = curl_slist_append(headers, "content-type: application/json");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_quiet);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    CURLcode done = curl_easy_perform(curl);
    if (done == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        printf("%ld\n%s", status, reply);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return done == CURLE_OK ? 0 : 1;
}
