<?php
// PHP's cURL: any encoding of the reply is taken, redirects are followed, HTTP 1.1 is asked for.
[, $url, $token, $client_id, $exchange_order_id, $oms_order_id] = $argv;
$curl = curl_init();
curl_setopt_array($curl, [
    CURLOPT_URL => $url,
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_ENCODING => '',
    CURLOPT_MAXREDIRS => 10,
    CURLOPT_TIMEOUT => 0,
    CURLOPT_FOLLOWLOCATION => true,
    CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_1,
    CURLOPT_CUSTOMREQUEST => 'DELETE',
    CURLOPT_POSTFIELDS => "{
    \"client_id\": \"$client_id\",
    \"exchange_order_id\": \"$exchange_order_id\",
    \"execution_type\": \"BO\",
    \"leg_order_indicator\": \"ENTRY\",
    \"oms_order_id\": \"$oms_order_id\",
    \"status\": \"CONFIRMED\"
}",
    CURLOPT_HTTPHEADER => ['x-device-type: WEB', "x-authorization-token: $token", 'content-type: application/json'],
]);
$reply = curl_exec($curl);
echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), "\n", $reply;
