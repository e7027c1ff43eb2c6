"""The history: what no serial history explains is a fault, and what one explains is none."""

from typing import Any

import pytest

from bracketd.domain.ist import NS_PER_SECOND, day_start_ns
from bracketd.simulation.desk_clients import Request
from bracketd.simulation.encodings import Written
from bracketd.simulation.history import History

DAY_NS = day_start_ns("20261123") + 10 * 3600 * NS_PER_SECOND
BASKET, ENTRY, TARGET = "20261123-1", "20261123-2", "20261123-4"


def at(ms: int) -> int:
    """So many milliseconds after ten in the morning."""
    return DAY_NS + ms * 1_000_000


def row(reference: int, status: str = "CONFIRMED", filled: int = 0, price: float = 411.25, leg: str = "ENTRY") -> Any:
    """A row as it is read."""
    return {
        "oms_order_id": TARGET if leg == "TARGET" else ENTRY,
        "basket_id": BASKET,
        "leg_order_indicator": leg,
        "order_status": status,
        "order_type": "LIMIT",
        "filled_quantity": filled,
        "quantity": 10,
        "remaining_quantity": 10 - filled,
        "price": price,
        "average_price": 0,
        "last_activity_reference": reference,
    }


class Told:
    """A history, told in short; times are milliseconds from and to."""

    def __init__(self) -> None:
        self.history = History()

    def place(self, begins: int, ends: int) -> None:
        """A bracket at 411.25 was placed."""
        asked = Request("place", "C1", "POST", Written(""), price_paise=41_125)
        self.history.answered(asked, at(begins), at(ends), 200, {"data": {"data": {"basket_id": BASKET}}})

    def read(self, begins: int, ends: int, *rows: Any, book: str = "orders") -> None:
        """A book was read."""
        asked = Request(f"read {book}", "C1", "GET", Written(""))
        self.history.answered(asked, at(begins), at(ends), 200, {"data": {"orders": list(rows)}})

    def trades(self, begins: int, ends: int, quantity: int, second: int = 0) -> None:
        """The trades were read: one of the entry."""
        traded = {"oms_order_id": ENTRY, "trade_quantity": quantity, "trade_time": at(0) // NS_PER_SECOND + second}
        asked = Request("read trades", "C1", "GET", Written(""))
        self.history.answered(asked, at(begins), at(ends), 200, {"data": {"trades": [traded]}})

    def cancel(self, begins: int, ends: int, status: int = 200, reason: str = "", **more: Any) -> None:
        """The entry was cancelled, or by `exits` closed."""
        asked = Request("cancel", "C1", "DELETE", Written(""), order=BASKET, entry=BASKET, bracket=True)
        self.history.answered(asked._replace(**more), at(begins), at(ends), status, {"reason": reason})

    def modify(self, begins: int, ends: int, paise: int, status: int = 200) -> None:
        """The entry's price was changed; status 0 for no reply."""
        asked = Request("modify", "C1", "PUT", Written(""), order=BASKET, price_paise=paise)
        if status:
            self.history.answered(asked, at(begins), at(ends), status, {})
        else:
            self.history.unanswered(asked, at(begins))

    def fault(self) -> str:
        """The first fault, "" where there is none."""
        return (self.history.faults or [""])[0]


@pytest.fixture
def told() -> Told:
    """A bracket that was placed."""
    made = Told()
    made.place(0, 10)
    return made


def test_a_plain_life_is_explained(told: Told) -> None:
    """Placed, read, filled in part, modified, cancelled, and read as cancelled."""
    told.read(20, 21, row(1))
    told.modify(22, 25, 41_130)
    told.read(30, 31, row(2, price=411.30))
    told.read(40, 41, row(3, filled=4, price=411.30))
    told.cancel(50, 55)
    told.cancel(60, 65)
    told.read(70, 71, row(4, "CANCELLED", 4, 411.30), book="completed")
    told.read(72, 73)
    told.trades(80, 81, 4)
    assert not told.fault()


def test_what_overlaps_may_be_shown_in_any_order(told: Told) -> None:
    """Two reads that overlap may be answered newest first, and one beside a cancel may show either side of it."""
    told.read(20, 40, row(2, filled=4))
    told.read(30, 41, row(1))
    told.cancel(50, 60)
    told.read(55, 61, row(2, filled=4))
    assert not told.fault()


def test_a_read_never_goes_back(told: Told) -> None:
    """What was shown before the question went out is the least that the answer shows."""
    told.read(20, 21, row(2, filled=4))
    told.read(30, 31, row(1, filled=4))
    assert "goes back" in told.fault()


def test_fills_are_never_lost(told: Told) -> None:
    """Neither the book nor the trades show fewer fills than were shown before."""
    told.read(20, 21, row(1, filled=4))
    told.trades(30, 31, 3)
    assert "loses fills" in told.fault()


def test_an_acknowledged_cancel_is_an_end(told: Told) -> None:
    """After the acknowledgement the entry is nowhere shown at work."""
    told.cancel(20, 30)
    told.read(31, 32, row(1))
    assert "works again" in told.fault()


def test_nothing_fills_after_the_end(told: Told) -> None:
    """The fills that are shown of a cancelled entry are all that it ever has, and their times are before the reply."""
    told.cancel(20, 30)
    told.read(31, 32, row(1, "CANCELLED", 4), book="completed")
    told.read(41, 42, row(2, "CANCELLED", 5), book="completed")
    assert "fills after its end" in told.fault()


def test_a_trade_after_the_acknowledgement_is_a_lie(told: Told) -> None:
    """A trade of a later second than the cancel's reply did not happen before it."""
    told.read(11, 12, row(1))
    told.cancel(20, 30)
    told.trades(2_000, 2_001, 4, second=1)
    assert "traded after its cancel" in told.fault()


def test_a_venue_that_is_late_may_tell_of_fills_later(told: Told) -> None:
    """Where the venue tells of fills late an entry gets one after its end, as the rules have it."""
    told.history.late_fills = True
    told.cancel(20, 30)
    told.read(31, 32, row(1, "CANCELLED", 4), book="completed")
    told.read(41, 42, row(2, "CANCELLED", 5), book="completed")
    assert not told.fault()


def test_an_order_has_one_end(told: Told) -> None:
    """Whoever was told that it was too late is not shown a cancelled order."""
    told.cancel(20, 30, 409, "TOO_LATE")
    told.read(31, 32, row(1, "CANCELLED"), book="completed")
    assert "two ends" in told.fault()


def test_a_success_asked_again_succeeds(told: Told) -> None:
    """The same cancel asked again after its success is no refusal."""
    told.cancel(20, 30)
    told.cancel(31, 40, 409, "TOO_LATE")
    assert "succeeded is answered 409 TOO_LATE later" in told.fault()


def test_an_exit_may_find_the_market_closed(told: Told) -> None:
    """An exit that succeeded may find that nothing can be closed any more, and that is no fault."""
    told.cancel(20, 30, exits="TARGET")
    told.cancel(31, 40, 409, "MARKET_CLOSED", exits="TARGET")
    assert not told.fault()


def test_an_exit_ends_the_target(told: Told) -> None:
    """After an exit the target is nowhere shown at work."""
    told.read(11, 12, row(1, "COMPLETE", 10), row(1, leg="TARGET"))
    told.cancel(20, 30, exits="STOPLOSS")
    told.read(31, 32, row(1, leg="TARGET"))
    assert f"{TARGET} works again" in told.fault()


def test_a_leg_is_active_after_a_fill(told: Told) -> None:
    """Who was shown a fill is not told that no leg is there."""
    told.read(11, 12, row(1, filled=4))
    told.cancel(20, 30, 409, "LEG_NOT_ACTIVE", exits="TARGET")
    assert "loses fills" in told.fault()


def test_a_row_is_in_one_book_or_the_other(told: Told) -> None:
    """A row that was missing among the working ones is missing among the finished ones no more."""
    told.read(20, 21)
    told.read(30, 31, book="completed")
    assert "works again" in told.fault()


def test_a_reference_is_one_row(told: Told) -> None:
    """The same reference is never shown with two contents, in frames neither."""
    told.read(20, 21, row(1))
    told.history.pushed(row(1, filled=1), at(30))
    assert "two ways" in told.fault()


def test_a_frame_is_seen_too(told: Told) -> None:
    """A read after a frame shows no less than that."""
    told.history.pushed(row(3, filled=4), at(20))
    told.read(21, 22, row(2, filled=4))
    assert "goes back" in told.fault()


def test_a_price_is_the_last_that_was_acknowledged(told: Told) -> None:
    """After an acknowledged modification the old price is shown to nobody who asks later."""
    told.modify(20, 25, 41_130)
    told.read(30, 31, row(1))
    assert "nobody asked for last" in told.fault()


@pytest.mark.parametrize("price", [411.25, 411.30])
def test_an_unanswered_modification_may_be_done_or_not(told: Told, price: float) -> None:
    """Where no reply came either price may be shown."""
    told.modify(20, 25, 41_130, status=0)
    told.read(30, 31, row(1, price=price))
    assert not told.fault()


@pytest.mark.parametrize(("status", "fault"), [(200, False), (202, False), (0, False), (400, True)])
def test_a_modification_may_be_shown_before_its_reply(told: Told, status: int, fault: bool) -> None:
    """A read may be answered before the modification that it shows; one that is refused then was shown to nobody."""
    asked = Request("modify", "C1", "PUT", Written(""), order=BASKET, price_paise=41_130)
    told.history.asked(asked, at(20))
    told.read(21, 22, row(1, price=411.30))
    assert not told.fault()
    told.modify(20, 25, 41_130, status=status)
    assert ("which was refused" in told.fault()) is fault
    told.read(30, 31, row(2, price=411.40))
    assert "nobody asked for last" in told.history.faults[-1]


def test_one_of_two_equal_modifications_is_refused(told: Told) -> None:
    """What was shown may be the other's."""
    asked = Request("modify", "C1", "PUT", Written(""), order=BASKET, price_paise=41_130)
    for begins in (19, 20):
        told.history.asked(asked, at(begins))
    told.read(21, 22, row(1, price=411.30))
    told.modify(19, 24, 41_130, status=400)
    told.modify(20, 25, 41_130)
    assert not told.fault()


def test_a_price_that_nobody_asked_for_is_a_fault(told: Told) -> None:
    """A price comes from somebody."""
    told.read(30, 31, row(1, price=411.40))
    assert "nobody asked for last" in told.fault()


def test_a_stranger_finds_nothing(told: Told) -> None:
    """Another's order is not found; one's own is."""
    told.cancel(20, 30, 404, stranger=True)
    assert not told.fault()
    told.cancel(40, 50, 409, "TOO_LATE", stranger=True)
    assert "stranger" in told.fault()


def test_an_owner_finds_his_order(told: Told) -> None:
    """An order of today is found by its owner."""
    told.cancel(20, 30, 404)
    assert "not found by its owner" in told.fault()


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_turned_away_is_told_nothing(told: Told, status: int) -> None:
    """A server that is busy or stops says nothing of the order."""
    told.cancel(20, 30)
    told.cancel(31, 40, status)
    assert not told.fault()
