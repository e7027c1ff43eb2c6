// Elements: the page is changed by text and attributes only, never by markup, so that no text can become a script.

/** The element of that id. */
export function the(id) {
  return document.getElementById(id);
}

/** A new element: attributes (`class`, `aria-…`, listeners as `onclick`) and children, texts or elements. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put these children in the place of all that an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
}

/** Show or hide. */
export function show(element, visible) {
  element.hidden = !visible;
}

/** A table with a caption for those who cannot see it; `rows` are lists of texts, numbers to the right by `right`. */
export function table(caption, heads, rows, right = []) {
  const cell = (name, text, column) =>
    make(name, { class: right.includes(column) ? "right" : null, scope: name === "th" ? "col" : null }, text);
  return make(
    "table",
    {},
    make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head, column) => cell("th", head, column)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((text, column) => cell("td", text, column))))),
  );
}

/** The time of day in India of a moment in unix seconds. */
const clock = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Asia/Kolkata",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
export function timeOfDay(seconds) {
  return seconds ? clock.format(new Date(seconds * 1000)) : "";
}
