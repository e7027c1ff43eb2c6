"""The kit: a paper broker whose clock is moved, whose script is kept to, and which is the same every time."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from examples import follow
from examples.test_follow import market

from bracketd.client import (
    Broker,
    ConnectionLost,
    LegNotActive,
    NotServing,
    Pending,
    TooLate,
    Unauthorised,
    VenueRefused,
)
from bracketd.testing import (
    SCENARIOS,
    AsyncPaperBroker,
    Do,
    LiveBroker,
    PaperBroker,
    Step,
    When,
    acknowledge_after,
    down,
    drop_feeds,
    expire_tokens,
    fill,
    fill_during_cancel,
    fill_then_silence,
    lose_reply,
    refuse_cancel,
    refuse_exit,
)
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point


def place(broker: PaperBroker, price: str = "450.00", quantity: int = 10):  # type: ignore[no-untyped-def]
    """A bracket of client A's."""
    return broker.client("A").place_bracket("SBIN", "BUY", quantity, price=price, target=2, stop=1)


# --- the parts of a script


def test_an_acknowledgement_takes_its_time(broker: PaperBroker) -> None:
    """acknowledge_after: the order is PENDING until so many milliseconds of the broker's clock have passed."""
    broker.script(acknowledge_after(300))
    bracket = place(broker)
    broker.advance(ms=299)
    assert bracket.refresh().entry.status == "PENDING"
    broker.advance(ms=1)
    assert bracket.refresh().entry.status == "CONFIRMED"


@pytest.mark.parametrize("price", ["450.00", "457.00"])
def test_a_part_fills_and_then_there_is_silence(broker: PaperBroker, price: str) -> None:
    """fill_then_silence: 40 % fill whether the limit rests or crosses, then cancels go unanswered for a minute."""
    broker.script(fill_then_silence(40))
    bracket = place(broker, price)
    assert bracket.refresh().entry.filled == 4
    with pytest.raises(Pending):
        bracket.cancel()
    broker.advance(minutes=1)
    assert (bracket.refresh().entry.status, bracket.entry.filled) == ("CANCELLED", 4)


def test_a_cancel_is_refused_with_a_reason(broker: PaperBroker) -> None:
    """refuse_cancel: so many cancels are refused with the text, the next is not."""
    broker.script(refuse_cancel("not today", times=2))
    bracket = place(broker)
    for _ in range(2):
        with pytest.raises(VenueRefused, match="not today"):
            bracket.cancel()
    bracket.cancel()


def test_an_exit_is_refused_with_a_reason(broker: PaperBroker) -> None:
    """refuse_exit: the closing order is refused, the stop-loss stays, the next exit is taken."""
    broker.script(fill(100), refuse_exit("no"))
    bracket = place(broker)
    with pytest.raises(VenueRefused, match="no"):
        bracket.exit()
    assert not bracket.refresh().unprotected
    bracket.exit()


def test_a_fill_overtakes_a_cancel(broker: PaperBroker) -> None:
    """fill_during_cancel: the cancel is TooLate as soon as the entry has filled, without anybody moving the clock."""
    broker.script(fill_during_cancel())
    bracket, before = place(broker), broker.now_s
    with pytest.raises(TooLate):
        bracket.cancel()
    assert broker.now_s - before == pytest.approx(0.1)
    assert broker.position("A") == 10


def test_a_lost_reply_was_carried_out(broker: PaperBroker) -> None:
    """lose_reply: the connection is cut, the cancel is done all the same."""
    broker.script(lose_reply(When.CANCEL, times=0))
    bracket = place(broker)
    with pytest.raises(ConnectionLost):
        bracket.cancel()
    assert bracket.refresh().entry.status == "CANCELLED"


def test_a_step_s_words_may_be_plain_texts(broker: PaperBroker) -> None:
    """A step that is written with the words of its page strikes, and a word that there is not is refused."""
    broker.script(lose_reply("cancel", times=0))  # type: ignore[arg-type]
    with pytest.raises(ConnectionLost):
        broker.client("A").place_bracket("SBIN", "BUY", 1, price=450, target=2, stop=1).cancel()
    for word in ("", "Cancel", "never"):
        with pytest.raises(ValueError, match="is not a valid When"):
            lose_reply(word)  # type: ignore[arg-type]


def test_a_lost_body_leaves_the_path(broker: PaperBroker) -> None:
    """drop_body: of a DELETE with the leg in its body alone only the path arrives, and an exit becomes a cancel."""
    broker.script(fill(40), Step(do=Do.DROP_BODY, when=When.CANCEL, times=1))
    bracket = place(broker)
    with httpx.Client(transport=broker.transport(), base_url=broker.url) as http:
        http.headers["x-authorization-token"] = broker.token("A")
        body = {"leg_order_indicator": "STOPLOSS"}
        reply = http.request("DELETE", f"/api/v1/orders/kart/{bracket.order_id}", json=body)
    assert reply.json()["status"] == "success"
    assert bracket.refresh().open_quantity == 4
    assert [row.info for row in bracket.rows if row.leg == "STOPLOSS"] == [""]


def test_tokens_expire_in_the_middle(broker: PaperBroker) -> None:
    """expire_tokens: after the placing every token is dead; a new one shows the order at work."""
    broker.script(expire_tokens(When.AFTER_PLACE))
    with pytest.raises(Exception, match="placed as basket"):
        place(broker)
    assert len(broker.client("A").orders()) == 1


def test_a_broker_goes_down_and_comes_back(broker: PaperBroker) -> None:
    """down: requests are NotServing; after it everything that had been acknowledged is there, and works on."""
    bracket = place(broker)
    broker.script(down(60_000))
    with pytest.raises(NotServing):
        bracket.cancel()
    broker.advance(minutes=1)
    assert bracket.refresh().entry.status == "CONFIRMED"
    broker.tick("SBIN", "450.00", quantity=10)
    assert bracket.refresh().entry.status == "COMPLETE"


def test_a_short_absence_is_waited_out(broker: PaperBroker) -> None:
    """A broker that is down for half a second is asked again until it is back; the program notices nothing."""
    bracket = place(broker)
    broker.script(down(500, when=When.CANCEL))
    bracket.cancel()
    assert bracket.refresh().entry.status == "CANCELLED"


def test_a_restart_loses_nothing(broker: PaperBroker) -> None:
    """restart: state, prints and what is under way are as before; a plan of faults stays."""
    broker.tick("SBIN", "455.00", quantity=1)
    bracket = place(broker, "450.00")
    broker.script(fill(40, when=When.NOW), refuse_cancel("still planned"), Step(do=Do.RESTART))
    assert bracket.refresh().entry.filled == 4
    with pytest.raises(VenueRefused, match="still planned"):
        bracket.cancel()
    assert broker.house.desk.quote("NSE:3045")[0] == 45_000


def test_steps_happen_in_their_order_and_at_their_time(broker: PaperBroker) -> None:
    """Steps at their times happen in the order of these, those of one time in the order of the script."""
    broker.script(
        Step(do=Do.TICK, after_ms=200, instrument="SBIN", price="451.00", quantity=1),
        Step(do=Do.TICK, after_ms=100, instrument="SBIN", price="452.00", quantity=1),
        Step(do=Do.CALM, after_ms=100),
    )
    broker.advance(ms=150)
    assert broker.house.desk.quote("NSE:3045")[0] == 45_200
    broker.advance(ms=50)
    assert broker.house.desk.quote("NSE:3045")[0] == 45_100
    assert [line.split()[1] for line in broker.log] == ["tick", "calm", "tick"]


def test_calm_ends_a_script(broker: PaperBroker) -> None:
    """calm: steps that have not happened never do."""
    broker.script(refuse_cancel(times=0), fill(100, when=When.CANCEL))
    broker.calm()
    place(broker).cancel()
    assert broker.position("A") == 0


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (Step(do=Do.TICK, price="1"), "instrument"),
        (Step(do=Do.TICK, instrument="SBIN"), "price"),
        (Step(do=Do.FILL, percent=0), "percent"),
        (Step(do=Do.FILL, percent=101), "percent"),
        (Step(do=Do.FILL, after_ms=-1), "after_ms"),
        (Step(do=Do.FILL, times=-1), "times"),
        (Step(do=Do.TICK, instrument="SBIN", price="1", quantity=-1), "quantity"),
        (Step(do=Do.FAULT), "rule"),
        (Step(do=Do.CALM, rule=FaultRule(on=Point.FILL, action=Action.DROP)), "rule"),
        (Step(do=Do.FAULT, rule=FaultRule(on=Point.FILL, action=Action.DELAY)), "rule.delay_ms"),
        (Step(do=Do.LOSE_REPLY), "when"),
        (Step(do=Do.DROP_BODY, when=When.AFTER_CANCEL), "when"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(broker: PaperBroker, step: Step, field: str) -> None:
    """A script with a step that makes no sense names its field, and none of its steps is kept."""
    with pytest.raises(ValueError, match=rf"steps\[1\]\.{field}$"):
        broker.script(Step(do=Do.EXPIRE_TOKENS), step)
    assert broker.log == []


# --- time and determinism


def test_nothing_sleeps(broker: PaperBroker) -> None:
    """A cancel that waits two seconds for a silent exchange takes none of the machine's time to speak of."""
    broker.script(fill_then_silence(40))
    bracket = place(broker)
    began_s, before = time.monotonic(), broker.now_s
    with pytest.raises(Pending):
        bracket.cancel()
    assert broker.now_s - before == pytest.approx(2.0)
    assert time.monotonic() - began_s < 1.0


@pytest.mark.slow
def test_the_clock_can_be_held(broker: PaperBroker) -> None:
    """With autojump off a request waits by the machine's clock, and the broker's stands."""
    broker.script(fill_then_silence(40))
    bracket, before = place(broker), broker.now_s
    broker.autojump = False
    with pytest.raises(Pending):
        bracket.cancel()
    assert broker.now_s == before


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_the_same_every_time(scenario: str) -> None:
    """Two runs of a scenario with the same program give the same orders, trades and log."""

    def run() -> tuple[object, ...]:
        with PaperBroker() as paper:
            paper.play(scenario)
            try:
                follow.trade(paper.client("A", attempts=2), market(paper))
            except Unauthorised:
                paper.settle()
            state = paper.house.desk.state
            orders = [(*row.__struct_fields__, row.status, row.placed_ns, row.filled) for row in state.orders.values()]
            return orders, list(state.trades.values()), paper.log, paper.now_s

    assert run() == run()


async def test_two_at_once_are_the_same_every_time(async_broker: AsyncPaperBroker) -> None:
    """Of two requests at once with asyncio, both wait for the same exchange and hear of the same end."""
    trader = async_broker.client("A")
    bracket = await trader.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    await async_broker.script(fill_during_cancel())
    outcomes = await asyncio.gather(bracket.cancel(), bracket.cancel(), bracket.exit(), return_exceptions=True)
    # The exit waits for the cancel, finds everything filled, and closes it.
    assert [type(outcome) for outcome in outcomes] == [TooLate, TooLate, type(None)]


async def test_an_exit_before_any_fill(async_broker: AsyncPaperBroker) -> None:
    """Nothing has filled: an exit is LegNotActive with asyncio too."""
    bracket = await async_broker.client("A").place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
    with pytest.raises(LegNotActive):
        await bracket.exit()


def test_the_exchange_s_hours() -> None:
    """With session "nse" brackets are squared off at 15:20 in India."""
    with PaperBroker(session="nse") as paper:
        bracket = place(paper)
        paper.tick("SBIN", "450.00", quantity=10)
        paper.advance(hours=5, minutes=20)
        paper.tick("SBIN", "450.00", quantity=10)
        assert bracket.refresh().closed
        assert paper.position("A") == 0


@pytest.mark.parametrize("options", [{"session": "lunch"}, {"cash": 1.5}])
def test_wrong_options_are_refused(options: dict[str, object]) -> None:
    """An unknown session and a float of cash are refused."""
    with pytest.raises((ValueError, TypeError)):
        PaperBroker(**options)


def test_unknown_names_are_refused(broker: PaperBroker) -> None:
    """A client, an instrument, a price or a scenario that is not there is an error of the test's."""
    for wrong in (
        lambda: broker.token("Z"),
        lambda: broker.tick("NOSUCH", "1"),
        lambda: broker.tick("SBIN", "456.96"),
        lambda: broker.play("no such scenario"),
        lambda: broker.advance(seconds=-1),
    ):
        with pytest.raises((ValueError, KeyError)):
            wrong()
    with pytest.raises(TypeError):
        broker.tick("SBIN", 456.95)  # type: ignore[arg-type]


def test_updates_that_outlive_their_broker_end_quietly() -> None:
    """Updates that nobody listens to any more may be thrown away after their paper broker was closed."""
    with PaperBroker() as paper:
        place(paper)
        updates = paper.client("A").updates()
        next(updates)
    updates.close()  # type: ignore[attr-defined]


# --- a real port


def test_a_live_broker_cuts_real_connections() -> None:
    """Over a port a lost reply is a cut connection, a script goes on by itself, and a cancel still succeeds."""
    with LiveBroker() as live:
        live.script(lose_reply(When.CANCEL), acknowledge_after(300))
        bracket = live.client("A").place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
        bracket.cancel()
        assert bracket.refresh().entry.status == "CANCELLED"
        live.script(drop_feeds(), expire_tokens())
        with pytest.raises(Unauthorised):
            bracket.cancel()


# --- the plugin


@pytest.mark.slow
def test_the_plugin_gives_the_fixtures(tmp_path: Path) -> None:
    """A pytest elsewhere has `broker` and `live_broker` by the plugin alone."""
    (tmp_path / "test_mine.py").write_text(
        "def test_mine(broker, live_broker):\n"
        "    bracket = broker.client('A').place_bracket('SBIN', 'BUY', 1, price=450, target=2, stop=1)\n"
        "    bracket.cancel()\n"
        "    assert live_broker.client('A').orders() == []\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "bracketd.testing.plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_loads_nothing_until_it_is_asked() -> None:
    """A pytest that has bracketd beside it is not made to load httpx, the client or the server."""
    code = (
        "import sys, bracketd.testing.plugin\n"
        "print([name for name in ('httpx', 'bracketd.client', 'bracketd.wire') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.slow
def test_the_kit_serves_by_itself() -> None:
    """`python -m bracketd.testing` prints one JSON line with the URL and tokens that work, and plays a scenario."""
    command = [sys.executable, "-m", "bracketd.testing", "--client", "C1", "--scenario", "partly_filled_then_cancelled"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            with Broker(told["url"], told["tokens"]["C1"], "C1") as trader:
                bracket = trader.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
                assert bracket.refresh().entry.filled == 4
        finally:
            process.kill()
