// follow.mjs against every ready scenario: node follow.test.mjs URL, with a broker of `python -m bracketd.testing` or
// the fixture live_broker whose clients are named like the scenarios. One JSON line tells of each.

import { connect, Refused, trade } from "./follow.mjs";

const url = process.argv[2];

async function sandbox(method, path, body) {
  const reply = await fetch(`${url}/sandbox/v1/${path}`, { method, body: body && JSON.stringify(body) });
  const json = await reply.json();
  if (reply.status !== 200) throw new Error(`${method} ${path}: ${json.message}`);
  return json.data;
}

async function sleep(ms) {
  await sandbox("POST", "clock", { advance_ms: ms });
  await sandbox("POST", "ticks", { exchange: "NSE", instrument_token: 3045, last_price: "456.50", last_quantity: 100 });
}

for (const { name } of await sandbox("GET", "scenarios")) {
  const who = { client_id: name };
  await sandbox("DELETE", "script");
  await sandbox("POST", "script", { scenario: name });
  let stopped = "";
  try {
    await trade(connect(url, (await sandbox("POST", "tokens", who)).token, name), sleep);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    stopped = fault.message;
    const headers = { "x-authorization-token": (await sandbox("POST", "tokens", who)).token };
    await fetch(`${url}/api/v1/orders?client_id=${name}`, { method: "DELETE", headers });
  }
  await sleep(120_000);
  console.log(JSON.stringify({ scenario: name, stopped, ...(await sandbox("POST", "positions", who)) }));
}
