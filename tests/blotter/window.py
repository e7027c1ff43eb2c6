"""A window of the blotter in a real browser, and what of the page a person would see."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright
from tests.e2e.caller import Caller, Row

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
WAIT_MS = 10_000
TRIES = 200
TRY_MS = 50

STRANGE_HOST = "desk.test"
"""A name that leads to this machine in the tests' browser, and that it does not take for this machine."""

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server"]
OPTIONS += [f"--host-resolver-rules=MAP {STRANGE_HOST} 127.0.0.1"]

REFUSED_REQUEST = re.compile(
    r"Failed to load resource: (?:the server responded with a status of 4|net::ERR_)|WebSocket"
)
"""What a browser notes by itself of a refusal or a lost connection; the page has its own words for both."""

POLICY = """document.addEventListener('securitypolicyviolation', (told) => {
    console.error(`POLICY ${told.violatedDirective} ${told.blockedURI}`);
});"""
"""What has a page tell of whatever its policy kept out."""

MINUS = "\N{MINUS SIGN}"

STATES = {
    "PENDING": "On its way",
    "CONFIRMED": "Working",
    "TRIGGER_PENDING": "Waits for its trigger",
    "MODIFY_PENDING": "Modify asked for",
    "MODIFY_CONFIRMED": "Working, modified",
    "CANCEL_PENDING": "Cancel asked for",
    "COMPLETE": "Complete",
    "CANCELLED": "Cancelled",
    "REJECTED": "Rejected",
}
LEGS = {"ENTRY": "Entry", "TARGET": "Target", "STOPLOSS": "Stop-loss"}
ORDER = {"ENTRY": 0, "TARGET": 1, "STOPLOSS": 2}
OVER = {"COMPLETE", "CANCELLED", "REJECTED"}

READ_LINES = """() => [...document.querySelectorAll('#grid .ag-row[row-id]')]
    .sort((one, other) => one.getAttribute('row-index') - other.getAttribute('row-index'))
    .map((row) => [...row.querySelectorAll('[col-id]')])
    .map((cells) => Object.fromEntries(cells.map((cell) => [cell.getAttribute('col-id'), cell.textContent])))"""


def find_chromium() -> str:
    """The path of a Chromium; without one the test is skipped, but where everything must run it fails."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A profile with nothing in it; `options` are Playwright's, such as `viewport` and `color_scheme`."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 1400}} | options)
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(POLICY)
    return context


class Window:
    """One page, with all that it complained about and all that it asked for."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        """A new tab of a browser's context."""
        self.url = url
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{error} {error.stack}"))
        self.page.on("request", self._request)
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not REFUSED_REQUEST.match(message.text):
            self.complaints.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.asked.append(request.url)

    def enter(self, token: str) -> "Window":
        """Open the page as the demo prints its address, and wait until it shows the book."""
        self.page.goto(f"{self.url}/#token={token}")
        self.wait_live()
        return self

    def wait_live(self) -> None:
        """Wait until the book stands."""
        expect(self.page.locator("#link")).to_have_text("live", timeout=3 * WAIT_MS)
        expect(self.page.locator("#quote strong")).not_to_be_empty(timeout=WAIT_MS)

    def close(self) -> None:
        """Close it; nothing may have gone wrong in it, and nothing asked of anybody but its own server."""
        self.page.close()
        assert self.complaints == []
        host = self.url.partition("://")[2]
        assert [url for url in self.asked if url.split("/")[2] != host] == []

    def shoot(self, name: str, *, whole: bool = True) -> None:
        """Keep a picture of the page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)

    # --- what a person does

    def fill_ticket(self, **fields: str) -> None:
        """Fill the ticket's fields by their names; `side` is BUY or SELL."""
        form = self.page.locator("#ticket-form")
        for name, value in fields.items():
            if name == "side":
                form.locator(f"[name=side][value={value}]").check()
            elif name in ("type", "kind", "validity"):
                form.locator(f"[name={name}]").select_option(value)
            else:
                form.locator(f"[name={name}]").fill(value)

    def place(self, **fields: str) -> None:
        """Fill the ticket, send it, and wait for what came of it."""
        self.fill_ticket(**fields)
        self.press("#ticket-form button[type=submit]")

    def press(self, selector: str) -> None:
        """Press a button that asks for something, and wait until the newest line says what came of it."""
        before = self.page.locator("#said .outcome").count()
        self.page.click(selector)
        expect(self.page.locator("#said .outcome")).to_have_count(min(before + 1, 50))
        expect(self.page.locator("#said .outcome").first).not_to_have_class(re.compile("sending"))

    def choose(self, order_id: str) -> None:
        """Choose a line of the order book."""
        self.page.locator(f'#grid .ag-row[row-id="{order_id}"] [col-id="what"]').click()
        expect(self.page.locator("#chosen")).to_be_visible()

    # --- what a person sees

    def said(self) -> tuple[str, str]:
        """The kind and the words of the newest outcome."""
        newest = self.page.locator("#said .outcome").first
        kind = (newest.get_attribute("class") or "").split()[-1]
        return kind, newest.locator(".words").inner_text()

    def lines(self) -> list[dict[str, str]]:
        """The order book's lines that are in the page, in their order."""
        lines: list[dict[str, str]] = self.page.evaluate(READ_LINES)
        return lines

    def wait_for_truth(self, caller: Caller) -> list[Row]:
        """Wait until the whole book shows what REST says; returns the rows. What differs at the end is told."""
        shown: list[dict[str, str]] = []
        expected: list[dict[str, str]] = []
        rows: list[Row] = []
        for _ in range(TRIES):
            rows = caller.rows()
            expected = expected_lines(rows)
            shown = self.lines()
            if shown == expected:
                return rows
            self.page.wait_for_timeout(TRY_MS)
        raise AssertionError(f"shown: {shown}\nREST:  {expected}\nrows: {rows}")

    def wait_for_worth(self, caller: Caller) -> None:
        """Wait until positions and funds show what REST says."""
        seen: tuple[list[list[str]], dict[str, str]] = ([], {})
        told: tuple[list[list[str]], dict[str, str]] = ([], {})
        for _ in range(TRIES):
            told = expected_worth(caller)
            cells = [row.locator("td").all_inner_texts() for row in self.page.locator("#positions tbody tr").all()]
            names = self.page.locator("#funds dt").all_inner_texts()
            amounts = self.page.locator("#funds dd").all_inner_texts()
            seen = (cells, dict(zip(names, amounts, strict=False)))
            if seen == told:
                return
            self.page.wait_for_timeout(TRY_MS)
        raise AssertionError(f"shown: {seen}\nREST:  {told}")


def indian(amount: Decimal, places: int = 2) -> str:
    """An amount of rupees as it is written in India: 12,34,567.80."""
    whole, _, rest = f"{abs(amount):.{places}f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    groups = [tail]
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ("-" if amount < 0 else "") + ",".join(groups) + (f".{rest}" if rest else "")


def rupees(value: Any) -> str:
    """A price of the wire as the page shows it; nothing for 0."""
    return indian(Decimal(str(value))) if value else ""


def average(value: Any) -> str:
    """An average with two to four decimals."""
    text = indian(Decimal(str(value)), 4) if value else ""
    return re.sub(r"0{1,2}$", "", text)


def expected_lines(rows: list[Row]) -> list[dict[str, str]]:
    """The lines that these rows make: brackets newest first, each with its entry on top."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["basket_id"] or row["oms_order_id"], []).append(row)
    for group in groups.values():
        group.sort(key=lambda row: (ORDER.get(row["leg_order_indicator"], 0), number(row["oms_order_id"])))
    newest_first = sorted(groups.values(), key=lambda group: number(group[0]["oms_order_id"]), reverse=True)
    return [line(row) for group in newest_first for row in group]


def number(order_id: str) -> tuple[int, ...]:
    """An id's day and running number."""
    return tuple(int(part) for part in order_id.split("-"))


def line(row: Row) -> dict[str, str]:
    """One row as a line of the grid."""
    part = "Rescue" if row["order_status_info"] == "RESCUE" else LEGS.get(row["leg_order_indicator"], "Order")
    leg = row["leg_order_indicator"] in ("TARGET", "STOPLOSS")
    word, info = STATES[row["order_status"]], row["order_status_info"]
    rejected = row["order_status"] == "REJECTED" and row["rejection_reason"] != "NONE"
    told = [word, info, row["rejection_reason"] if rejected else ""]
    over = row["order_status"] in OVER
    prices = [
        rupees(row["price"]),
        "" if over or not row["trigger_price"] else f"trigger {rupees(row['trigger_price'])}",
    ]
    price = ", ".join(each for each in prices if each)
    trails = row["leg_order_indicator"] == "STOPLOSS" and row["trailing_stop_loss"] and not over
    trailing = f" · trails {rupees(row['trailing_stop_loss'])}" if trails else ""
    return {
        "what": f"↳ {part}{trailing}" if leg else f"{row['trading_symbol']} · {part}",
        "id": row["oms_order_id"],
        "side": row["order_side"],
        "type": row["order_type"],
        "filled": f"{row['filled_quantity']} / {row['quantity']}",
        "price": price or ("market" if row["order_type"] == "MARKET" else rupees(row["trigger_price"])),
        "average": average(row["average_price"]),
        "state": f"{info} · {word}" if info.startswith("UNPROTECTED") else " · ".join(filter(None, told)),
    }


def gain(amount: Decimal) -> str:
    """A gain or loss with its sign."""
    return ("+" if amount > 0 else "") + indian(amount).replace("-", MINUS)


def expected_worth(caller: Caller) -> tuple[list[list[str]], dict[str, str]]:
    """Positions and funds as the page is to show them."""
    positions = []
    for row in caller.get("/api/v1/positions?type=historical").json["data"]:
        realised = Decimal(str(row["realized_mtm"]))
        worth = Decimal(str(row["net_amount"])) + row["net_quantity"] * Decimal(str(row["ltp"])) - realised
        last = indian(Decimal(str(row["ltp"])))
        held = [row["trading_symbol"], row["product"], str(row["net_quantity"]), average(row["average_price"]), last]
        positions.append([*held, gain(realised), gain(worth)])
    amounts = {row["0"]: Decimal(row["1"]) for row in caller.get("/api/v2/funds/view?type=all").json["data"]["values"]}
    names = ["Available Margin", "Margin Used", "Opening Balance", "Realized MTM", "Unrealized MTM"]
    return positions, {name: (gain if name.endswith("MTM") else indian)(amounts[name]) for name in names}
