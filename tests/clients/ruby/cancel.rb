# Net::HTTP with a body on its Delete. URI() refuses an address with < and > in it.
require "json"
require "net/http"
require "uri"

address, token, client_id, exchange_order_id, oms_order_id = ARGV
url = URI(address)
request = Net::HTTP::Delete.new(url)
request["x-device-type"] = "WEB"
request["x-authorization-token"] = token
request["content-type"] = "application/json"
request.body = JSON.dump({
  "client_id": client_id,
  "exchange_order_id": exchange_order_id,
  "execution_type": "BO",
  "leg_order_indicator": "ENTRY",
  "oms_order_id": oms_order_id,
  "status": "CONFIRMED"
})
reply = Net::HTTP.new(url.host, url.port).request(request)
print reply.code, "\n", reply.read_body
