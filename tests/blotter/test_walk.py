"""A random walk by page, wire and market: after every step the page shows what REST says, and no outcome is made up."""

import json
import random
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Response, expect
from tests.blotter.window import WAIT_MS, Window
from tests.e2e.caller import Caller, Row

pytestmark = pytest.mark.slow

SEEDS = (11, 12)
STEPS = 25
LOWEST, HIGHEST = 44_000, 48_000
TICK = 5

FAULTS: tuple[dict[str, object], ...] = (
    {"on": "cancel_answer", "action": "delay", "delay_ms": 2_600, "times": 1},
    {"on": "fill", "action": "delay", "delay_ms": 700, "times": 1},
    {"on": "fill", "action": "duplicate", "delay_ms": 300, "times": 1},
    {"on": "cancel", "action": "refuse", "times": 1},
    {"on": "leg", "action": "refuse", "leg": "STOPLOSS", "times": 1},
)


class Walker:
    """Does one thing after another in a window, beside it and to the market, as its seed has it."""

    def __init__(self, window: Window, trader: Caller, seed: int) -> None:
        self.window = window
        self.trader = trader
        self.random = random.Random(seed)
        self.price = 46_000
        self.rows: list[Row] = []
        self.story: list[str] = []

    def step(self) -> None:
        """One deed, drawn anew."""
        deeds: list[Callable[[], str]] = [self.place, self.place, self.print, self.print, self.print]
        deeds += [self.cancel, self.cancel, self.exit, self.place_beside, self.cancel_beside, self.fault]
        self.story.append(self.random.choice(deeds)())
        self.rows = self.window.wait_for_truth(self.trader)

    def place(self) -> str:
        """By the ticket."""
        price = self.price + self.random.randrange(-40, 41) * TICK
        side = self.random.choice(("BUY", "SELL"))
        quantity = self.random.randrange(1, 30)
        trail = self.random.choice(("", "0.50"))
        fields = {"side": side, "price": f"{price / 100:.2f}", "quantity": str(quantity), "trail": trail}
        self.window.fill_ticket(type="LIMIT", target="3.00", stop="1.50", **fields)
        self.ask("#ticket-form button[type=submit]", "POST")
        return f"placed {side} {quantity} at {price}"

    def cancel(self) -> str:
        """Any entry, by the page; also one that is over."""
        return self.press_on_any("#cancel")

    def exit(self) -> str:
        """Any bracket, by the page; also one that holds nothing."""
        return self.press_on_any("#exit")

    def press_on_any(self, button: str) -> str:
        """Choose the line of an entry that is in sight, and press."""
        entries = [row["oms_order_id"] for row in self.rows if row["leg_order_indicator"] == "ENTRY"]
        if not entries:
            return "nothing to press on"
        order_id = self.random.choice(entries)
        self.window.choose(order_id)
        self.ask(button, "DELETE")
        return f"{button} of {order_id}"

    def ask(self, selector: str, method: str) -> None:
        """Press, and hold the page's words to what the wire said."""

        def kart(response: Response) -> bool:
            return "/orders/kart" in response.url and response.request.method == method

        with self.window.page.expect_response(kart, timeout=WAIT_MS) as caught:
            self.window.page.click(selector)
        status, told = caught.value.status, json.loads(caught.value.body())
        newest = self.window.page.locator("#said .outcome").first
        expect(newest).not_to_have_class(re.compile("sending"))
        kind = self.window.said()[0]
        success = status == 200 and told["status"] == "success"
        expected = {"done"} if success else {"refused"} if status >= 400 else {"pending", "done", "refused"}
        assert kind in expected, (kind, status, told)

    def print(self) -> str:
        """The market moves, now and then with somebody to trade with."""
        step = self.random.randrange(-60, 61) * TICK
        self.price = min(HIGHEST, max(LOWEST, self.price + step))
        depth = self.random.choice((0, 5, 500))
        bids = [[(self.price - TICK) / 100, depth]] if depth else []
        asks = [[(self.price + TICK) / 100, depth]] if depth else []
        self.trader.tick(self.price / 100, self.random.choice((1, 7, 100)), bids=bids, asks=asks)
        return f"print {self.price} with {depth}"

    def place_beside(self) -> str:
        """By another program of the same client."""
        self.trader.place(price=(self.price - 300) / 100, quantity=self.random.randrange(1, 9))
        return "placed beside the page"

    def cancel_beside(self) -> str:
        """By another program, whatever comes of it."""
        entries = [row["oms_order_id"] for row in self.rows if row["leg_order_indicator"] == "ENTRY"]
        if entries:
            self.trader.cancel(self.random.choice(entries))
        return "cancelled beside the page"

    def fault(self) -> str:
        """The exchange misbehaves once."""
        rule = self.random.choice(FAULTS)
        self.trader.faults(rule)
        return f"fault {rule['on']} {rule['action']}"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_page_shows_what_rest_says(open_window: Callable[..., Window], trader: Caller, seed: int) -> None:
    """After each of 25 random steps every line, position and amount in the page is the one that REST tells."""
    window = open_window(viewport={"width": 1400, "height": 3_000}).enter(trader.token)
    walker = Walker(window, trader, seed)
    for _ in range(STEPS):
        walker.step()
        window.wait_for_worth(trader)
    loud = [row for row in walker.rows if row["order_status_info"].startswith("UNPROTECTED")]
    assert window.page.locator("#alarm").is_visible() is bool(loud), walker.story
    assert {row["order_status"] for row in walker.rows} & {"COMPLETE", "CANCELLED"}, walker.story
