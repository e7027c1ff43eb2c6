// The market: the sandbox's panel, by which a newcomer moves prices, plans faults and watches a race.

import { fill, make, show, the } from "./element.js";
import { paise, rupees, shown } from "./money.js";
import { ask } from "./wire.js";
import * as wire from "./wire.js";

const TICKS = "/sandbox/v1/ticks";
const FAULTS = "/sandbox/v1/faults";
const CLOCK = "/sandbox/v1/clock";
const NUDGES = [-100, -10, 10, 100];
const RACE_QUANTITY = 10;
const HELD_UP_MS = 3_000;

const PLANS = [
  ["A cancel is three seconds on its way", [{ on: "cancel", action: "delay", delay_ms: HELD_UP_MS }]],
  ["Fills are told five seconds late", [{ on: "fill", action: "delay", delay_ms: 5_000 }]],
  ["Fills are told twice", [{ on: "fill", action: "duplicate", delay_ms: 1_000 }]],
  ["The exchange refuses cancels", [{ on: "cancel", action: "refuse" }]],
  ["The exchange refuses new orders", [{ on: "place", action: "refuse" }]],
  ["No target is taken", [{ on: "leg", action: "refuse", leg: "TARGET" }]],
  [
    "No stop-loss and no closing order is taken (UNPROTECTED)",
    [
      { on: "leg", action: "refuse", leg: "STOPLOSS" },
      { on: "close", action: "refuse" },
    ],
  ],
];

export class Market {
  #outcomes;
  #instrument = null;
  #last = 0;

  constructor(outcomes) {
    this.#outcomes = outcomes;
    fill(the("fault-form").elements.plan, ...PLANS.map(([name], index) => make("option", { value: index }, name)));
    fill(the("nudges"), ...NUDGES.map((step) => this.#nudge(step)));
    the("tick-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const { price, quantity } = event.target.elements;
      this.#print(paise(price.value), Number(quantity.value));
    });
    the("fault-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const [name, rules] = PLANS[event.target.elements.plan.value];
      this.#tell(`Fault: ${name}`, () => this.#plan(rules));
    });
    the("no-faults").addEventListener("click", () => this.#tell("No faults", () => this.#plan([])));
    the("clock-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const advance_ms = Math.round(Number(event.target.elements.seconds.value) * 1000);
      this.#tell(`The clock goes on by ${advance_ms} ms`, async () => this.#clock(await ask("POST", CLOCK, { body: { advance_ms } })));
    });
    the("race").addEventListener("click", () => this.#race());
  }

  /** Show the panel where there is a sandbox. Only those who have one at hand are asked: others get a 404. */
  async start() {
    const found = await ask("GET", CLOCK, { open: true });
    show(the("market"), found.kind === "done");
    if (found.kind !== "done") return;
    this.#clock(found);
    this.#planned(await ask("GET", FAULTS, { open: true }));
  }

  look(instrument) {
    this.#instrument = instrument;
    this.#last = 0;
    the("tick-of").textContent = `of ${instrument.name}`;
    the("tick-form").elements.price.value = "";
  }

  quote(quote) {
    if (Number(this.#instrument?.token) !== quote.token) return;
    this.#last = quote.last;
    the("tick-form").elements.price.placeholder = shown(quote.last);
  }

  #nudge(step) {
    const name = `${step > 0 ? "+" : "−"}${shown(Math.abs(step))}`;
    return make("button", { type: "button", onclick: () => this.#print(this.#last + step, 1_000) }, name);
  }

  #tell(title, send) {
    return this.#outcomes.tell("sandbox", title, send);
  }

  #print(price, quantity) {
    if (!this.#instrument || !(price > 0)) return;
    return this.#tell(`Print ${this.#instrument.name} at ${shown(price)}`, () => this.#tick(price, quantity));
  }

  /** A print with one quote on each side, a tick away from it. */
  #tick(price, quantity, depth = true) {
    const { exchange, token, terms } = this.#instrument;
    const tick = terms ? paise(terms.tick_size) : 5;
    const body = { exchange, instrument_token: Number(token), last_price: rupees(price), last_quantity: quantity };
    if (depth) Object.assign(body, { bids: [[rupees(price - tick), quantity]], asks: [[rupees(price + tick), quantity]] });
    return ask("POST", TICKS, { body });
  }

  async #plan(rules) {
    const reply = rules.length ? await ask("POST", FAULTS, { body: { seed: 1, rules } }) : await ask("DELETE", FAULTS);
    this.#planned(rules.length ? reply : await ask("GET", FAULTS, { open: true }));
    return reply;
  }

  #planned(reply) {
    if (reply.kind !== "done") return;
    const rules = reply.body.data.rules.map((rule) => `${rule.action} at ${rule.on}${rule.leg ? ` of ${rule.leg}` : ""}`);
    the("faults").textContent = rules.length ? `Planned: ${rules.join("; ")}.` : "No fault is planned.";
  }

  #clock(reply) {
    if (reply.kind === "done") {
      const { clock, day, stage } = reply.body.data;
      the("market-clock").textContent = `The ${clock} clock, day ${day}, ${stage}.`;
      show(the("clock-form"), clock === "virtual");
    }
    return reply;
  }

  /** An entry, its cancel held up, and a print that overtakes it; each step as it happens. */
  async #race() {
    const story = the("race-story");
    const say = (text) => story.append(make("li", {}, text));
    fill(story);
    if (!this.#instrument || !this.#last) return say("Choose an instrument first.");
    the("race").disabled = true;
    try {
      await this.#runRace(say);
    } finally {
      await this.#plan([]);
      the("race").disabled = false;
    }
  }

  async #runRace(say) {
    const tick = this.#instrument.terms ? paise(this.#instrument.terms.tick_size) : 5;
    const limit = Math.floor((this.#last * 0.98) / tick) * tick;
    await this.#plan([{ on: "cancel", action: "delay", delay_ms: HELD_UP_MS }]);
    say("The exchange is told to get cancels three seconds late.");
    const order = {
      exchange: this.#instrument.exchange,
      instrument_token: String(this.#instrument.token),
      execution_type: "BO",
      order_side: "BUY",
      order_type: "LIMIT",
      quantity: RACE_QUANTITY,
      price: rupees(limit),
      trigger_price: 0,
      square_off_value: 4,
      stop_loss_value: 2,
      product: "MIS",
      validity: "DAY",
    };
    const placed = await wire.place(order, wire.newKey());
    if (placed.kind !== "done") return say(`The entry was not placed: ${placed.message}`);
    const basket = placed.body.data.data.basket_id;
    const entry = (await wire.readBook())?.find((row) => row.basket_id === basket && row.leg_order_indicator === "ENTRY");
    if (!entry) return say("The order book did not come.");
    say(`Entry ${entry.oms_order_id}: buy ${RACE_QUANTITY} at ${shown(limit)}, below the market.`);
    const cancelled = wire.cancel(entry);
    say("Cancel is pressed. The request is on its way to the exchange …");
    await this.#tick(limit, RACE_QUANTITY * 10, false);
    say(`… and the market prints ${shown(limit)}: the exchange fills the entry first.`);
    const outcome = await cancelled;
    say(outcome.kind === "done" ? "The server says: cancelled." : `The server does not say cancelled. It says: ${outcome.message} ${outcome.reason}`);
    say("The book shows what came of it: the entry Complete, its target and stop-loss working. Exit closes it.");
  }
}
