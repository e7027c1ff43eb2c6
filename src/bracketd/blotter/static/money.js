// Money: paise in whole numbers, rupees only where they are shown or sent.

/** Rupees as the wire tells them (a number or a text) to whole paise; NaN for what is no amount. */
export function paise(rupees) {
  if (typeof rupees === "string" && !/^\s*-?\d{1,9}(\.\d{1,2})?\s*$/.test(rupees)) return NaN;
  const value = Number(rupees);
  return Number.isFinite(value) ? Math.round(value * 100) : NaN;
}

/** Paise to the number that the wire takes: 41125 is 411.25. */
export function rupees(amount) {
  return amount / 100;
}

const inIndia = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Paise as people read them: 12345678 is "1,23,456.78". */
export function shown(amount) {
  return Number.isFinite(amount) ? inIndia.format(amount / 100) : "–";
}

/** A price of the wire as text; 0 means that there is none. */
export function price(rupees) {
  return rupees ? shown(paise(rupees)) : "";
}

/** An average has more decimals than a price: up to four, at least two. */
const averages = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
export function average(rupees) {
  return rupees ? averages.format(rupees) : "";
}

/** A gain or loss with its sign. */
export function gain(amount) {
  return amount > 0 ? `+${shown(amount)}` : shown(amount).replace("-", "−");
}

const whole = new Intl.NumberFormat("en-IN");

/** A number of shares. */
export function shares(quantity) {
  return whole.format(quantity);
}
