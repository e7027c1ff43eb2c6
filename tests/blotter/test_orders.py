"""Orders by the page: what it says of each request is what the server said, and what became so."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Route, WebSocketRoute, expect
from tests.blotter.window import MINUS, Window
from tests.e2e.caller import Caller, Row

pytestmark = pytest.mark.slow

CLOSING = (
    "Closing: the exchange has taken the closing order for the 10 that are open. It is closed when that has filled."
)


def legs(rows: list[Row]) -> dict[str, Row]:
    """The newest bracket's rows by leg."""
    newest = max(rows, key=lambda row: int(row["oms_order_id"].partition("-")[2]))
    return {row["leg_order_indicator"]: row for row in rows if row["basket_id"] == newest["basket_id"]}


def test_a_bracket_is_placed_as_it_was_shown(window: Window, trader: Caller) -> None:
    """The ticket shows target and stop-loss as prices before it is sent, and what is placed stands at just those."""
    window.fill_ticket(price="450.00", quantity="10", target="4", stop="2")
    expect(window.page.locator("#preview")).to_have_text(
        f"Buys 10 SBIN-EQ at 450.00. Target sells at 454.00 (+40.00), stop-loss triggers at 448.00 ({MINUS}20.00)."
    )
    before = len(trader.rows())
    window.press("#ticket-form button[type=submit]")
    kind, words = window.said()
    rows = window.wait_for_truth(trader)
    assert len(rows) == before + 1
    entry = legs(rows)["ENTRY"]
    assert (kind, words) == ("done", f"Placed. The bracket is {entry['basket_id']}.")
    assert (entry["price"], entry["square_off_value"], entry["stop_loss_value"]) == (450, 4, 2)
    trader.tick(450, 10, bids=[], asks=[])
    made = legs(window.wait_for_truth(trader))
    assert (made["TARGET"]["price"], made["STOPLOSS"]["trigger_price"]) == (454, 448)
    window.choose(entry["oms_order_id"])
    chart = window.page.locator("#chart")
    expect(chart).to_have_attribute("aria-label", "SBIN-EQ: last 450.00; Entry 450.00, Target 454.00, Stop 448.00")
    window.wait_for_worth(trader)
    window.shoot("placed")


def test_a_sale_is_the_mirror(window: Window, trader: Caller) -> None:
    """Of a short bracket the target lies below and the stop-loss above, in the ticket and in the book; it trails."""
    window.fill_ticket(side="SELL", price="470", quantity="5", target="4", stop="2", trail="0.5")
    expect(window.page.locator("#preview")).to_have_text(
        "Sells 5 SBIN-EQ at 470.00. Target buys back at 466.00 (+20.00), "
        f"stop-loss triggers at 472.00 ({MINUS}10.00), trailing by 0.50."
    )
    window.press("#ticket-form button[type=submit]")
    trader.tick(470, 5, bids=[], asks=[])
    made = legs(window.wait_for_truth(trader))
    assert (made["TARGET"]["price"], made["STOPLOSS"]["trigger_price"]) == (466, 472)
    assert made["STOPLOSS"]["trailing_stop_loss"] == 0.5


def test_a_partial_fill_and_a_cancel(window: Window, trader: Caller) -> None:
    """A part that fills shows at once with its legs; a cancel then takes the rest and says what stays protected."""
    window.place(price="450", quantity="10", target="4", stop="2")
    trader.tick(450, 4, bids=[], asks=[])
    made = legs(window.wait_for_truth(trader))
    assert (made["ENTRY"]["filled_quantity"], made["TARGET"]["quantity"]) == (4, 4)
    window.choose(made["ENTRY"]["oms_order_id"])
    expect(window.page.locator("#chosen-rows tbody tr").first).to_contain_text("4 / 10")
    expect(window.page.locator("#timeline")).to_contain_text("Working, 4 of 10 filled at 450.00")
    window.press("#cancel")
    kind, words = window.said()
    assert kind == "done"
    assert words.startswith("Cancelled: no more of it can fill. 4 had filled before")
    rows = legs(window.wait_for_truth(trader))
    assert (rows["ENTRY"]["order_status"], rows["STOPLOSS"]["order_status"]) == ("CANCELLED", "TRIGGER_PENDING")
    expect(window.page.locator("#timeline")).to_contain_text("Cancelled")


def test_an_exit_says_closing_until_it_has_filled(window: Window, trader: Caller) -> None:
    """An exit without anybody to sell to is closing, not closed; asked again once it has filled it is closed."""
    window.place(price="450", quantity="10", target="4", stop="2")
    trader.tick(450, 10, bids=[], asks=[])
    made = legs(window.wait_for_truth(trader))
    window.choose(made["ENTRY"]["oms_order_id"])
    window.press("#exit")
    assert window.said() == (
        "done",
        CLOSING,
    )
    window.wait_for_truth(trader)
    trader.tick(449, 100, bids=[[448.95, 100]], asks=[])
    assert legs(window.wait_for_truth(trader))["STOPLOSS"]["order_status"] == "COMPLETE"
    window.press("#exit")
    assert window.said() == ("done", "Closed: nothing is open.")
    window.wait_for_worth(trader)


class Held:
    """A window's websocket, whose messages are held back once it is told to."""

    def __init__(self, window: Window) -> None:
        self.holding = False
        self.window = window
        window.page.route_web_socket(re.compile("/ws/v1/feeds"), self._stream)
        window.page.reload()
        window.wait_live()

    def _stream(self, route: WebSocketRoute) -> None:
        far = route.connect_to_server()
        far.on_message(lambda message: None if self.holding else route.send(message))


def test_too_late_is_said_to_a_stale_screen(window: Window, trader: Caller) -> None:
    """An entry that fills while the screen is behind cannot be cancelled, and the page says so, never "cancelled"."""
    stream = Held(window)
    window.place(price="450", quantity="10", target="4", stop="2")
    entry = legs(window.wait_for_truth(trader))["ENTRY"]
    window.choose(entry["oms_order_id"])
    stream.holding = True
    trader.tick(450, 10, bids=[], asks=[])
    assert f"{entry['oms_order_id']}" in str(window.lines())
    assert window.page.locator("#chosen-rows tbody tr").count() == 1
    window.press("#cancel")
    kind, words = window.said()
    assert kind == "refused"
    assert words.startswith("Too late: it had executed before the request came. Nothing was cancelled.")
    assert words.endswith("[TOO_LATE] Exit closes what it bought or sold.")
    window.shoot("too-late")
    # The reading again is the page's own: the button asks REST and folds what it says.
    window.page.click("#read-again")
    assert legs(window.wait_for_truth(trader))["ENTRY"]["order_status"] == "COMPLETE"


def test_pending_becomes_what_it_came_to(window: Window, trader: Caller) -> None:
    """A 202 is "not known yet"; when the exchange answers the same line says what came of it."""
    window.place(price="450", quantity="10", target="4", stop="2")
    entry = legs(window.wait_for_truth(trader))["ENTRY"]
    window.choose(entry["oms_order_id"])
    trader.faults({"on": "cancel_answer", "action": "delay", "delay_ms": 4_000})
    window.press("#cancel")
    kind, words = window.said()
    assert (kind, words) == (
        "pending",
        "Not known yet: the exchange has not answered. What has filled stays protected.",
    )
    assert legs(window.wait_for_truth(trader))["ENTRY"]["order_status"] == "CANCEL_PENDING"
    expect(window.page.locator("#said .outcome").first).to_have_class(re.compile("done"))
    assert window.said()[1] == "Cancelled: nothing of it can fill any more."
    assert legs(window.wait_for_truth(trader))["ENTRY"]["order_status"] == "CANCELLED"


@pytest.mark.parametrize("answer", ["lost", "garbled", "fault"])
def test_unknown_is_unknown_and_may_be_asked_again(window: Window, trader: Caller, answer: str) -> None:
    """No reply, or half of one, or a 500: the page does not know. Asked again, a ticket is the same order."""
    before = len(trader.rows())

    def once(route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        route.fetch()
        if answer == "lost":
            return route.abort("connectionreset")
        status = 500 if answer == "fault" else 200
        return route.fulfill(status=status, body='{"status":"succ', content_type="application/json")

    window.page.route("**/api/v1/orders/kart", once)
    window.place(price="450", quantity="1", target="4", stop="2")
    kind, words = window.said()
    assert kind == "unknown"
    assert words.startswith("We do not know whether it was placed. Ask again: it is never placed twice.")
    window.page.unroute("**/api/v1/orders/kart")
    window.page.click("#said .outcome button")
    expect(window.page.locator("#said .outcome").first).to_have_class(re.compile("done"))
    assert len(window.wait_for_truth(trader)) == before + 1
    noted = [told for told in window.complaints if "status of 500" in told]
    assert len(noted) == (answer == "fault")
    window.complaints = [told for told in window.complaints if told not in noted]


def test_a_refusal_says_why(window: Window, trader: Caller) -> None:
    """A price between two ticks is refused by the server, and its reason stands in the page's words."""
    before = len(trader.rows())
    window.place(price="450.03", quantity="1", target="4", stop="2")
    assert window.said() == ("refused", "The price lies between two ticks. `price` is invalid [BAD_TICK]")
    assert len(window.wait_for_truth(trader)) == before


def test_an_entry_is_modified(window: Window, trader: Caller) -> None:
    """The form shows what a change comes to, and sends only what is changed."""
    window.place(price="450", quantity="10", target="4", stop="2")
    entry = legs(window.wait_for_truth(trader))["ENTRY"]
    window.choose(entry["oms_order_id"])
    window.page.click("#modify-part summary")
    form = window.page.locator("#modify-form")
    form.locator("[name=price]").fill("449")
    form.locator("[name=square_off_value]").fill("5")
    expect(window.page.locator("#modify-preview")).to_have_text(
        f"10 at 449.00. Target sells at 454.00 (+50.00), stop-loss triggers at 447.00 ({MINUS}20.00)."
    )
    window.press("#modify-form button")
    assert window.said() == ("done", "Modified.")
    changed = legs(window.wait_for_truth(trader))["ENTRY"]
    assert (changed["price"], changed["square_off_value"], changed["stop_loss_value"]) == (449, 5, 2)
    window.shoot("modified")


def test_the_kill_switch_asks_first(window: Window, trader: Caller) -> None:
    """Everything is cancelled or closed after a question, and nothing where the question is answered with no."""
    window.place(price="450", quantity="10", target="4", stop="2")
    window.place(price="440", quantity="10", target="4", stop="2")
    trader.tick(450, 10, bids=[[449.95, 1_000]], asks=[])
    window.wait_for_truth(trader)
    window.page.click("#kill")
    window.shoot("question", whole=False)
    window.page.click("#kill-no")
    assert trader.book("pending")
    window.page.click("#kill")
    window.page.click("#kill-yes")
    expect(window.page.locator("#said .outcome").first).to_have_class(re.compile("done"))
    assert window.said() == ("done", "2 cancelled or closing.")
    assert {row["order_status"] for row in window.wait_for_truth(trader)} == {"CANCELLED", "COMPLETE"}


def test_unprotected_is_loud(window: Window, trader: Caller) -> None:
    """A bracket that no order would close is told above the page, in the title and in its rows, until it is closed."""
    alarm = window.page.locator("#alarm")
    expect(alarm).to_be_hidden()
    trader.faults({"on": "leg", "action": "refuse", "leg": "STOPLOSS"}, {"on": "close", "action": "refuse"})
    window.place(price="450", quantity="10", target="4", stop="2")
    trader.tick(450, 10, bids=[], asks=[])
    expect(alarm).to_contain_text("UNPROTECTED: no order at the exchange would close SBIN-EQ")
    expect(alarm).to_contain_text("10 open")
    assert window.page.title().startswith("UNPROTECTED")
    assert any("UNPROTECTED" in line["state"] for line in window.lines())
    window.shoot("unprotected", whole=False)
    trader.sandbox("DELETE", "faults")
    trader.tick(449, 100, bids=[[448.95, 100]], asks=[])
    expect(alarm).to_be_hidden()
    window.wait_for_truth(trader)
    assert not window.page.title().startswith("UNPROTECTED")


def test_a_second_window_keeps_in_step(window: Window, trader: Caller, open_window: Callable[..., Window]) -> None:
    """What is done in one window, or by another program, stands in both; a stranger's window shows nothing of it."""
    second = open_window().enter(trader.token)
    window.place(price="450", quantity="10", target="4", stop="2")
    rows = second.wait_for_truth(trader)
    assert rows == window.wait_for_truth(trader)
    second.choose(legs(rows)["ENTRY"]["oms_order_id"])
    second.press("#cancel")
    assert legs(window.wait_for_truth(trader))["ENTRY"]["order_status"] == "CANCELLED"
    trader.place(price=445)
    assert window.wait_for_truth(trader) == second.wait_for_truth(trader)


def test_what_changes_during_a_read_is_read_again(window: Window, trader: Caller) -> None:
    """Positions that change while they are being read are read once more: the late reply is not the last word."""
    window.wait_for_worth(trader)
    held: list[tuple[Route, APIResponse]] = []

    def hold_first(route: Route) -> None:
        if held:
            route.fallback()
        else:
            held.append((route, route.fetch()))

    window.page.route("**/api/v1/positions**", hold_first)
    window.place(price="450", quantity="10", target="4", stop="2")
    wait_until(window, lambda: bool(held))
    trader.tick(450, 10, bids=[], asks=[])
    window.wait_for_truth(trader)
    route, old = held[0]
    assert old.json()["data"] == []
    route.fulfill(response=old)
    window.wait_for_worth(trader)
    expect(window.page.locator("#positions tbody tr")).to_have_count(1)


def test_what_is_pushed_during_a_read_stands(window: Window, trader: Caller) -> None:
    """A book that is read while orders change shows what was pushed meanwhile, not the older rows of the read."""
    first = trader.place()
    window.wait_for_truth(trader)
    held: list[tuple[Route, APIResponse]] = []
    window.page.route("**/api/v1/orders?type=pending**", lambda route: held.append((route, route.fetch())))
    window.page.click("#read-again")
    wait_until(window, lambda: bool(held))
    second = trader.place(price=445)
    trader.cancel(first.entry_id)
    expect(window.page.locator(f'#grid [row-id="{second.entry_id}"]')).to_be_visible()
    expect(window.page.locator(f'#grid [row-id="{first.entry_id}"]')).to_contain_text("Cancelled")
    route, old = held[0]
    assert [row["order_status"] for row in old.json()["data"]["orders"]] == ["CONFIRMED"]
    route.fulfill(response=old)
    window.page.unroute("**/api/v1/orders?type=pending**")
    window.wait_for_truth(trader)
    window.page.wait_for_timeout(300)
    assert len(window.wait_for_truth(trader)) == 2


def wait_until(window: Window, so: Callable[[], bool]) -> None:
    """Let the browser go on until something is so."""
    for _ in range(200):
        if so():
            return
        window.page.wait_for_timeout(20)
    raise AssertionError("it never was")


def test_the_book_is_narrowed(window: Window, trader: Caller) -> None:
    """The book can be narrowed to an instrument, an id or what works; a bracket is shown whole or not at all."""
    over = trader.place(price=445)
    trader.cancel(over.entry_id)
    held = trader.place(price=452)
    trader.tick(452, 10, bids=[], asks=[])
    other = trader.place(instrument_token="22", price=500)
    whole = window.wait_for_truth(trader)
    ids = {row["oms_order_id"] for row in whole}
    bracket = {row["oms_order_id"] for row in whole if row["basket_id"] == held.basket_id}
    window.page.check("#working-only")
    wait_until(window, lambda: {line["id"] for line in window.lines()} == ids - {over.entry_id})
    window.page.fill("#find", "sbin")
    wait_until(window, lambda: {line["id"] for line in window.lines()} == bracket)
    window.page.uncheck("#working-only")
    window.page.fill("#find", other.entry_id)
    wait_until(window, lambda: {line["id"] for line in window.lines()} == {other.entry_id})
    window.page.fill("#find", max(bracket, key=len))
    wait_until(window, lambda: {line["id"] for line in window.lines()} >= bracket)
    window.page.fill("#find", "")
    window.wait_for_truth(trader)


def test_a_kill_switch_that_waits_is_told_to_its_end(window: Window, trader: Caller) -> None:
    """What the kill switch could not tell in time is "not known yet", and told once all of it has come to its end."""
    placed = trader.place(price=445)
    window.wait_for_truth(trader)
    trader.faults({"on": "cancel_answer", "action": "delay", "delay_ms": 3_500})
    window.page.click("#kill")
    window.press("#kill-yes")
    kind, words = window.said()
    assert kind == "pending"
    assert words.endswith("1 not known yet.")
    expect(window.page.locator("#said .outcome").first).to_have_class(re.compile("done"))
    assert window.said()[1] == f"Everything has come to its end: {placed.entry_id} Cancelled."


def test_a_rejection_says_the_exchanges_words(window: Window, trader: Caller) -> None:
    """An entry that the exchange refuses stands in the book with what the exchange said."""
    trader.faults({"on": "place", "action": "refuse", "text": "16388: no such <b>member</b>"})
    window.place(price="450", quantity="1", target="4", stop="2")
    (row,) = window.wait_for_truth(trader)
    assert row["order_status"] == "REJECTED"
    assert window.lines()[0]["state"] == "Rejected · 16388: no such <b>member</b>"


def test_a_cover_order_and_a_stop(window: Window, trader: Caller) -> None:
    """A cover order has no target, a stop entry waits for its trigger; a market entry's prices are said to be about."""
    preview = window.page.locator("#preview")
    window.fill_ticket(kind="CO", type="SLM", quantity="3", trigger="465", stop="2")
    expect(preview).to_have_text(
        f"Buys 3 SBIN-EQ at the market once 465.00 is reached. Stop-loss triggers at about 463.00 ({MINUS}6.00)."
    )
    expect(window.page.locator("#ticket-form [name=target]")).to_be_disabled()
    window.press("#ticket-form button[type=submit]")
    (entry,) = window.wait_for_truth(trader)
    assert (entry["execution_type"], entry["order_status"], entry["trigger_price"]) == ("CO", "TRIGGER_PENDING", 465)
    window.choose(entry["oms_order_id"])
    expect(window.page.locator("#chart")).to_have_attribute("aria-label", re.compile("Entry 465.00, Stop 463.00$"))
    window.press("#cancel")
    assert window.said()[0] == "done"
    window.fill_ticket(kind="BO", type="MARKET", quantity="2", target="4")
    expect(preview).to_have_text(
        "Buys 2 SBIN-EQ at the market. Target sells at about 464.00 (+8.00), "
        f"stop-loss triggers at about 458.00 ({MINUS}4.00)."
    )
    window.fill_ticket(quantity="x")
    expect(preview).to_have_text("The quantity is a whole number of shares.")
    before = len(trader.rows())
    window.page.click("#ticket-form button[type=submit]")
    assert len(trader.rows()) == before


def test_the_legs_are_modified(window: Window, trader: Caller) -> None:
    """Of a target the price is changed, of a stop-loss trigger and step, each by its line; the chart follows."""
    window.place(price="450", quantity="10", target="4", stop="2", trail="0.50")
    trader.tick(450, 10, bids=[], asks=[])
    made = legs(window.wait_for_truth(trader))
    window.choose(made["TARGET"]["oms_order_id"])
    window.page.click("#modify-part summary")
    form = window.page.locator("#modify-form")
    expect(form.locator("label:visible")).to_have_count(2)
    form.locator("[name=price]").fill("456")
    expect(window.page.locator("#modify-preview")).to_have_text("Changes the price to 456.00.")
    window.press("#modify-form button")
    assert window.said() == ("done", "Modified.")
    window.choose(made["STOPLOSS"]["oms_order_id"])
    form.locator("[name=trigger_price]").fill("447")
    form.locator("[name=trailing_stop_loss]").fill("1")
    preview = window.page.locator("#modify-preview")
    expect(preview).to_have_text("Changes the trigger to 447.00, the trailing step to 1.00.")
    window.press("#modify-form button")
    assert window.said() == ("done", "Modified.")
    changed = legs(window.wait_for_truth(trader))
    assert (changed["TARGET"]["price"], changed["STOPLOSS"]["trigger_price"]) == (456, 447)
    assert changed["STOPLOSS"]["trailing_stop_loss"] == 1
    chart = window.page.locator("#chart")
    expect(chart).to_have_attribute("aria-label", re.compile("Target 456.00, Stop 447.00$"))


def test_a_stale_modification_is_refused(window: Window, trader: Caller) -> None:
    """What has changed since it was shown is not modified: nothing is lost, and the page says to look again."""
    stream = Held(window)
    window.place(price="450", quantity="10", target="4", stop="2")
    entry = legs(window.wait_for_truth(trader))["ENTRY"]
    window.choose(entry["oms_order_id"])
    stream.holding = True
    beside = {"client_id": trader.client, "oms_order_id": entry["oms_order_id"], "price": 448, "execution_type": "BO"}
    assert trader.send_json("PUT", "/api/v1/orders/kart", beside).status == 200
    window.page.click("#modify-part summary")
    window.page.fill("#modify-form [name=price]", "449")
    window.press("#modify-form button")
    kind, words = window.said()
    assert kind == "refused"
    assert words.startswith("The order has changed since it was shown here. Nothing was modified; look again.")
    window.page.click("#read-again")
    assert legs(window.wait_for_truth(trader))["ENTRY"]["price"] == 448
