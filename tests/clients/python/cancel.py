"""Python's http.client: the body is a text, which the library encodes."""

import http.client
import json
import sys
from urllib.parse import urlsplit

url, token, client_id, exchange_order_id, oms_order_id = sys.argv[1:]
address = urlsplit(url)
connection = http.client.HTTPConnection(address.netloc)
body = json.dumps(
    {
        "client_id": client_id,
        "exchange_order_id": exchange_order_id,
        "execution_type": "BO",
        "leg_order_indicator": "ENTRY",
        "oms_order_id": oms_order_id,
        "status": "CONFIRMED",
    }
)
headers = {"x-device-type": "WEB", "x-authorization-token": token, "content-type": "application/json"}
connection.request("DELETE", address.path, body, headers)
reply = connection.getresponse()
sys.stdout.write(f"{reply.status}\n{reply.read().decode()}")
