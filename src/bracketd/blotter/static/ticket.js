// The ticket: a bracket by form, with its offsets shown as prices before anything is sent.

import { fill, make, the } from "./element.js";
import { paise, rupees, shares, shown } from "./money.js";
import * as wire from "./wire.js";

const SEARCH_MS = 250;
const TOWARDS = { BUY: 1, SELL: -1 };

/** The prices of target and stop of an entry at `base`, all in paise; an offset of 0 or none has no price. */
export function protection(side, base, target, stop) {
  const sign = TOWARDS[side];
  return { target: target > 0 ? base + sign * target : 0, stop: stop > 0 ? base - sign * stop : 0 };
}

/** In words: where target and stop-loss will stand, and what each comes to for that many shares. */
export function inWords(side, base, target, stop, quantity, about) {
  const at = protection(side, base, target, stop);
  const out = side === "BUY" ? "sells" : "buys back";
  const near = about ? "about " : "";
  const told = [];
  if (at.target) told.push(`Target ${out} at ${near}${shown(at.target)} (+${shown(target * quantity)})`);
  if (at.stop) told.push(`${told.length ? "stop" : "Stop"}-loss triggers at ${near}${shown(at.stop)} (−${shown(stop * quantity)})`);
  return told.join(", ");
}

export class Ticket {
  #form = the("ticket-form");
  #found = new Map();
  #timer = 0;
  #last = 0;
  #quoted = null;
  #key = "";
  /** The instrument that is chosen: {exchange, token, symbol, name, terms}; terms are those of the contract, or null. */
  instrument = null;

  /** `onLook` hears of another instrument, `onPlace` sends: (order, key, title). */
  constructor({ onLook, onPlace }) {
    this.onLook = onLook;
    this.onPlace = onPlace;
    this.#form.elements.symbol.addEventListener("input", () => this.#typed());
    this.#form.elements.symbol.addEventListener("change", () => this.#pickTyped());
    this.#form.addEventListener("input", () => {
      this.#key = "";
      this.#preview();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#preview();
  }

  /** Take the first instrument that a text finds. */
  async start(text) {
    const [found] = await this.#search(text);
    if (found) await this.#pick(found);
  }

  /** A quote of the chosen instrument; prices in paise. */
  quote(quote) {
    if (Number(this.instrument?.token) !== quote.token) return;
    this.#last = quote.last;
    this.#quoted = quote;
    const terms = this.instrument.terms;
    const band = terms ? ` · band ${shown(paise(terms.lower_circuit_limit))} to ${shown(paise(terms.higher_circuit_limit))} · tick ${shown(paise(terms.tick_size))} · lot ${shares(terms.board_lot_quantity)}` : "";
    fill(the("quote"), make("strong", {}, shown(quote.last)), ` bid ${shown(quote.bid || NaN)} · ask ${shown(quote.ask || NaN)}${band}`);
    const price = this.#form.elements.price;
    if (!price.value && price !== document.activeElement) price.placeholder = shown(quote.last);
    this.#preview();
  }

  #typed() {
    clearTimeout(this.#timer);
    const text = this.#form.elements.symbol.value.trim();
    if (text) this.#timer = setTimeout(() => this.#search(text), SEARCH_MS);
  }

  async #search(text) {
    const found = await wire.search(text);
    for (const each of found) this.#found.set(each.trading_symbol.toUpperCase(), each);
    fill(the("symbols"), ...found.map((each) => make("option", { value: each.trading_symbol }, each.company)));
    return found;
  }

  async #pickTyped() {
    clearTimeout(this.#timer);
    const text = this.#form.elements.symbol.value.trim().toUpperCase();
    if (!text) return;
    const named = (each) => each.trading_symbol.toUpperCase() === text || each.symbol.toUpperCase() === text;
    const known = this.#found.get(text) ?? (await this.#search(text)).find(named);
    if (known) await this.#pick(known);
    else {
      this.instrument = null;
      this.#last = 0;
      the("quote").textContent = `Nothing here is called ${text}.`;
      this.#preview();
    }
  }

  async #pick(found) {
    this.#quoted = null;
    const instrument = { exchange: found.exchange, token: found.token, symbol: found.symbol, name: found.trading_symbol, terms: null };
    this.instrument = instrument;
    this.#last = 0;
    this.#form.elements.symbol.value = found.trading_symbol;
    the("quote").textContent = "";
    this.onLook(instrument);
    instrument.terms = await wire.contract(found.exchange, found.token);
    if (this.instrument !== instrument) return;
    if (this.#quoted?.token === Number(found.token)) this.quote(this.#quoted);
    const quote = await wire.readQuote(found.exchange, found.token);
    if (quote && this.instrument === instrument && !this.#last) {
      const { last_trade_price: last, best_bid_price: bid, best_ask_price: ask } = quote;
      this.quote({ token: Number(found.token), last: paise(last), bid: paise(bid), ask: paise(ask) });
    }
  }

  /** What the form holds; amounts in paise, 0 for what is left empty, NaN for what is no amount. */
  #read() {
    const fields = Object.fromEntries(new FormData(this.#form));
    const amount = (text) => (text.trim() ? paise(text) : 0);
    return {
      side: fields.side,
      kind: fields.kind,
      type: fields.type,
      validity: fields.validity,
      quantity: /^\s*\d{1,9}\s*$/.test(fields.quantity) ? Number(fields.quantity) : NaN,
      price: fields.type === "LIMIT" || fields.type === "SL" ? amount(fields.price ?? "") : 0,
      trigger: fields.type === "SL" || fields.type === "SLM" ? amount(fields.trigger ?? "") : 0,
      target: fields.kind === "BO" ? amount(fields.target ?? "") : 0,
      stop: amount(fields.stop),
      trail: amount(fields.trail),
    };
  }

  /** What is wrong with the form, in a sentence; nothing where the server is to judge. */
  #wrong(order) {
    if (!this.instrument) return "Choose an instrument.";
    if (!(order.quantity > 0)) return "The quantity is a whole number of shares.";
    for (const name of ["price", "trigger", "target", "stop", "trail"]) {
      if (!(order[name] >= 0)) return `The ${name} is rupees with at most two decimals.`;
    }
    if ((order.type === "LIMIT" || order.type === "SL") && !order.price) return "A limit needs a price.";
    if ((order.type === "SL" || order.type === "SLM") && !order.trigger) return "A stop needs a trigger.";
    if (order.kind === "BO" && !order.target) return "A bracket needs a target.";
    if (!order.stop) return "A stop-loss is needed: a bracket is never unprotected.";
    return "";
  }

  #preview() {
    const order = this.#read();
    const elements = this.#form.elements;
    elements.price.disabled = order.type === "MARKET" || order.type === "SLM";
    elements.trigger.disabled = order.type === "LIMIT" || order.type === "MARKET";
    elements.target.disabled = order.kind === "CO";
    const wrong = this.#wrong(order);
    const output = the("preview");
    output.classList.toggle("wrong", Boolean(wrong));
    output.textContent = wrong || this.#title(order);
  }

  #title(order) {
    const verb = order.side === "BUY" ? "Buys" : "Sells";
    const base = order.price || order.trigger || this.#last;
    const at = order.price ? `at ${shown(order.price)}` : "at the market";
    const from = order.trigger ? ` once ${shown(order.trigger)} is reached` : "";
    const ends = base ? inWords(order.side, base, order.target, order.stop, order.quantity, !order.price) : "";
    const trail = order.trail ? `, trailing by ${shown(order.trail)}` : "";
    return `${verb} ${shares(order.quantity)} ${this.instrument.name} ${at}${from}. ${ends}${trail}.`;
  }

  #submit() {
    const order = this.#read();
    if (this.#wrong(order)) {
      this.#preview();
      return;
    }
    // One key for one ticket as it stands: a second press, or "Ask again", is the same order to the server.
    this.#key ||= wire.newKey();
    const key = this.#key;
    const body = {
      exchange: this.instrument.exchange,
      instrument_token: String(this.instrument.token),
      execution_type: order.kind,
      order_side: order.side,
      order_type: order.type,
      quantity: order.quantity,
      price: rupees(order.price),
      trigger_price: rupees(order.trigger),
      square_off_value: rupees(order.target),
      stop_loss_value: rupees(order.stop),
      trailing_stop_loss: rupees(order.trail),
      is_trailing: order.trail > 0,
      product: "MIS",
      validity: order.validity,
      disclosed_quantity: 0,
      device: "WEB",
    };
    const title = `${order.side === "BUY" ? "Buy" : "Sell"} ${shares(order.quantity)} ${this.instrument.name}`;
    this.onPlace(body, key, title).then((outcome) => {
      // What is known is over: the next press is another order. What is unknown keeps its key.
      if (outcome.kind !== "unknown" && this.#key === key) this.#key = "";
    });
  }
}
