"""A trading day by the session table on a clock moved by hand, restarts in the middle included (bracket.md 2.9).

The day is the next one that trades after the real date; its hours come from the session table itself.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.e2e.caller import Caller, Placed, bracket_body
from tests.e2e.process import Server

from bracketd.domain.ist import date_of_day, day_number, day_start_ns, ist_date
from bracketd.domain.session import SessionDay
from bracketd.market.calendar import SessionTable

NOON_NS = 12 * 3_600 * 10**9
SECOND_NS = 10**9


class Day(NamedTuple):
    """A day of trading with the hours that matter here (unix nanoseconds)."""

    date: str
    open_ns: int
    square_off_ns: int
    close_ns: int


def day_of(session: SessionDay) -> Day:
    """The day of a session that has a square-off."""
    assert session.square_off_ns is not None
    return Day(session.date, session.open_ns, session.square_off_ns, session.close_ns)


def trading_days(after: str) -> Iterator[Day]:
    """The ordinary days of trading after a date."""
    table = SessionTable.load()
    for number in range(day_number(after) + 1, day_number(after) + 100):
        session = table.session_on(date_of_day(number))
        if session is not None and not session.name:
            yield day_of(session)


def next_date(date: str) -> str:
    """The calendar's next date."""
    return date_of_day(day_number(date) + 1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with the exchange's hours and a clock that stands still until it is moved."""
    server = Server(tmp_path, ("C1",), session="nse", more=("--clock", "virtual"), token_ttl="365d")
    server.start()
    try:
        yield server
    finally:
        server.kill()


def today(trader: Caller) -> str:
    """The server's date in India."""
    return ist_date(trader.sandbox("GET", "clock")["now_ns"])


def stage(trader: Caller) -> tuple[str, str]:
    """The server's trading day, and how far it has come."""
    time = trader.sandbox("GET", "clock")
    return time["day"], time["stage"]


def place_resting(trader: Caller) -> Placed:
    """An SBIN entry that waits far below the market."""
    return trader.place()


def place_filled(trader: Caller) -> Placed:
    """Ten shares of ACC bought at 500, with nobody to sell to."""
    placed = trader.place(instrument_token="22", price=500, quantity=10)
    trader.tick(500, 10, token=22, bids=[])
    return placed


def restarted(server: Server) -> Caller:
    """The client once the server was killed and started anew."""
    server.kill()
    server.start()
    return server.caller("C1")


def test_square_off_and_session_end(server: Server) -> None:
    """bracket.md 2.9: at square-off entries are cancelled and brackets exited; at the end what works is SESSION_END."""
    trader = server.caller("C1")
    days = trading_days(today(trader))
    day = next(days)
    trader.advance_to(day.open_ns)
    assert stage(trader) == (day.date, "TRADING")
    resting, filled = place_resting(trader), place_filled(trader)
    trader.advance_to(day.square_off_ns - SECOND_NS)
    assert trader.row(resting.entry_id)["order_status"] == "CONFIRMED"
    assert trader.legs(filled)["STOPLOSS"]["order_status"] == "TRIGGER_PENDING"

    # "At square-off every entry remainder is cancelled (rule E), then every open bracket is exited (rule X)."
    trader.advance_to(day.square_off_ns)
    assert stage(trader) == (day.date, "SQUARE_OFF")
    assert trader.row(resting.entry_id)["order_status"] == "CANCELLED"
    legs = trader.legs(filled)
    assert (legs["STOPLOSS"]["order_status"], legs["STOPLOSS"]["order_status_info"]) == ("CONFIRMED", "CLOSING")
    assert legs["TARGET"]["order_status"] == "CANCELLED"
    # "After the cut-off no new bracket, no larger quantity (SESSION_CLOSED)."
    late = trader.send_json("POST", "/api/v1/orders/kart", bracket_body("C1"))
    assert (late.status, late.json["reason"]) == (409, "SESSION_CLOSED")

    # "At the end of the session whatever still works is CANCELLED SESSION_END; open > 0 is then UNPROTECTED".
    trader.advance_to(day.close_ns)
    assert stage(trader) == (day.date, "ENDED")
    legs = trader.legs(filled)
    assert (legs["STOPLOSS"]["order_status"], legs["STOPLOSS"]["order_status_info"]) == ("CANCELLED", "SESSION_END")
    assert legs["ENTRY"]["order_status_info"] == "UNPROTECTED"
    # "an exit asked for in between is MARKET_CLOSED"
    exit_ = trader.cancel(filled.entry_id, "STOPLOSS")
    assert (exit_.status, exit_.json["reason"]) == (409, "MARKET_CLOSED")

    # "closed by a rescue order at the next session's first print"
    trader.advance_to(next(days).open_ns)
    assert len([row for row in trader.rows() if row["basket_id"] == filled.basket_id]) == 3
    trader.tick(499, 10, token=22)
    (rescue,) = (row for row in trader.rows() if row["order_status_info"] == "RESCUE")
    assert (rescue["leg_order_indicator"], rescue["order_type"], rescue["order_status"]) == (
        "STOPLOSS",
        "MARKET",
        "COMPLETE",
    )
    assert server.verify().returncode == 0


def test_restart_across_square_off(server: Server) -> None:
    """bracket.md 8.20: killed before square-off and started anew, the same is done at it as without the crash."""
    trader = server.caller("C1")
    day = next(trading_days(today(trader)))
    # The cut-off is the square-off's moment, so that this is the last second in which a bracket is taken.
    trader.advance_to(day.square_off_ns - SECOND_NS)
    resting, filled = place_resting(trader), place_filled(trader)
    trader = restarted(server)
    assert stage(trader) == (day.date, "TRADING")
    trader.advance_to(day.square_off_ns + 60 * SECOND_NS)
    assert trader.row(resting.entry_id)["order_status"] == "CANCELLED"
    assert trader.legs(filled)["STOPLOSS"]["order_status_info"] == "CLOSING"
    trader = restarted(server)
    assert stage(trader) == (day.date, "SQUARE_OFF")
    trader.tick(499, 10, token=22)
    assert trader.legs(filled)["STOPLOSS"]["order_status"] == "COMPLETE"


@pytest.mark.parametrize("holiday", [False, True])
def test_restart_across_midnight_and_holiday(server: Server, holiday: bool) -> None:
    """bracket.md 2.9 and 8.17: after a night, or a day without a session, what stayed open is there and is rescued."""
    trader = server.caller("C1")
    days = list(trading_days(today(trader)))
    day, following = next(pair for pair in pairwise(days) if (pair[1].date != next_date(pair[0].date)) is holiday)
    trader.advance_to(day.open_ns)
    resting, filled = place_resting(trader), place_filled(trader)
    trader.advance_to(day.close_ns)
    trader = restarted(server)
    assert stage(trader) == (day.date, "ENDED")
    # A day begins at midnight; one without a session belongs to the day of the last.
    trader.advance_to(day_start_ns(next_date(day.date)) + NOON_NS // 2)
    trader = restarted(server)
    assert stage(trader) == ((day.date, "ENDED") if holiday else (following.date, "BEFORE"))
    kept = {row["basket_id"] for row in trader.rows()}
    assert kept == ({resting.basket_id, filled.basket_id} if holiday else {filled.basket_id})
    assert trader.legs(filled)["ENTRY"]["order_status_info"] == "UNPROTECTED"
    trader.advance_to(following.open_ns)
    assert stage(trader) == (following.date, "TRADING")
    trader = restarted(server)
    trader.tick(499, 10, token=22)
    rows = [row for row in trader.rows() if row["basket_id"] == filled.basket_id]
    assert [row["filled_quantity"] for row in rows if row["order_status_info"] == "RESCUE"] == [10]
    assert [row["order_status_info"] for row in rows if row["leg_order_indicator"] == "ENTRY"] == [""]
