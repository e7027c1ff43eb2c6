// The feed: one websocket with order updates, trade updates and quotes, kept up for as long as the page is open.

import { session, whoAmI } from "./wire.js";

const QUOTE = 1;
const ORDER = 50;
const TRADE = 51;
const ANSWER = 99;
const RETRY_MS = [300, 1_000, 2_000, 4_000];
const text = new TextDecoder();

/** What the wire calls an exchange in a subscription. */
const EXCHANGES = { NSE: 1, NFO: 2, CDS: 3, MCX: 4, BSE: 6, BFO: 7 };

/**
 * Keeps a connection. `on` hears: subscribed() when updates are subscribed to and the book may be read; order(row);
 * trade(row); quote({token, last, bid, ask, time}) in paise; lost() when the connection goes.
 */
export class Feed {
  #on;
  #socket = null;
  #tries = 0;
  #timer = 0;
  #wanted = new Map();
  #running = false;

  constructor(on) {
    this.#on = on;
  }

  start() {
    this.#running = true;
    this.#connect();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.#wanted.clear();
  }

  /** Hear an instrument's quotes from now on, over reconnections too. */
  watch(exchange, token) {
    const key = `${exchange}:${token}`;
    if (this.#wanted.has(key)) return;
    this.#wanted.set(key, [EXCHANGES[exchange] ?? 1, Number(token)]);
    this.#say("marketdata", [this.#wanted.get(key)]);
  }

  #say(word, values) {
    if (this.#socket?.readyState === WebSocket.OPEN && values.length) {
      this.#socket.send(JSON.stringify({ a: "subscribe", v: values, m: word }));
    }
  }

  #connect() {
    const address = new URL("/ws/v1/feeds", location.origin);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("login_id", session.client);
    // A browser can give a websocket no header; the query is where the family's clients have it too.
    address.searchParams.set("access_token", session.token);
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#say("updates", [session.client, "web"]);
      this.#say("marketdata", [...this.#wanted.values()]);
    };
    socket.onmessage = (message) => this.#hear(message.data);
    socket.onclose = () => this.#closed(socket);
  }

  #closed(socket) {
    if (socket !== this.#socket || !this.#running) return;
    this.#socket = null;
    this.#on.lost();
    const wait = RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)];
    this.#timer = setTimeout(async () => {
      // A handshake that is refused tells a page nothing; a read does (401 ends the session).
      const known = await whoAmI();
      if (!this.#running) return;
      if (known.kind === "done") this.#connect();
      else if (known.status !== 401) this.#closed((this.#socket = socket));
    }, wait);
  }

  #hear(data) {
    if (!(data instanceof ArrayBuffer) || data.byteLength < 6) return;
    const view = new DataView(data);
    const mode = view.getUint8(0);
    if (mode === QUOTE && data.byteLength >= 62) this.#on.quote(quote(view));
    else if (mode === ORDER || mode === TRADE || mode === ANSWER) {
      const told = JSON.parse(text.decode(new Uint8Array(data, 5)));
      if (mode === ORDER) this.#on.order(told);
      else if (mode === TRADE) this.#on.trade(told);
      else if (told.status === "success" && told.data?.m === "updates") {
        this.#tries = 0;
        this.#on.subscribed();
      }
    }
  }
}

/** A quote of mode 1; prices in paise, the time of the last print in unix seconds. */
function quote(view) {
  return {
    token: view.getUint32(2),
    last: view.getUint32(6),
    time: view.getUint32(10),
    bid: view.getUint32(22),
    ask: view.getUint32(30),
  };
}
