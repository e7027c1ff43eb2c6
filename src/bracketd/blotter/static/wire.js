// The wire: requests to the family's REST routes, and what a reply comes to. Nothing is a success that did not say so.

const KART = "/api/v1/orders/kart";
const ORDERS = "/api/v1/orders";
const TOKEN = "bracketd.token";
const REPLY_MS = 15_000;

/** Whoever wants to know that the token is good no more. */
export const session = { token: sessionStorage.getItem(TOKEN) ?? "", client: "", onEnded: () => {} };

/** Keep a token for as long as this tab lives; an empty one is forgotten. */
export function keepToken(token) {
  session.token = token;
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

/**
 * One request. Returns {kind, status, body, message, reason}; kind is
 * "done" (the wire said success), "pending" (it said that it does not know yet), "refused" (it said no), or
 * "unknown" (no reply, or one that cannot be understood: it may or may not have happened).
 */
export async function ask(method, path, { query = {}, body = null, headers = {}, open = false } = {}) {
  const address = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  const sent = { "x-device-type": "WEB", ...headers };
  if (!open) sent["x-authorization-token"] = session.token;
  if (body !== null) sent["content-type"] = "application/json";
  let reply;
  let text;
  try {
    reply = await fetch(address, {
      method,
      headers: sent,
      body: body === null ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(REPLY_MS),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    text = await reply.text();
  } catch {
    return { kind: "unknown", status: 0, body: null, message: "No reply came.", reason: "" };
  }
  const outcome = judge(reply.status, text);
  if (outcome.status === 401 && !open) session.onEnded();
  return outcome;
}

/** What a reply comes to; see `ask`. */
export function judge(status, text) {
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy's page, or half a reply.
  }
  const told = body !== null && typeof body === "object" ? body : {};
  const message = typeof told.message === "string" ? told.message : "";
  const outcome = { kind: "unknown", status, body: told, message, reason: told.reason ?? "" };
  if (status === 202 || (told.status === "pending" && status < 300)) outcome.kind = "pending";
  else if (status >= 400 && status < 500 && body !== null) outcome.kind = "refused";
  else if (status === 200 && (told.status === "failed" || told.status === "error")) outcome.kind = "refused";
  else if (status === 200 && told.status === "success" && !told.error_code && !told.reason) {
    // "Submitted" is the family's word for taken, which is not done.
    outcome.kind = /submitted/i.test(message) && /cancel/i.test(message) ? "pending" : "done";
  }
  if (outcome.kind === "unknown" && !outcome.message) outcome.message = `HTTP ${status}`;
  return outcome;
}

const one = (row) => ({
  client_id: session.client,
  execution_type: row.execution_type === "CO" ? "CO" : row.execution_type === "BO" ? "BO" : "REGULAR",
  oms_order_id: row.oms_order_id,
});

/** The whole order book: what works before what is over, so that a row that ends meanwhile is not missed. */
export async function readBook() {
  const rows = [];
  for (const type of ["pending", "completed"]) {
    const reply = await ask("GET", ORDERS, { query: { type, client_id: session.client } });
    if (reply.kind !== "done") return null;
    rows.push(...reply.body.data.orders);
  }
  return rows;
}

/** Data of a read, or null where it did not come. */
async function read(path, query = {}) {
  const reply = await ask("GET", path, { query });
  return reply.kind === "done" ? reply.body.data : null;
}

export const whoAmI = () => ask("GET", "/api/v1/user/trading_info");
export const readPositions = () => read("/api/v1/positions", { type: "historical" });
export const readFunds = () => read("/api/v2/funds/view", { type: "all" });
export const readHistory = async (id) => (await read(`/api/v1/order/${encodeURIComponent(id)}/history`))?.["order history"];
export const readQuote = (exchange, token) => read(`/api/v1/marketdata/${exchange}/Capital`, { token });

/** What a contract route found, in its own envelope; null for nothing. */
async function result(path, query) {
  const reply = await ask("GET", path, { query });
  return reply.status === 200 && reply.body.result ? reply.body.result : null;
}

export const search = async (key) => (await result("/api/v1/search", { key })) ?? [];
export const contract = (exchange, token) => result(`/api/v1/contract/${exchange}`, { info: "scrip", token });

/** A new key for a placement. It works over plain HTTP too, where a browser has no randomUUID. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Place under a key: the same key sent again is the same order. */
export function place(order, key) {
  const headers = { "idempotency-key": key };
  return ask("POST", KART, { body: { client_id: session.client, ...order }, headers });
}

/** Modify one row as it is shown: an order that has changed since is refused, and nothing happens. */
export function modify(row, changes) {
  const body = { ...one(row), last_activity_reference: row.last_activity_reference, ...changes };
  return ask("PUT", KART, { body });
}

/** Cancel what works of an entry, or of an order by itself. */
export function cancel(row) {
  const leg = row.leg_order_indicator ? { leg_order_indicator: "ENTRY" } : {};
  return remove(row, { ...one(row), ...leg });
}

/** Close the bracket of an entry; the stop-loss becomes the closing order. */
export function exit(entry) {
  return remove(entry, { ...one(entry), leg_order_indicator: "STOPLOSS" });
}

function remove(row, fields) {
  // In body and query: some proxies drop the body of a DELETE.
  const headers = { prefer: "return=representation" };
  return ask("DELETE", `${KART}/${encodeURIComponent(row.oms_order_id)}`, { query: fields, body: fields, headers });
}

/** The kill switch. */
export const cancelEverything = () => ask("DELETE", ORDERS, { query: { client_id: session.client } });

export const logIn = (login_id, password) =>
  ask("POST", "/api/v3/user/login", { body: { login_id, password, device: "WEB" }, open: true });

export const secondFactor = (login_id, twofa_token, answer, type) =>
  ask("POST", "/api/v3/user/twofa", {
    body: { login_id, twofa_token, twofa: [{ question_id: "1", answer }], type },
    open: true,
  });

export const logOut = () => ask("POST", "/api/v1/user/logout");
