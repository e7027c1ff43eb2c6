// The page: the parts put together. The book is what the server says, and nothing else is ever shown as true.

import { Book } from "./book.js";
import { Chart } from "./chart.js";
import { Chosen } from "./chosen.js";
import { fill, make, show, the } from "./element.js";
import { Feed } from "./feed.js";
import { Grid } from "./grid.js";
import { tokenOfAddress, watchLogin } from "./login.js";
import { Market } from "./market.js";
import { shares } from "./money.js";
import { Outcomes, cancelSettled, everythingSettled, exitSettled } from "./outcome.js";
import { Ticket } from "./ticket.js";
import * as wire from "./wire.js";
import { Worth } from "./worth.js";

const DRAW_MS = 100;
const DAY_CHECK_MS = 20_000;
const FIRST_INSTRUMENT = "SBIN";

const book = new Book();
const outcomes = new Outcomes(the("said"));
const worth = new Worth();
const market = new Market(outcomes);
const chart = new Chart(the("chart"));
const grid = new Grid(the("grid"), (id) => choose(id));
const feed = new Feed({ subscribed: readBook, order: onOrder, trade: () => worth.soon(), quote: onQuote, lost: onLost });
const ticket = new Ticket({ onLook: look, onPlace: place });
const chosen = new Chosen({ cancel, exit, modify });

let looked = null;
let drawing = 0;
let dayRead = "";
let reading = 0;

// --- what the server says

function onOrder(row) {
  if (!book.fold(row)) return;
  worth.soon();
  soon();
}

function onQuote(quote) {
  chart.add(quote);
  ticket.quote(quote);
  market.quote(quote);
  worth.quote(quote);
}

function onLost() {
  link("lost", "connection lost");
  the("lost").textContent = "The connection is lost. What you see may be old; it is read again once the server answers.";
  show(the("lost"), true);
  the("desk").classList.add("stale");
}

/** Read the book; what is pushed meanwhile counts as well. A read that fails is tried again. */
async function readBook() {
  const mine = ++reading;
  book.begin();
  const rows = await wire.readBook();
  if (mine !== reading) return;
  if (!rows) {
    if (wire.session.token) setTimeout(() => mine === reading && readBook(), 1_000);
    return;
  }
  book.finish(rows);
  dayRead = today();
  worth.start();
  link("live", "live");
  show(the("lost"), false);
  the("desk").classList.remove("stale");
  draw();
}

const indianDay = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata" });

function today() {
  return indianDay.format(new Date());
}

function link(name, text) {
  the("link").className = `link ${name}`;
  the("link").textContent = text;
}

// --- what is shown

function soon() {
  drawing ||= setTimeout(draw, DRAW_MS);
}

function draw() {
  clearTimeout(drawing);
  drawing = 0;
  const groups = book.groups();
  grid.show(book.lines(the("working-only").checked, the("find").value));
  const works = groups.filter((group) => group.works).length;
  const counted = `${many(book.size, "order")} in ${many(groups.length, "group")}`;
  the("book-count").textContent = `${counted}, ${shares(works)} at work`;
  alarm(groups.filter((group) => group.loud));
  chosen.refresh(chosen.key ? book.group(chosen.key) : undefined);
  drawChart();
  outcomes.follow();
}

function many(count, noun) {
  return `${shares(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Say UNPROTECTED so that nobody can miss it. */
function alarm(loud) {
  show(the("alarm"), loud.length > 0);
  document.title = loud.length ? "UNPROTECTED – bracketd blotter" : "bracketd blotter";
  const told = loud.map((group) => `${group.entry.trading_symbol} (${group.key}): ${shares(Math.abs(group.open))} open`).join("; ");
  const text = `UNPROTECTED: no order at the exchange would close ${told}.`;
  if (!loud.length || the("alarm").dataset.text === text) {
    if (!loud.length) the("alarm").dataset.text = "";
    return;
  }
  the("alarm").dataset.text = text;
  const first = loud[0].entry.oms_order_id;
  const button = make("button", { type: "button", onclick: () => pick(first) }, "Show it");
  fill(the("alarm"), make("span", {}, text), button);
}

/** Choose a line for the user, in the grid as well. */
function pick(id) {
  grid.choose(id);
  choose(id);
}

function choose(id) {
  const group = book.groupOf(id);
  if (!group) return;
  chosen.choose(group, id);
  const row = group.entry;
  look({ exchange: row.exchange, token: String(row.instrument_token), name: row.trading_symbol, terms: null }, true);
}

/** Look at an instrument: its price on the chart, and under the sandbox's hand. */
function look(instrument, ofBook = false) {
  const known = ticket.instrument;
  looked = ofBook && known?.token === instrument.token ? known : instrument;
  feed.watch(instrument.exchange, instrument.token);
  market.look(looked);
  drawChart();
}

function drawChart() {
  const group = chosen.key ? book.group(chosen.key) : undefined;
  const ours = group && looked && String(group.entry.instrument_token) === String(looked.token);
  the("chart-head").textContent = looked ? `Price of ${looked.name}` : "Price";
  chart.look(Number(looked?.token ?? 0), looked?.name ?? "", ours ? chosen.lines() : []);
}

// --- what is asked for

function tell(verb, title, send, settled) {
  show(the("said-none"), false);
  return outcomes.tell(verb, title, send, settled);
}

function place(order, key, title) {
  return tell("place", title, () => wire.place(order, key));
}

function cancel(row) {
  const id = row.oms_order_id;
  return tell("cancel", `Cancel ${id}`, () => wire.cancel(row), () => cancelSettled(book.row(id)));
}

function exit(group) {
  const key = group.key;
  return tell("exit", `Exit bracket ${key}`, () => wire.exit(group.entry), () => exitSettled(book.group(key)));
}

function modify(row, changes, title) {
  return tell("modify", title, () => wire.modify(row, changes));
}

function askKill() {
  const dialog = the("question");
  dialog.showModal();
  the("kill-no").focus();
}

the("kill").addEventListener("click", askKill);
the("kill-no").addEventListener("click", () => the("question").close());
the("kill-yes").addEventListener("click", () => {
  the("question").close();
  tell("everything", "Cancel everything", wire.cancelEverything, (body) => everythingSettled(body, book));
});
the("working-only").addEventListener("change", draw);
the("find").addEventListener("input", soon);
the("read-again").addEventListener("click", readBook);
the("leave").addEventListener("click", async () => {
  await wire.logOut();
  out();
});

// --- coming in and going out

async function enter() {
  const known = await wire.whoAmI();
  if (known.kind === "unknown") {
    onLost();
    setTimeout(() => wire.session.token && enter(), 2_000);
    return;
  }
  if (known.kind !== "done") return out();
  wire.session.client = known.body.data.client_id;
  the("who").textContent = wire.session.client;
  show(the("login"), false);
  show(the("desk"), true);
  show(the("top-actions"), true);
  show(the("lost"), false);
  feed.start();
  market.start();
  if (!ticket.instrument) ticket.start(FIRST_INSTRUMENT);
  else feed.watch(ticket.instrument.exchange, ticket.instrument.token);
}

/** Forget everything of the session: token, book and what was asked for. */
function out() {
  reading++;
  wire.keepToken("");
  feed.stop();
  worth.stop();
  book.clear();
  chosen.clear();
  outcomes.clear();
  draw();
  the("who").textContent = "";
  link("", "not connected");
  for (const id of ["desk", "top-actions", "lost"]) show(the(id), false);
  show(the("said-none"), true);
  show(the("login"), true);
  the("login-form").elements.client.focus();
}

wire.session.onEnded = out;
worth.onHeld = (exchange, token) => feed.watch(exchange, token);
watchLogin(enter);
setInterval(() => wire.session.token && dayRead && dayRead !== today() && readBook(), DAY_CHECK_MS);

/** An address with a token, opened now or typed into an open page, is another session. */
function given() {
  const token = tokenOfAddress();
  if (!token) return;
  if (wire.session.token) out();
  wire.keepToken(token);
  enter();
}

addEventListener("hashchange", given);
given();
if (!wire.session.token) out();
else if (!wire.session.client) enter();
