// Outcomes: what was asked for, and what came of it, in words. "Done" stands here only where the wire said so.

import { over, state } from "./book.js";
import { fill, make, timeOfDay } from "./element.js";
import { shares } from "./money.js";

const KEPT_MAX = 50;

const REASONS = {
  TOO_LATE: "Too late: it had executed before the request came. Nothing was cancelled.",
  ALREADY_REJECTED: "The exchange had not taken this order: there is nothing to cancel.",
  ALREADY_CANCELLED: "It is cancelled already.",
  LEG_NOT_ACTIVE: "Nothing has filled yet, so there is nothing to close.",
  MARKET_CLOSED: "The market is closed: nothing can be closed before the next session.",
  VENUE_REFUSED: "The exchange refused it. Protection that was there stays.",
  SESSION_CLOSED: "The session is closed to new orders and changes.",
  MARGIN_SHORT: "The funds do not cover it.",
  STALE_REFERENCE: "The order has changed since it was shown here. Nothing was modified; look again.",
  RATE_LIMITED: "Too many requests in a second. Nothing was done.",
  BAD_TICK: "The price lies between two ticks.",
  BAD_LOT: "The quantity is no whole number of lots, or less than has filled.",
  FREEZE_QUANTITY: "More than the exchange takes in one order.",
  OUTSIDE_BAND: "The price is outside the day's band.",
  TRIGGER_WRONG_SIDE: "The stop would trigger at once.",
  OFFSET_INVALID: "The target, stop-loss or trailing step is too small, or leads out of the day's band.",
  UNKNOWN_INSTRUMENT: "There is no such instrument here.",
  PRODUCT_NOT_ALLOWED: "The product cannot be had for this.",
  CANNOT_MODIFY_FIELD: "This field of this order stays as it was placed.",
};

/** A refusal in words: ours for its reason, and the wire's own. */
export function refusal(outcome) {
  const told = [REASONS[outcome.reason], outcome.message, outcome.reason && `[${outcome.reason}]`];
  return told.filter(Boolean).join(" ");
}

const NOT_YET = "Not known yet: the exchange has not answered. What has filled stays protected.";

/** Words for each verb: what the four kinds of outcome come to. */
const WORDS = {
  place: {
    done: (body) => `Placed. The bracket is ${body.data?.data?.basket_id ?? "in the book"}.`,
    pending: () => "Not known yet: the exchange has not answered.",
    unknown: "We do not know whether it was placed. Ask again: it is never placed twice.",
  },
  cancel: {
    done: (body) => cancelled(body.data),
    pending: () => NOT_YET,
    unknown: "We do not know whether it is cancelled. Ask again: that is safe.",
  },
  exit: {
    done: (body) => exited(body.data),
    pending: () => NOT_YET,
    unknown: "We do not know whether it is closed. Ask again: that is safe, it never closes twice.",
  },
  modify: {
    done: () => "Modified.",
    pending: () => "Not known yet: the exchange has not answered the modification.",
    unknown: "We do not know whether it is modified. Look at the book before you modify it again.",
  },
  everything: {
    done: (body) => everything(body.data),
    pending: (body) => `${NOT_YET} ${everything(body.data)}`,
    unknown: "We do not know what of it is cancelled. Ask again: that is safe.",
  },
  sandbox: { done: () => "Done.", pending: () => "Not known yet.", unknown: "We do not know. Ask again." },
};

function cancelled(data) {
  if (data?.filled_quantity > 0) {
    return `Cancelled: no more of it can fill. ${shares(data.filled_quantity)} had filled before; target and stop-loss stand for what is open.`;
  }
  return "Cancelled: nothing of it can fill any more.";
}

function exited(data) {
  if (!data) return "Closing: the exchange has taken the closing order.";
  if (data.open_quantity === 0) return "Closed: nothing is open.";
  return `Closing: the exchange has taken the closing order for the ${shares(data.open_quantity)} that are open. It is closed when that has filled.`;
}

function everything(data) {
  const results = data?.results ?? [];
  if (!results.length) return "There was nothing to cancel.";
  const counted = (word) => results.filter((result) => result.status === word).length;
  const told = [
    [counted("success"), "cancelled or closing"],
    [counted("pending"), "not known yet"],
    [counted("failed") + counted("error"), "refused"],
  ];
  return `${told.filter(([count]) => count).map(([count, word]) => `${shares(count)} ${word}`).join(", ")}.`;
}

/** The list of all that was asked for in this page, the newest first. */
export class Outcomes {
  #list;
  #lines = [];

  constructor(list) {
    this.#list = list;
  }

  /**
   * Ask for something. `verb` chooses the words; `send` makes the request and may be called again by "Ask again".
   * `settled` looks at the book and says the final words of what was pending, or nothing yet.
   */
  async tell(verb, title, send, settled = null) {
    const line = { verb, title, send, settled, kind: "sending", text: "Sent; waiting for the reply …", at: Date.now() / 1000 };
    this.#lines.unshift(line);
    this.#lines.length = Math.min(this.#lines.length, KEPT_MAX);
    return this.#send(line);
  }

  async #send(line) {
    line.kind = "sending";
    line.text = "Sent; waiting for the reply …";
    this.#draw();
    const outcome = await line.send();
    const words = WORDS[line.verb];
    line.kind = outcome.kind;
    line.body = outcome.body;
    if (outcome.kind === "unknown") line.text = `${words.unknown} (${outcome.message})`;
    else if (outcome.kind === "refused") line.text = refused(line.verb, outcome);
    else line.text = words[outcome.kind](outcome.body);
    this.#draw();
    return outcome;
  }

  /** The book has changed: whether something that was pending is known now. */
  follow() {
    for (const line of this.#lines) {
      const words = line.kind === "pending" && line.settled?.(line.body);
      if (!words) continue;
      [line.kind, line.text] = words;
      this.#draw();
    }
  }

  clear() {
    this.#lines = [];
    this.#draw();
  }

  #draw() {
    fill(this.#list, ...this.#lines.map((line) => this.#line(line)));
  }

  #line(line) {
    const again = line.kind === "pending" || (line.kind === "unknown" && line.verb !== "modify");
    return make(
      "li",
      { class: `outcome ${line.kind}` },
      make("span", { class: "when" }, timeOfDay(line.at)),
      make("strong", {}, line.title),
      make("span", { class: "words" }, line.text),
      again && make("button", { type: "button", onclick: () => this.#send(line) }, "Ask again"),
    );
  }
}

function refused(verb, outcome) {
  if (outcome.status === 404) return "There is no such order in the book. Nothing was done.";
  if (outcome.status === 401) return "The session has ended. Nothing was done; log in again.";
  if (verb === "everything") return `Not everything: ${everything(outcome.body.data)} ${refusal(outcome)}`;
  const hint = verb === "cancel" && outcome.reason === "TOO_LATE" ? " Exit closes what it bought or sold." : "";
  return refusal(outcome) + hint;
}

/** What a cancel that was pending came to, by the row's own state. */
export function cancelSettled(row) {
  if (!row || !over(row)) return null;
  if (row.order_status === "CANCELLED") return ["done", cancelled(row)];
  if (row.order_status === "COMPLETE") return ["refused", "Too late: it has executed in the meantime. Exit closes it."];
  return ["refused", "The exchange has not taken this order: there was nothing to cancel."];
}

/** What a kill switch that was pending came to: all that it could not tell of then has come to its end. */
export function everythingSettled(body, book) {
  const pending = (body.data?.results ?? []).filter((result) => result.status === "pending");
  const rows = pending.map((result) => book.row(result.oms_order_id));
  if (!pending.length || !rows.every((row) => row && over(row))) return null;
  const ends = rows.map((row) => `${row.oms_order_id} ${state(row)}`);
  return ["done", `Everything has come to its end: ${ends.join(", ")}.`];
}

/** What an exit that was pending came to, by the bracket's own rows. */
export function exitSettled(group) {
  if (!group) return null;
  const left = group.rows.some((row) => !over(row));
  return group.open === 0 && !left ? ["done", "Closed: nothing is open."] : null;
}
