// The book: every order row of the client, folded from a read and the updates after it, in brackets.

import { average, price, shares } from "./money.js";

const OVER = new Set(["COMPLETE", "CANCELLED", "REJECTED"]);

const STATES = {
  PENDING: "On its way",
  CONFIRMED: "Working",
  TRIGGER_PENDING: "Waits for its trigger",
  MODIFY_PENDING: "Modify asked for",
  MODIFY_CONFIRMED: "Working, modified",
  CANCEL_PENDING: "Cancel asked for",
  COMPLETE: "Complete",
  CANCELLED: "Cancelled",
  REJECTED: "Rejected",
};

const LEGS = { ENTRY: "Entry", TARGET: "Target", STOPLOSS: "Stop-loss" };

export const over = (row) => OVER.has(row.order_status);

/** Whether the row says that shares of its bracket are open which no order would close. */
export const unprotected = (row) => row.order_status_info.startsWith("UNPROTECTED");

/** The state of a row in words, with what the wire adds to it; what nobody may miss stands first. */
export function state(row) {
  const word = STATES[row.order_status] ?? row.order_status;
  if (unprotected(row)) return `${row.order_status_info} · ${word}`;
  const reason = row.order_status === "REJECTED" && row.rejection_reason !== "NONE" ? row.rejection_reason : "";
  return [word, row.order_status_info, reason].filter(Boolean).join(" · ");
}

/** What a row is within its bracket. */
export function part(row) {
  if (row.order_status_info === "RESCUE") return "Rescue";
  return LEGS[row.leg_order_indicator] ?? "Order";
}

/** How far a stop-loss follows the market; nothing where it stands still. */
function trailing(row) {
  return row.leg_order_indicator === "STOPLOSS" && row.trailing_stop_loss && !over(row)
    ? ` · trails ${price(row.trailing_stop_loss)}`
    : "";
}

const lines = new WeakMap();

/** A row as the grid shows it; made once for each version of a row. */
function line(row) {
  if (!lines.has(row)) {
    const leg = row.leg_order_indicator === "TARGET" || row.leg_order_indicator === "STOPLOSS";
    const trigger = row.trigger_price && !over(row) ? `trigger ${price(row.trigger_price)}` : "";
    lines.set(row, {
      id: row.oms_order_id,
      leg,
      what: leg ? `↳ ${part(row)}${trailing(row)}` : `${row.trading_symbol || row.instrument_token} · ${part(row)}`,
      side: row.order_side,
      type: row.order_type,
      filled: `${shares(row.filled_quantity)} / ${shares(row.quantity)}`,
      price: [price(row.price), trigger].filter(Boolean).join(", ") || (row.order_type === "MARKET" ? "market" : price(row.trigger_price)),
      average: average(row.average_price),
      state: state(row),
      status: row.order_status,
      loud: unprotected(row),
    });
  }
  return lines.get(row);
}

/** One bracket, or an order by itself: its rows, entry first. */
class Group {
  constructor(key) {
    this.key = key;
    this.rows = [];
  }

  get entry() {
    return this.rows[0];
  }

  leg(name) {
    return this.rows.findLast((row) => row.leg_order_indicator === name);
  }

  get works() {
    return this.rows.some((row) => !over(row)) || this.loud;
  }

  get loud() {
    return this.rows.some(unprotected);
  }

  get bracket() {
    return this.entry.execution_type === "BO" || this.entry.execution_type === "CO";
  }

  /** Shares that have been bought or sold and not closed again. */
  get open() {
    return this.rows.slice(1).reduce((left, row) => left - row.filled_quantity, this.entry.filled_quantity);
  }
}

const LEG_ORDER = { ENTRY: 0, TARGET: 1, STOPLOSS: 2 };
const rank = (row) => LEG_ORDER[row.leg_order_indicator] ?? 0;

/** The day and the running number of an id, so that 20260105-10 comes after 20260105-9. */
function number(id) {
  const [day, running] = id.split("-").map(Number);
  return [day || 0, running || 0];
}

function newestFirst(one, other) {
  const [day, running] = number(one.entry.oms_order_id);
  const [otherDay, otherRunning] = number(other.entry.oms_order_id);
  return otherDay - day || otherRunning - running;
}

export class Book {
  #rows = new Map();
  #groups = null;
  /** What came while the book was being read; null when it is not. */
  #fresh = null;

  /** Take a row that was pushed; returns whether it says something newer. */
  fold(row) {
    if (this.#fresh) keep(this.#fresh, row);
    const changed = keep(this.#rows, row);
    if (changed) this.#groups = null;
    return changed;
  }

  /** Updates are subscribed to: from now on what is pushed belongs to the book that will be read. */
  begin() {
    this.#fresh = new Map();
  }

  /** The book was read: it stands, with what was pushed since `begin`. What it does not name is gone. */
  finish(rows) {
    const fresh = this.#fresh ?? new Map();
    for (const row of rows) keep(fresh, row);
    this.#rows = fresh;
    this.#fresh = null;
    this.#groups = null;
  }

  clear() {
    this.#rows = new Map();
    this.#fresh = null;
    this.#groups = null;
  }

  get size() {
    return this.#rows.size;
  }

  row(id) {
    return this.#rows.get(id);
  }

  /** The brackets and single orders, the newest first. */
  groups() {
    if (this.#groups) return this.#groups;
    const groups = new Map();
    for (const row of this.#rows.values()) {
      const key = row.basket_id || row.oms_order_id;
      if (!groups.has(key)) groups.set(key, new Group(key));
      groups.get(key).rows.push(row);
    }
    const made = [...groups.values()];
    for (const group of made) group.rows.sort((one, other) => rank(one) - rank(other));
    this.#groups = made.sort(newestFirst);
    return this.#groups;
  }

  group(key) {
    return this.groups().find((group) => group.key === key);
  }

  /** The group that a row belongs to. */
  groupOf(id) {
    const row = this.row(id);
    return row && this.group(row.basket_id || row.oms_order_id);
  }

  /**
   * The grid's lines in their order. `working` leaves out what is over, `text` what does not have it in an instrument's
   * name or an id; a bracket is shown whole or not at all.
   */
  lines(working, text) {
    const wanted = text.trim().toUpperCase();
    const has = (row) => row.trading_symbol.toUpperCase().includes(wanted) || row.oms_order_id.includes(wanted);
    return this.groups()
      .filter((group) => (!working || group.works) && (!wanted || group.key.includes(wanted) || group.rows.some(has)))
      .flatMap((group) => group.rows.map(line));
  }
}

/** A row replaces the one of its id unless it is the older. */
function keep(rows, row) {
  const known = rows.get(row.oms_order_id);
  if (known && known.last_activity_reference > row.last_activity_reference) return false;
  rows.set(row.oms_order_id, row);
  return true;
}
