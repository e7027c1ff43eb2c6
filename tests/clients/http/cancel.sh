#!/bin/bash
# HTTP by hand on a socket: lines end in CRLF in the body too, as the length of the page's sample counts them.
address=${1#http://}
path=/${address#*/}
host=${address%%/*}
body=$(printf '{\r\n    "client_id": "%s",\r\n    "exchange_order_id": "%s",\r\n    "execution_type": "BO",\r\n' "$3" "$4"
    printf '    "leg_order_indicator": "ENTRY",\r\n    "oms_order_id": "%s",\r\n    "status": "CONFIRMED"\r\n}' "$5")
exec 3<>"/dev/tcp/${host%:*}/${host#*:}"
printf 'DELETE %s HTTP/1.1\r\nHost: %s\r\nx-device-type: WEB\r\nx-authorization-token: %s\r\n' "$path" "$host" "$2" >&3
printf 'content-type: application/json\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" >&3
length=0
read -r _ status _ <&3
while IFS=': ' read -r name value <&3 && [ "$name" != $'\r' ]; do
    if [ "${name,,}" = content-length ]; then length=${value%$'\r'}; fi
done
printf '%s\n' "$status"
head -c "$length" <&3
