// fetch with a Headers object, redirects followed. An address with < and > is percent-encoded by fetch.
const [url, token, client_id, exchange_order_id, oms_order_id] = process.argv.slice(2);
const headers = new Headers();
headers.append("x-device-type", "WEB");
headers.append("x-authorization-token", token);
headers.append("content-type", "application/json");
const body = JSON.stringify({
  client_id,
  exchange_order_id,
  execution_type: "BO",
  leg_order_indicator: "ENTRY",
  oms_order_id,
  status: "CONFIRMED",
});
fetch(url, { method: "DELETE", headers, body, redirect: "follow" }).then(async (reply) =>
  console.log(`${reply.status}\n${await reply.text()}`),
);
