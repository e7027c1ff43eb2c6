// The program of follow.py in another language, with nothing but fetch: what a broker says is believed, nothing else is.

const QUANTITY = 10;
const KART = "/api/v1/orders/kart";

export class Refused extends Error {}

export function connect(url, token, clientId) {
  const headers = { "x-authorization-token": token, "content-type": "application/json" };

  // The reply as {status, body}; undefined where there is none, and then nobody knows what became of the request.
  async function ask(method, path, body, more = {}) {
    try {
      const reply = await fetch(url + path, { method, headers: { ...headers, ...more }, body: body && JSON.stringify(body) });
      return { status: reply.status, body: await reply.json() };
    } catch {
      return undefined;
    }
  }

  async function book() {
    const rows = [];
    for (const type of ["pending", "completed"]) {
      const reply = await ask("GET", `/api/v1/orders?type=${type}&client_id=${clientId}`);
      if (reply?.body.status !== "success") throw new Refused(reply?.body.message ?? "no reply");
      rows.push(...reply.body.data.orders);
    }
    return rows;
  }

  // One key for all tries: the server places one bracket, however often it is asked.
  async function place(price, quantity) {
    const key = crypto.randomUUID();
    const order = {
      client_id: clientId, exchange: "NSE", instrument_token: "3045", execution_type: "BO", order_side: "BUY",
      order_type: "LIMIT", price, product: "MIS", quantity, square_off_value: "4.00", stop_loss_value: "2.00",
      trigger_price: 0, validity: "DAY",
    };
    for (let attempt = 0; attempt < 4; attempt++) {
      const reply = await ask("POST", KART, order, { "idempotency-key": key });
      if (reply?.body.status === "success") return reply.body.data.data.basket_id;
      if (reply && reply.status < 500) throw new Refused(reply.body.message);
    }
    throw new Error("not known whether it is placed");
  }

  // "done", "late" or "unknown"; only a 200 that says success is a cancel.
  async function end(orderId, leg) {
    // In the query, not the body: some proxies drop the body of a DELETE, and an exit without its leg is a cancel.
    const reply = await ask("DELETE", `${KART}/${orderId}?client_id=${clientId}&leg_order_indicator=${leg}`);
    if (reply?.status === 200 && reply.body.status === "success") return "done";
    if (reply?.body.reason === "TOO_LATE") return "late";
    if (!reply || reply.status === 202 || reply.status >= 500 || reply.body.reason === "VENUE_REFUSED") return "unknown";
    throw new Refused(reply.body.message);
  }

  return { book, place, end };
}

export async function trade(broker, sleep) {
  const rowsOf = async (basket) => (await broker.book()).filter((row) => row.basket_id === basket);
  const entryOf = async (basket) => (await rowsOf(basket)).find((row) => row.leg_order_indicator === "ENTRY");
  const cancel = async (basket) => {
    const { oms_order_id } = await entryOf(basket);
    while ((await broker.end(oms_order_id, "ENTRY")) === "unknown") await sleep(1000);
  };

  const baskets = [await broker.place("456.00", QUANTITY)];
  await sleep(60_000);
  if ((await entryOf(baskets[0])).remaining_quantity) {
    await cancel(baskets[0]);
    const missing = QUANTITY - (await entryOf(baskets[0])).filled_quantity;
    if (missing) baskets.push(await broker.place("456.60", missing));
  }
  await sleep(60_000);
  for (const basket of baskets) {
    await cancel(basket);
    for (;;) {
      const rows = await rowsOf(basket);
      const working = rows.some((row) => !["COMPLETE", "CANCELLED", "REJECTED"].includes(row.order_status));
      if (!working) break;
      await broker.end(rows.find((row) => row.leg_order_indicator === "ENTRY").oms_order_id, "STOPLOSS");
      await sleep(1000);
    }
  }
}
