#!/bin/sh
# curl --location, the body as --data in six lines of their own.
curl --silent --show-error --location --request DELETE "$1" \
    --header 'x-device-type: WEB' \
    --header "x-authorization-token: $2" \
    --header 'content-type: application/json' \
    --data "{
    \"client_id\": \"$3\",
    \"exchange_order_id\": \"$4\",
    \"execution_type\": \"BO\",
    \"leg_order_indicator\": \"ENTRY\",
    \"oms_order_id\": \"$5\",
    \"status\": \"CONFIRMED\"
}" \
    --output - --write-out '\n%{http_code}' |
    { IFS= read -r body; IFS= read -r status; printf '%s\n%s\n' "$status" "$body"; }
