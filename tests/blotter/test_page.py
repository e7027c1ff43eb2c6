"""The page itself: coming in, staying in step, finding one's way, and letting nothing in or out that should not."""

import http.client
import json
import math
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, expect
from tests.blotter.conftest import CASH_PAISE
from tests.blotter.window import ROOT, WAIT_MS, Window
from tests.e2e.caller import Caller, bracket_body
from tests.e2e.process import HOST, Server, command

pytestmark = pytest.mark.slow

MANY = 5_000
CONNECTIONS = 10
PHONE = {"viewport": {"width": 375, "height": 812}, "device_scale_factor": 2, "has_touch": True}
PICTURE_BYTES_MAX = 250_000
FOCUSED = """() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const marked = style.outlineStyle !== 'none' && style.outlineWidth !== '0px';
    const name = element.id || element.name || element.tagName;
    return [name, element.className, marked || element.closest('.ag-root') !== null];
}"""


def place_filled(trader: Caller) -> str:
    """A bracket that has filled, and one that works; returns the entry's id of the first."""
    filled = trader.place(price=452, quantity=10, square_off_value=9, stop_loss_value=5)
    trader.tick(452, 10, bids=[], asks=[])
    trader.place(price=446, quantity=5)
    return filled.entry_id


def place_many(trader: Caller) -> None:
    """A connection's part of 5,000 orders."""
    connection = http.client.HTTPConnection(HOST, trader.port, timeout=30)
    body = json.dumps(bracket_body(trader.client, price=441, quantity=1, user_order_id=1))
    for _ in range(MANY // CONNECTIONS):
        connection.request("POST", "/api/v1/orders/kart", body, trader.auth | {"content-type": "application/json"})
        assert connection.getresponse().read().startswith(b'{"data":{"data":{"basket_id"')
    connection.close()


def test_the_readmes_picture_is_small(window: Window, trader: Caller) -> None:
    """The page at work, as the README shows it: the picture of this test, at most 250 KB."""
    picture = ROOT / "docs" / "blotter.png"
    assert picture.stat().st_size <= PICTURE_BYTES_MAX
    assert CASH_PAISE == 10_000_000_00
    entry_id = place_filled(trader)
    for step in range(90):
        price = 452 + 3.5 * math.sin(step / 9) + (step * 7 % 5) / 10 + step / 40
        trader.tick(round(price * 20) / 20, 1, bids=[[451, 500]], asks=[[460, 500]])
        window.page.wait_for_timeout(60)
    window.choose(entry_id)
    window.place(price="448.00", quantity="25", target="6", stop="3")
    window.page.locator(f'#grid [row-id="{trader.book("pending")[-1]["oms_order_id"]}"] [col-id="what"]').click()
    window.press("#cancel")
    window.choose(entry_id)
    window.wait_for_worth(trader)
    chart = window.page.locator("#chart")
    expect(chart).to_have_attribute("aria-label", re.compile("Entry 452.00, Target 461.00, Stop 447.00"))
    window.page.set_viewport_size({"width": 1400, "height": 900})
    window.shoot("readme", whole=False)
    assert (ROOT / "build" / "screenshots" / "readme.png").stat().st_size <= PICTURE_BYTES_MAX


def test_login_and_logout(server: Server, open_window: Callable[..., Window]) -> None:
    """Id, password and PIN let in, anything else does not, and logging out leaves nothing behind."""
    command(
        "client", "add", "L1", "--data", str(server.data), "--password-stdin", "--pin-stdin", stdin="a long one\n2468\n"
    )
    window = open_window()
    page = window.page
    page.goto(window.url)
    expect(page.locator("#desk")).to_be_hidden()
    form = page.locator("#login-form")
    for password, pin, said in (
        ("another one", "2468", True),
        ("a long one", "1111", True),
        ("a long one", "2468", False),
    ):
        form.locator("[name=client]").fill("L1")
        form.locator("[name=password]").fill(password)
        form.locator("[name=factor]").fill(pin)
        form.locator("button").click()
        if said:
            expect(page.locator("#login-said")).to_have_text("Login id, password or second factor is wrong")
    window.wait_live()
    assert page.locator("#who").inner_text() == "L1"
    token = page.evaluate("sessionStorage.getItem('bracketd.token')")
    assert token not in page.content()
    page.reload()
    window.wait_live()
    page.click("#leave")
    expect(page.locator("#login")).to_be_visible()
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    assert page.context.cookies() == []
    assert Caller(HOST, server.port, "L1", token).get("/api/v1/trades").status == 401


def test_a_token_leaves_the_address_at_once(open_window: Callable[..., Window], trader: Caller, server: Server) -> None:
    """The address of the demo opens the book, and neither it nor the page nor the log holds the token after."""
    window = open_window().enter(trader.token)
    assert window.page.url == f"{window.url}/"
    assert trader.token not in window.page.content()
    window.page.go_back()
    assert trader.token not in window.page.url
    assert trader.token not in server.said()
    window.page.goto(f"{window.url}/#token=nobody.knows.it")
    expect(window.page.locator("#login")).to_be_visible()


def test_a_session_that_ends_asks_to_log_in(window: Window, trader: Caller) -> None:
    """A token that is revoked elsewhere ends the page's session, and the book goes from the screen."""
    trader.place()
    window.wait_for_truth(trader)
    assert trader.send("POST", "/api/v1/user/logout").status == 200
    expect(window.page.locator("#login")).to_be_visible(timeout=3 * WAIT_MS)
    assert window.lines() == []


def test_a_restart_under_an_open_page(profile: BrowserContext, tmp_path: Path) -> None:
    """A server that dies is said to be gone; what happened meanwhile is read again when it is back."""
    server = Server(tmp_path, clients=("C1",), more=("--blotter",))
    server.start()
    window = Window(profile, f"http://{HOST}:{server.port}")
    try:
        window.enter(server.tokens["C1"])
        trader = server.caller()
        first = trader.place()
        window.wait_for_truth(trader)
        server.kill()
        expect(window.page.locator("#lost")).to_contain_text("The connection is lost. What you see may be old")
        window.choose(first.entry_id)
        window.press("#cancel")
        kind, words = window.said()
        assert (kind, words.startswith("We do not know whether it is cancelled. Ask again")) == ("unknown", True)
        assert window.lines()[0]["state"] == "Working"
        window.shoot("connection-lost", whole=False)
        port = server.port
        server.more = ("--port", str(port))
        server.start()
        assert server.port == port
        trader = server.caller()
        trader.place(price=440)
        server.kill()
        server.more = ("--blotter", "--port", str(port))
        server.start()
        window.wait_live()
        expect(window.page.locator("#lost")).to_be_hidden()
        assert len(window.wait_for_truth(trader)) == 2
        window.page.click("#said .outcome button")
        expect(window.page.locator("#said .outcome").first).to_have_class(re.compile("done"))
        assert trader.row(first.entry_id)["order_status"] == "CANCELLED"
        window.wait_for_truth(trader)
    finally:
        server.kill()
        window.close()


def test_five_thousand_orders(trader: Caller, open_window: Callable[..., Window]) -> None:
    """A book of 5,000 orders opens, holds only what is in sight in the page, and the last line is the first order."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(place_many, [trader] * CONNECTIONS))
    window = open_window().enter(trader.token)
    expect(window.page.locator("#book-count")).to_contain_text("5,000 orders in 5,000 groups, 5,000 at work")
    shown = window.lines()
    assert 10 < len(shown) < 100
    newest = trader.place(price=442)
    expect(window.page.locator(f'#grid [row-id="{newest.entry_id}"]')).to_be_visible()
    window.choose(newest.entry_id)
    window.press("#cancel")
    assert window.said()[0] == "done"
    window.page.locator("#grid .ag-cell").first.click()
    window.page.keyboard.press("Control+End")
    first = min(trader.book("pending"), key=lambda row: int(row["oms_order_id"].partition("-")[2]))
    expect(window.page.locator(f'#grid [row-id="{first["oms_order_id"]}"]')).to_be_visible()
    window.shoot("five-thousand", whole=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(trader: Caller, open_window: Callable[..., Window], scheme: str) -> None:
    """At 375 pixels nothing has to be scrolled sideways, and a bracket can be placed, chosen and closed."""
    place_filled(trader)
    window = open_window(**PHONE, color_scheme=scheme).enter(trader.token)
    window.place(price="440", quantity="1", target="4", stop="2")
    entry = max(trader.book("pending"), key=lambda row: int(row["oms_order_id"].partition("-")[2]))
    window.choose(entry["oms_order_id"])
    window.press("#cancel")
    assert window.said()[0] == "done"
    chart = window.page.locator("#chart")
    expect(chart).to_have_attribute("aria-label", re.compile("Entry 440.00$"))
    width = window.page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]")
    assert width == [375, 375, 375]
    window.shoot(f"phone-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(trader: Caller, open_window: Callable[..., Window], scheme: str) -> None:
    """Axe finds nothing to complain about: the login, the desk with a bracket and an alarm, and the question."""
    axe = Axe()
    window = open_window(color_scheme=scheme)
    window.page.goto(window.url)
    expect(window.page.locator("#login")).to_be_visible()
    complained = {"login": axe.run(window.page).response["violations"]}
    window.shoot(f"login-{scheme}", whole=False)
    window.enter(trader.token)
    entry_id = place_filled(trader)
    trader.faults({"on": "leg", "action": "refuse", "leg": "STOPLOSS"}, {"on": "close", "action": "refuse"})
    trader.place(price=451, quantity=3)
    trader.tick(451, 3, bids=[], asks=[])
    window.place(price="450.03", quantity="1")
    window.choose(entry_id)
    window.page.click("#modify-part summary")
    expect(window.page.locator("#alarm")).to_be_visible()
    window.wait_for_truth(trader)
    window.wait_for_worth(trader)
    complained["desk"] = axe.run(window.page).response["violations"]
    window.page.click("#kill")
    complained["question"] = axe.run(window.page).response["violations"]
    window.page.keyboard.press("Escape")
    window.shoot(f"desk-{scheme}")
    told = {
        where: [(each["id"], [node["html"][:200] for node in each["nodes"]][:3]) for each in found]
        for where, found in complained.items()
    }
    assert told == {"login": [], "desk": [], "question": []}


def test_by_the_keyboard_alone(window: Window, trader: Caller) -> None:
    """Tab reaches every control with its focus in sight; a bracket is placed, chosen and cancelled by keys."""
    keys = window.page.keyboard
    reached: dict[str, bool] = {}
    for _ in range(60):
        keys.press("Tab")
        name, classes, marked = window.page.evaluate(FOCUSED)
        reached["grid" if "ag-" in str(classes) else name] = marked
    wanted = [
        "kill",
        "leave",
        "working-only",
        "read-again",
        "grid",
        "symbol",
        "side",
        "kind",
        "type",
        "quantity",
        "validity",
    ]
    wanted += ["price", "target", "stop", "trail", "plan", "no-faults", "race"]
    assert [name for name in wanted if not reached.get(name)] == []
    window.page.focus("#ticket-form [name=price]")
    keys.type("450")
    keys.press("Enter")
    expect(window.page.locator("#said .outcome.done")).to_be_visible()
    entry = trader.book("pending")[0]["oms_order_id"]
    expect(window.page.locator(f'#grid [row-id="{entry}"]')).to_be_visible()
    window.page.focus("#read-again")
    keys.press("Tab")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(window.page.locator("#chosen-head")).to_contain_text("Bracket")
    window.page.focus("#cancel")
    keys.press("Enter")
    expect(window.page.locator("#said .outcome.done")).to_have_count(2)
    assert trader.row(entry)["order_status"] == "CANCELLED"
    window.page.focus("#kill")
    keys.press("Enter")
    inside = set()
    for _ in range(6):
        keys.press("Tab")
        inside.add(window.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert inside >= {"kill-no", "kill-yes"}
    assert inside <= {"kill-no", "kill-yes", "BODY"}
    keys.press("Escape")
    assert window.page.evaluate("document.activeElement.id") == "kill"


def test_the_policy_holds_and_is_watched(window: Window) -> None:
    """A script in the page, another origin's picture and a frame are kept out, and these tests would hear of it."""
    window.page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'globalThis.smuggled = 1';
        const picture = new Image();
        picture.src = 'http://127.0.0.2:9/x.png';
        const frame = document.createElement('iframe');
        frame.src = '/docs';
        document.body.append(script, picture, frame);
    }""")
    for directive in ("script-src-elem inline", "img-src http", "frame-src http"):
        expect_told(window, f"POLICY {directive}")
    assert window.page.evaluate("globalThis.smuggled") is None
    window.complaints.clear()
    assert [url for url in window.asked if "127.0.0.2" in url] == ["http://127.0.0.2:9/x.png"]
    window.asked.remove("http://127.0.0.2:9/x.png")


def expect_told(window: Window, start: str) -> None:
    """Wait until the page has complained of that."""
    for _ in range(100):
        if any(told.startswith(start) for told in window.complaints):
            return
        window.page.wait_for_timeout(20)
    raise AssertionError(f"{start}: {window.complaints}")


def test_a_race_is_told_as_it_went(window: Window, trader: Caller) -> None:
    """The sandbox's race ends as TOO_LATE, and the book shows the filled entry with its protection."""
    window.page.click("#race")
    story = window.page.locator("#race-story")
    expect(story).to_contain_text("The book shows what came of it", timeout=2 * WAIT_MS)
    expect(story).to_contain_text("The server does not say cancelled. It says: Order already executed TOO_LATE")
    states = {row["leg_order_indicator"]: row["order_status"] for row in window.wait_for_truth(trader)}
    assert states == {"ENTRY": "COMPLETE", "TARGET": "CONFIRMED", "STOPLOSS": "TRIGGER_PENDING"}
    assert trader.sandbox("GET", "faults")["rules"] == []
