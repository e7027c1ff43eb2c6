// Worth: positions with their profit and loss, and the funds, as REST says them; read again when something moves.

import { fill, make, table, the } from "./element.js";
import { average, gain, paise, shares, shown } from "./money.js";
import * as wire from "./wire.js";

const READ_MS = 1_000;
const HEADS = ["Instrument", "Product", "Net", "Average", "Last", "Realised", "Unrealised"];
const FUNDS = ["Available Margin", "Margin Used", "Opening Balance", "Realized MTM", "Unrealized MTM"];

/** What closing a position at the last price would add to what it has earned, in paise. */
export function unrealised(row) {
  return paise(row.net_amount) + row.net_quantity * paise(row.ltp) - paise(row.realized_mtm);
}

export class Worth {
  #timer = 0;
  #reading = false;
  #again = false;
  #readAt = 0;
  #stopped = true;
  #held = new Set();

  start() {
    this.#stopped = false;
    this.soon();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = 0;
    fill(the("positions"));
    fill(the("funds"));
  }

  /** A quote came: what is held is worth something else now. */
  quote(quote) {
    if (this.#held.has(quote.token)) this.soon();
  }

  /** Read at once, or as soon as the last read is old enough; many calls are one read. */
  soon() {
    // What changes while a read is under way may not be in it: that is read once more.
    if (this.#reading) this.#again = true;
    if (this.#stopped || this.#reading || this.#timer) return;
    const wait = Math.max(0, this.#readAt + READ_MS - performance.now());
    this.#timer = setTimeout(() => this.#read(), wait);
  }

  async #read() {
    this.#timer = 0;
    this.#reading = true;
    this.#again = false;
    this.#readAt = performance.now();
    const [positions, funds] = await Promise.all([wire.readPositions(), wire.readFunds()]);
    this.#reading = false;
    if (this.#stopped) return;
    if (positions) this.#showPositions(positions);
    if (funds) showFunds(funds);
    if (this.#again) this.soon();
  }

  /** The instruments that are held, as [exchange, token]. */
  onHeld = () => {};

  #showPositions(rows) {
    this.#held = new Set(rows.filter((row) => row.net_quantity).map((row) => row.instrument_token));
    for (const row of rows) if (row.net_quantity) this.onHeld(row.exchange, row.instrument_token);
    const lines = rows.map((row) => [
      row.trading_symbol,
      row.product,
      shares(row.net_quantity),
      average(row.average_price),
      shown(paise(row.ltp)),
      gain(paise(row.realized_mtm)),
      gain(unrealised(row)),
    ]);
    const none = make("p", { class: "quiet" }, "No position today.");
    fill(the("positions"), rows.length ? table("Positions, net", HEADS, lines, [2, 3, 4, 5, 6]) : none);
  }
}

function showFunds(funds) {
  const amounts = Object.fromEntries(funds.values.map((each) => [each[0], each[1]]));
  fill(
    the("funds"),
    ...FUNDS.filter((name) => name in amounts).map((name) => {
      const amount = paise(amounts[name]);
      return make("div", {}, make("dt", {}, name), make("dd", {}, name.endsWith("MTM") ? gain(amount) : shown(amount)));
    }),
  );
}
