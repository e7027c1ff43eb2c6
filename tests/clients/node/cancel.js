// node's own http through the package follow-redirects, with the length set once the request is open.
const { http } = require("follow-redirects");

const [url, token, client_id, exchange_order_id, oms_order_id] = process.argv.slice(2);
const [, hostname, port, path] = /^http:\/\/([^:]+):(\d+)(.*)$/.exec(url);
const headers = { "x-device-type": "WEB", "x-authorization-token": token, "content-type": "application/json" };
const request = http.request({ method: "DELETE", hostname, port, path, headers, maxRedirects: 20 }, (reply) => {
  const pieces = [];
  reply.on("data", (piece) => pieces.push(piece));
  reply.on("end", () => console.log(`${reply.statusCode}\n${Buffer.concat(pieces)}`));
});
const body = JSON.stringify({
  client_id,
  exchange_order_id,
  execution_type: "BO",
  leg_order_indicator: "ENTRY",
  oms_order_id,
  status: "CONFIRMED",
});
request.setHeader("Content-Length", body.length);
request.write(body);
request.end();
