#!/bin/sh
# HTTPie with the body on its standard input, redirects followed.
printf '{
"client_id": "%s",
"exchange_order_id": "%s",
"execution_type": "BO",
"leg_order_indicator": "ENTRY",
"oms_order_id": "%s",
"status": "CONFIRMED"
}' "$3" "$4" "$5" | http --follow --timeout 3600 --print=hb --pretty=none DELETE "$1" \
    x-device-type:'WEB' \
    x-authorization-token:"$2" \
    content-type:'application/json' |
    { read -r _ status _; printf '%s\n' "$status"; tail -n 1; }
