// The chosen bracket: its rows, what can be done with it, and the timeline of one of its orders.

import { over, part, state, unprotected } from "./book.js";
import { fill, make, show, table, the, timeOfDay } from "./element.js";
import { average, paise, price, rupees, shares, shown } from "./money.js";
import { inWords, protection } from "./ticket.js";
import * as wire from "./wire.js";

/** What of each row can be modified (docs/modify.md). */
const FIELDS = {
  ENTRY: ["price", "trigger_price", "quantity", "square_off_value", "stop_loss_value", "trailing_stop_loss"],
  TARGET: ["price"],
  STOPLOSS: ["trigger_price", "trailing_stop_loss"],
  "": ["price", "trigger_price", "quantity"],
};

const HEADS = ["Order", "State", "Filled", "Price", "Average", "Id"];

export class Chosen {
  #form = the("modify-form");
  #group = null;
  #shownHistory = "";
  #reading = 0;

  /** `on` hears: cancel(row), exit(group), modify(row, changes, title). */
  constructor(on) {
    the("cancel").addEventListener("click", () => on.cancel(this.#group.entry));
    the("exit").addEventListener("click", () => on.exit(this.#group));
    this.#form.elements.row.addEventListener("change", () => this.#startForm());
    this.#form.addEventListener("input", () => this.#preview());
    the("modify-part").addEventListener("toggle", () => this.#startForm());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const row = this.#formRow();
      const [changes, wrong] = this.#changes(row);
      if (!wrong) on.modify(row, changes, `Modify the ${part(row).toLowerCase()} ${row.oms_order_id}`);
    });
    the("timeline-of").addEventListener("change", () => this.#readTimeline());
  }

  get key() {
    return this.#group?.key ?? "";
  }

  /** Show a group; `id` is the row whose timeline is wanted. Another group starts the form anew. */
  choose(group, id) {
    const another = group.key !== this.key;
    this.#group = group;
    this.refresh(group);
    if (id) the("timeline-of").value = id;
    const rows = this.#form.elements.row;
    if ([...rows.options].some((option) => option.value === id)) rows.value = id;
    if (another || id) this.#startForm();
    this.#readTimeline();
  }

  /** The group as it stands now; undefined where the book no longer has it. */
  refresh(group) {
    this.#group = group ?? null;
    show(the("chosen"), Boolean(group));
    show(the("chosen-none"), !group);
    the("chosen-head").textContent = group ? `${group.bracket ? "Bracket" : "Order"} ${group.key}` : "The chosen bracket";
    if (!group) return;
    fill(the("chosen-rows"), rowsTable(group));
    the("cancel").textContent = group.bracket ? "Cancel the entry" : "Cancel the order";
    show(the("exit"), group.bracket);
    options(the("timeline-of"), group.rows);
    options(this.#form.elements.row, group.rows.filter((row) => !over(row)));
    show(the("modify-part"), group.rows.some((row) => !over(row)));
    this.#preview();
    const history = group.rows.map((row) => row.last_activity_reference).join();
    if (history !== this.#shownHistory) {
      this.#shownHistory = history;
      this.#readTimeline();
    }
  }

  clear() {
    this.refresh(undefined);
  }

  /** The lines of the chart: where entry, target and stop-loss stand, or would if the entry filled at its price. */
  lines() {
    return this.#group ? linesOf(this.#group) : [];
  }

  #formRow() {
    return this.#group?.rows.find((row) => row.oms_order_id === this.#form.elements.row.value);
  }

  #startForm() {
    const row = this.#formRow();
    if (!row) return;
    const named = FIELDS[row.leg_order_indicator] ?? [];
    for (const label of this.#form.querySelectorAll("[data-field]")) {
      const field = label.dataset.field;
      const cover = row.execution_type === "CO" && field === "square_off_value";
      const idle = (field === "price" || field === "trigger_price") && !row[field];
      show(label, named.includes(field) && !cover && !idle);
      label.querySelector("input").value = field === "quantity" ? row.quantity : row[field] ? rupees(paise(row[field])).toFixed(2) : "";
    }
    this.#preview();
  }

  /** The fields that differ from the row as it stands, for the wire; and what is wrong, in a sentence. */
  #changes(row) {
    const changes = {};
    if (!row) return [changes, "Nothing can be modified any more."];
    for (const label of this.#form.querySelectorAll("[data-field]:not([hidden])")) {
      const field = label.dataset.field;
      const text = label.querySelector("input").value.trim();
      if (!text) continue;
      if (field === "quantity") {
        if (!/^\d{1,9}$/.test(text)) return [changes, "The quantity is a whole number of shares."];
        if (Number(text) !== row.quantity) changes.quantity = Number(text);
        continue;
      }
      const amount = paise(text);
      if (!(amount > 0)) return [changes, "Amounts are rupees above 0 with at most two decimals."];
      if (amount !== paise(row[field])) changes[field] = rupees(amount);
    }
    return [changes, Object.keys(changes).length ? "" : "Nothing is changed yet."];
  }

  #preview() {
    const row = this.#formRow();
    const [changes, wrong] = this.#changes(row);
    const output = the("modify-preview");
    output.textContent = wrong || describe(row, changes);
    this.#form.querySelector("button").disabled = Boolean(wrong);
  }

  async #readTimeline() {
    // Of two reads under way the later one is shown.
    const mine = ++this.#reading;
    const history = await wire.readHistory(the("timeline-of").value);
    if (!history || mine !== this.#reading) return;
    fill(the("timeline"), ...told(history));
  }
}

/** A history as lines; a row that only repeats the one before it is left out. */
function told(history) {
  const lines = history.map((row) => {
    const parts = [state({ order_status: row.status, order_status_info: row.order_status_info })];
    if (row.fill_quantity) parts.push(`${shares(row.fill_quantity)} of ${shares(row.quantity)} filled at ${average(row.avg_price)}`);
    if (row.reject_reason && row.reject_reason !== "NONE") parts.push(row.reject_reason);
    return [timeOfDay(row.exchange_time || row.modified_at || row.created_at), parts.join(", ")];
  });
  const kept = lines.filter((line, index) => !index || line[1] !== lines[index - 1][1]);
  return kept.map(([time, text]) => make("li", {}, make("span", { class: "when" }, time), text));
}

function rowsTable(group) {
  const rows = group.rows.map((row) => [
    part(row),
    state(row),
    `${shares(row.filled_quantity)} / ${shares(row.quantity)}`,
    price(row.price || row.trigger_price) || "market",
    average(row.average_price),
    row.oms_order_id,
  ]);
  const made = table("Rows of the bracket", HEADS, rows, [2, 3, 4]);
  if (group.rows.some(unprotected)) made.classList.add("loud");
  return made;
}

/** Keep a select's options in step with rows without losing what is chosen. */
function options(select, rows) {
  const wanted = rows.map((row) => row.oms_order_id);
  if ([...select.options].map((option) => option.value).join() === wanted.join()) return;
  const chosen = select.value;
  fill(select, ...rows.map((row) => make("option", { value: row.oms_order_id }, `${part(row)} ${row.oms_order_id}`)));
  if (wanted.includes(chosen)) select.value = chosen;
}

/** What a modification will come to, with offsets as prices. */
function describe(row, changes) {
  const to = (field) => changes[field] ?? row[field];
  if (row.leg_order_indicator !== "ENTRY") {
    const parts = [];
    if (changes.price) parts.push(`price to ${shown(paise(changes.price))}`);
    if (changes.trigger_price) parts.push(`trigger to ${shown(paise(changes.trigger_price))}`);
    if (changes.trailing_stop_loss) parts.push(`trailing step to ${shown(paise(changes.trailing_stop_loss))}`);
    if (changes.quantity) parts.push(`quantity to ${shares(changes.quantity)}`);
    return `Changes the ${parts.join(", the ")}.`;
  }
  const base = paise(to("price") || to("trigger_price") || row.average_price);
  const quantity = to("quantity");
  const ends = base ? inWords(row.order_side, base, paise(to("square_off_value")), paise(to("stop_loss_value")), quantity, !to("price")) : "";
  return `${shares(quantity)} at ${base ? shown(base) : "the market"}. ${ends}.`;
}

/** Entry, target and stop of a group as lines at paise. */
function linesOf(group) {
  const entry = group.entry;
  const base = paise(entry.average_price || entry.price || entry.trigger_price);
  const ahead = protection(entry.order_side, base, paise(entry.square_off_value), paise(entry.stop_loss_value));
  const target = group.leg("TARGET");
  const stop = group.leg("STOPLOSS");
  const ends = group.bracket && !over(entry);
  const stands = (leg, price, otherwise) => (leg ? (over(leg) ? 0 : paise(price)) : ends ? otherwise : 0);
  return [
    { name: "Entry", kind: "entry", paise: base },
    { name: "Target", kind: "target", paise: stands(target, target?.price, ahead.target) },
    { name: "Stop", kind: "stop", paise: stands(stop, stop?.trigger_price, ahead.stop) },
  ];
}
