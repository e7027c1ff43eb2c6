"""The sandbox's routes: the clock is told and moved, faults are planned and shown, for this machine alone."""

from typing import Any

import pytest
from tests.trading_floor import SBIN, START_NS
from tests.wire.counter import Answer, Counter

from bracketd.domain.instructions import CancelWork
from bracketd.domain.instrument import Level, Tick
from bracketd.domain.reasons import Reason
from bracketd.engine.state import UnderWay
from bracketd.runtime import sandbox as runtime_sandbox
from bracketd.wire import replies
from bracketd.wire.moments import ist_text, moment_ns

CLOCK, FAULTS, RUN = "/sandbox/v1/clock", "/sandbox/v1/faults", "/sandbox/v1/run"
NO_SHARE = Reason.UNKNOWN_INSTRUMENT
START = "2026-09-21T19:43:20+05:30"
DAYS_31_MS = 31 * 86_400_000
RULE: dict[str, Any] = {"on": "cancel", "action": "refuse"}
TAKEN: dict[str, Any] = {
    "on": "cancel",
    "action": "refuse",
    "delay_ms": 0,
    "probability": 1.0,
    "times": 0,
    "leg": "",
    "order_id": "",
    "basket_id": "",
    "text": "refused by the fault plan",
}


def counter(virtual: bool = True) -> Counter:
    """A counter with a sandbox."""
    return Counter(sandbox=True, virtual=virtual)


def refused(answer: Answer, field: str) -> bool:
    """Whether the answer says that the field is wrong."""
    return (answer.status, answer.body) == (400, replies.field_invalid(field).body)


async def test_the_clock_tells_the_time_and_the_day() -> None:
    """GET tells now in India and in nanoseconds, whose clock it is, the trading day and its stage, once durable."""
    at = counter()
    at.desk.state.day = "20260921"
    answer = await at.call("GET", CLOCK, token=None)
    told = {"now": START, "now_ns": START_NS, "clock": "virtual", "day": "20260921", "stage": "TRADING"}
    assert (answer.status, answer.json()) == (200, {"data": told, "message": "", "status": "success"})
    assert at.desk.waits == 1


@pytest.mark.parametrize(
    ("body", "moved_ms"),
    [
        ({"advance_ms": 2_000}, 2_000),
        ({"advance_ms": "2000"}, 2_000),
        ({"advance_ms": 0}, 0),
        ({"advance_ms": DAYS_31_MS}, DAYS_31_MS),
        ({"to": "2026-09-21T19:43:22+05:30"}, 2_000),
        ({"to": "2026-09-21T14:13:22Z"}, 2_000),
        ({"to": "2026-09-21T19:43:20.250+05:30"}, 250),
        ({"to": START}, 0),
        ({"to": "2026-09-21T19:43:20+05:30", "advance_ms": None}, 0),
    ],
)
async def test_the_clock_is_moved(body: dict[str, Any], moved_ms: int) -> None:
    """By so many milliseconds or to a moment with its offset; the reply tells the time that it is then."""
    at = counter()
    answer = await at.call("POST", CLOCK, body, token=None)
    now_ns = START_NS + moved_ms * 1_000_000
    assert answer.status == 200
    assert answer.json()["data"]["now_ns"] == at.desk.now_ns() == now_ns
    assert moment_ns(answer.json()["data"]["now"]) == now_ns
    assert at.desk.waits >= 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"advance_ms": -1}, "advance_ms"),
        ({"advance_ms": 0.5}, "advance_ms"),
        ({"advance_ms": "soon"}, "advance_ms"),
        ({"advance_ms": []}, "advance_ms"),
        ({"advance_ms": DAYS_31_MS + 1}, "advance_ms"),
        ({"advance_ms": 1e400}, "body"),
        ({"to": "2026-09-21T19:43:19+05:30"}, "to"),
        ({"to": "2027-09-21T19:43:20+05:30"}, "to"),
        ({"to": "2026-09-21T19:43:22"}, "to"),
        ({"to": "9999-12-31T23:59:59-23:59"}, "to"),
        ({"to": "0001-01-01T00:00:00+23:59"}, "to"),
        ({"to": "tomorrow"}, "to"),
        ({"to": 5}, "to"),
        ({"to": {}}, "to"),
        ({"to": "2026-09-21T19:43:22+05:30", "advance_ms": 1}, "to"),
    ],
)
async def test_a_move_that_cannot_be(body: dict[str, Any], field: str) -> None:
    """Back in time, more than 31 days ahead, without an offset, both or no number: named, and nothing moves."""
    at = counter()
    assert refused(await at.call("POST", CLOCK, body), field)
    assert at.desk.now_ns() == START_NS


@pytest.mark.parametrize(("body", "reply"), [(b"{}", replies.field_blank("advance_ms")), (b"[", replies.BODY_INVALID)])
async def test_a_move_that_says_nothing(body: bytes, reply: replies.Reply) -> None:
    """A body without either field, or that cannot be read, is refused."""
    answer = await counter().call("POST", CLOCK, body)
    assert (answer.status, answer.body) == (400, reply.body)


TICK: dict[str, Any] = {"exchange": "NSE", "instrument_token": 3045, "last_price": 456.95, "last_quantity": 100}


async def test_a_run_of_prints_is_pushed_in_order() -> None:
    """Each print is what the tick route would push, at the moment that it names, and the reply counts them."""
    at = counter()
    second = TICK | {"last_price": "457", "tick_id": "b", "bids": [[456.9, 5]], "at": "2026-09-21T19:43:22+05:30"}
    answer = await at.call("POST", RUN, {"prints": [TICK, second]}, token=None)
    assert (answer.status, answer.json()["data"]) == (200, {"pushed": 2})
    assert at.desk.ticks == [
        Tick(SBIN, 45_695, 100),
        Tick(SBIN, 45_700, 100, (Level(45_690, 5),), name="b"),
    ]
    assert at.desk.now_ns() == START_NS + 2 * 10**9
    assert at.desk.waits
    assert (await at.call("POST", RUN, {"prints": []})).json()["data"] == {"pushed": 0}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"last_price": 456.96}, "prints[1].last_price"),
        ({"last_price": 1}, "prints[1].last_price"),
        ({"bids": {}}, "prints[1].bids"),
        ({"asks": [[457.001, 1]]}, "prints[1].asks"),
        ({"at": "yesterday"}, "prints[1].at"),
        ({"at": "2026-09-21T19:43:22"}, "prints[1].at"),
        ({"at": "2026-09-21T19:43:19+05:30"}, "prints"),
        ({"at": "2026-10-23T19:43:20+05:30"}, "prints"),
        ({"tick_id": "x" * 65}, "prints[1].tick_id"),
    ],
)
async def test_a_run_with_a_wrong_print_pushes_nothing(wrong: dict[str, Any], field: str) -> None:
    """All of a run is read first: the first wrong field is named with its place, and nothing happens."""
    at = counter()
    assert refused(await at.call("POST", RUN, {"prints": [TICK, TICK | wrong, {}]}), field) == (field != "prints")
    assert refused(await at.call("POST", RUN, {"prints": [TICK, TICK | wrong]}), field)
    assert (at.desk.ticks, at.desk.now_ns()) == ([], START_NS)


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ({}, replies.field_blank("prints")),
        ({"prints": {}}, replies.field_invalid("prints")),
        ({"prints": [TICK] * 1_001}, replies.TOO_LARGE),
        ({"prints": [{}] * 1_001}, replies.field_invalid("prints")),
        ({"prints": [5]}, replies.field_invalid("prints[0]")),
        ({"prints": [{}]}, replies.field_blank("prints[0].exchange")),
        ({"prints": [TICK | {"instrument_token": 1}]}, replies.field_invalid("prints[0].instrument_token", NO_SHARE)),
        ({"prints": [TICK], "speed": 2}, replies.field_invalid("speed")),
        (b"{", replies.BODY_INVALID),
        (b"\xff", replies.BODY_INVALID),
    ],
)
async def test_a_run_that_cannot_be(body: Any, reply: replies.Reply) -> None:
    """What is no run is refused with what is wrong, and nothing is pushed."""
    at = counter()
    answer = await at.call("POST", RUN, body)
    assert (answer.status, answer.body, at.desk.ticks) == (reply.status, reply.body, [])


async def test_a_run_with_moments_needs_a_virtual_clock() -> None:
    """409 with what to do about it; without moments the prints come now."""
    at = counter(virtual=False)
    timed = TICK | {"at": "2026-09-21T19:43:22+05:30"}
    answer = await at.call("POST", RUN, {"prints": [TICK, timed]})
    assert (answer.status, answer.body, at.desk.ticks) == (409, replies.CLOCK_STANDS.body, [])
    assert (await at.call("POST", RUN, {"prints": [TICK, TICK]})).json()["data"] == {"pushed": 2}


async def test_the_machine_s_clock_is_told_and_not_moved() -> None:
    """Without a virtual clock the time is told, and moving it is 409 with what to do about it."""
    at = counter(virtual=False)
    assert (await at.call("GET", CLOCK)).json()["data"]["clock"] == "system"
    answer = await at.call("POST", CLOCK, {"advance_ms": 1})
    assert (answer.status, answer.json()["message"]) == (409, "The clock cannot be moved without --clock virtual")
    assert at.desk.now_ns() == START_NS


async def test_too_much_on_the_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the clock had to stop on the way, 409 tells where it stands."""
    monkeypatch.setattr(runtime_sandbox, "STOPS_MAX", 2)
    at = counter()
    at.desk.due_ns = [START_NS + second * 10**9 for second in range(1, 10)]
    answer = await at.call("POST", CLOCK, {"advance_ms": 9_000})
    assert answer.status == 409
    assert answer.json()["message"] == "The clock stopped at 2026-09-21T19:43:22+05:30, too much fell due on the way"


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({}, {}),
        ({"on": "CANCEL", "action": "Refuse"}, {}),
        ({"leg": "stoploss"}, {"leg": "STOPLOSS"}),
        ({"leg": "Third"}, {"leg": "STOPLOSS"}),
        ({"leg": "SECOND"}, {"leg": "TARGET"}),
        ({"leg": None, "times": None, "probability": ""}, {}),
        ({"probability": 0.3, "times": "2"}, {"probability": 0.3, "times": 2}),
        ({"probability": "0"}, {"probability": 0.0}),
        ({"on": "fill", "action": "delay", "delay_ms": 300}, {"on": "fill", "action": "delay", "delay_ms": 300}),
        ({"order_id": "20260921-2", "basket_id": "20260921-1"}, {"order_id": "20260921-2", "basket_id": "20260921-1"}),
        ({"text": "no"}, {"text": "no"}),
    ],
)
async def test_a_rule_is_taken_and_shown_in_full(sent: dict[str, Any], taken: dict[str, Any]) -> None:
    """The plan is answered as it was taken, every field of it; it is in force and GET shows the same."""
    at = counter()
    answer = await at.call("POST", FAULTS, {"seed": 7, "rules": [RULE | sent]}, token=None)
    plan = {"seed": 7, "rules": [TAKEN | taken], "under_way": 0}
    assert (answer.status, answer.json()) == (
        200,
        {"data": plan, "message": "Faults accepted", "status": "success"},
    )
    assert (await at.call("GET", FAULTS)).json()["data"] == plan
    assert (at.exchange.plan.seed, len(at.exchange.plan.rules)) == (7, 1)
    assert at.desk.waits == 2


async def test_what_is_shown_can_be_sent_again() -> None:
    """Seed and rules of a reply are a request of the same meaning."""
    at = counter()
    rules = [RULE | {"leg": "TARGET", "probability": 0.25}, {"on": "fill", "action": "drop", "times": 3}]
    shown = (await at.call("POST", FAULTS, {"seed": 9, "rules": rules})).json()["data"]
    again = await at.call("POST", FAULTS, {"seed": shown["seed"], "rules": shown["rules"]})
    assert again.json()["data"] == shown


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ([], "rules[1]"),
        ("refuse", "rules[1]"),
        (RULE | {"on": "everything"}, "rules[1].on"),
        (RULE | {"on": []}, "rules[1].on"),
        (RULE | {"action": "explode"}, "rules[1].action"),
        (RULE | {"action": "drop"}, "rules[1].action"),
        (RULE | {"on": "fill"}, "rules[1].action"),
        (RULE | {"on": "fill", "action": "delay"}, "rules[1].delay_ms"),
        (RULE | {"delay_ms": -1}, "rules[1].delay_ms"),
        (RULE | {"delay_ms": 86_400_001}, "rules[1].delay_ms"),
        (RULE | {"delay_ms": 1.5}, "rules[1].delay_ms"),
        (RULE | {"probability": 1.01}, "rules[1].probability"),
        (RULE | {"probability": -0.1}, "rules[1].probability"),
        (RULE | {"probability": "often"}, "rules[1].probability"),
        (RULE | {"times": -1}, "rules[1].times"),
        (RULE | {"times": {}}, "rules[1].times"),
        (RULE | {"leg": "FOURTH"}, "rules[1].leg"),
        (RULE | {"leg": []}, "rules[1].leg"),
        (RULE | {"order_id": "1" * 33}, "rules[1].order_id"),
        (RULE | {"basket_id": "1" * 33}, "rules[1].basket_id"),
        (RULE | {"text": "x" * 201}, "rules[1].text"),
        (RULE | {"probablity": 1}, "rules[1].probablity"),
        (RULE | {"on": "nothing", "action": "explode"}, "rules[1].on"),
    ],
)
async def test_the_first_wrong_field_of_a_rule_is_named(rule: object, field: str) -> None:
    """A rule that makes no sense is refused with its place and field, and the plan before it stays."""
    at = counter()
    await at.call("POST", FAULTS, {"seed": 3, "rules": [RULE]})
    assert refused(await at.call("POST", FAULTS, {"seed": 4, "rules": [RULE, rule, "later"]}), field)
    assert (await at.call("GET", FAULTS)).json()["data"] == {"seed": 3, "rules": [TAKEN], "under_way": 0}


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ({"seed": -1, "rules": []}, replies.field_invalid("seed")),
        ({"seed": 1.5, "rules": []}, replies.field_invalid("seed")),
        ({"seed": 10**15, "rules": []}, replies.field_invalid("seed")),
        ({"seed": 7}, replies.field_blank("rules")),
        ({"rules": {}}, replies.field_invalid("rules")),
        ({"rules": [RULE] * 101}, replies.field_invalid("rules")),
        ({"rules": [], "rule": []}, replies.field_invalid("rule")),
        ({"rules": [{"action": "refuse"}]}, replies.field_blank("rules[0].on")),
        ({"rules": [{"on": "cancel"}]}, replies.field_blank("rules[0].action")),
        ('{"rules": [{"on": "cancel", "on": "fill", "action": "drop"}]}', replies.BODY_INVALID),
        ("[]", replies.BODY_INVALID),
        (b"\xff", replies.BODY_INVALID),
        (b"", replies.BODY_INVALID),
    ],
)
async def test_a_plan_that_cannot_be(body: Any, reply: replies.Reply) -> None:
    """What is wrong with the plan as a whole is named in the same way."""
    at = counter()
    answer = await at.call("POST", FAULTS, body)
    assert (answer.status, answer.body, at.exchange.plan.rules) == (400, reply.body, ())


async def test_a_hundred_rules_are_taken() -> None:
    """As many rules as there may be."""
    assert (await counter().call("POST", FAULTS, {"rules": [RULE] * 100})).status == 200


async def test_rules_are_removed_and_letters_stay() -> None:
    """DELETE leaves no rule; what is under way is counted and stays under way."""
    at = counter()
    await at.call("POST", FAULTS, {"seed": 7, "rules": [RULE]})
    at.desk.state.post[1] = UnderWay(START_NS, CancelWork("1"), False)
    answer = await at.call("DELETE", FAULTS)
    assert (answer.status, answer.json()["data"]) == (200, {"seed": 0, "rules": [], "under_way": 1})
    assert (at.exchange.plan.rules, len(at.desk.state.post)) == ((), 1)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", CLOCK), ("POST", CLOCK), ("GET", FAULTS), ("POST", FAULTS), ("DELETE", FAULTS), ("POST", RUN)],
)
async def test_other_machines_find_nothing(method: str, path: str) -> None:
    """For every peer but this machine none of the routes exists; without a sandbox they exist for nobody."""
    at = counter()
    body = {"advance_ms": 5, "rules": []}
    answer = await at.call(method, path, body, peer=("192.168.1.7", 1))
    assert (answer.status, answer.body) == (404, replies.RESOURCE_NOT_FOUND.body)
    assert at.desk.now_ns() == START_NS
    assert (await Counter().call(method, path, body)).status == 404


@pytest.mark.parametrize(
    ("path", "allowed"), [(CLOCK, b"GET, HEAD, POST"), (FAULTS, b"DELETE, GET, HEAD, POST"), (RUN, b"POST")]
)
async def test_other_methods(path: str, allowed: bytes) -> None:
    """A method that a route does not have is 405 with those that it has."""
    answer = await counter().call("PUT", path)
    assert (answer.status, answer.headers[b"allow"]) == (405, allowed)


@pytest.mark.parametrize("path", [CLOCK, FAULTS, RUN])
async def test_size(path: str) -> None:
    """A body over 64 KiB is too large."""
    assert (await counter().call("POST", path, b" " * 65_537)).status == 413


def test_moments_come_back_as_they_went() -> None:
    """A moment of whole microseconds, also one before 1970, is the same after it was written and read."""
    for now_ns in (START_NS, START_NS + 1_000, 0, -1_000):
        assert moment_ns(ist_text(now_ns)) == now_ns
