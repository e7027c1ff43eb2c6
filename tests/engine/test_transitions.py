"""The table of statuses: closed, with no way out of an end, and every row of it met or justified."""

from itertools import product

import pytest
from tests.trading_floor import INSTRUMENTS, SBIN, Floor, bracket, levels

from bracketd.domain.instructions import Acknowledged, CancelDenied, Filled, Rejected, Report, Triggered
from bracketd.domain.order import TERMINAL, OrderType, Side, Status
from bracketd.engine import changing, evolve_modify
from bracketd.engine import evolve as evolving
from bracketd.engine.deciding import decide
from bracketd.engine.evolve import evolve
from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.moment import Moment
from bracketd.engine.reporting import decide_report
from bracketd.engine.transitions import TRANSITIONS, Happening, next_status

P, C, T, X = Status.PENDING, Status.CONFIRMED, Status.TRIGGER_PENDING, Status.CANCEL_PENDING
MP, MC = Status.MODIFY_PENDING, Status.MODIFY_CONFIRMED

EXTERNAL = {
    (P, Happening.REFUSED): "a venue may reject what the paper exchange takes",
    (P, Happening.TRIGGERED): "a venue may report the trigger before the acknowledgement",
    (P, Happening.FILLED_PART): "a venue may report a fill before the acknowledgement",
    (P, Happening.FILLED): "a venue may report the whole fill before the acknowledgement",
    (P, Happening.CANCEL_REQUESTED): "a cancel may come before a slow venue's acknowledgement",
    (P, Happening.CANCELLED): "the sibling of a leg may close the bracket before the leg is acknowledged",
    (P, Happening.COMPLETED): "a leg may close the bracket before it is acknowledged",
    (P, Happening.CLOSING): "an exit may come before a slow venue acknowledged the stop",
    (C, Happening.ACCEPTED): "the acknowledgement may come after the trigger or the closing that it should precede",
    (C, Happening.CLOSING): "a stop may trigger while a slow venue makes it the closing order",
    (C, Happening.CANCELLED): "the sibling of a working leg is cancelled OCO without being asked for",
    (T, Happening.FILLED_PART): "a venue may report a stop's fill before its trigger",
    (T, Happening.FILLED): "a venue may report an entry stop's fill before its trigger",
    (T, Happening.COMPLETED): "a venue may report a stop's last fill before its trigger",
    (X, Happening.ACCEPTED): "the acknowledgement may come after the cancel was asked for",
    (X, Happening.ACCEPTED_STOP): "the acknowledgement of a stop may come after the cancel was asked for",
    (X, Happening.REFUSED): "a venue may reject an order whose cancel was asked for",
    (X, Happening.TRIGGERED): "an entry stop may trigger while its cancel is under way",
    (X, Happening.FILLED_PART): "a fill may arrive while the cancel is under way",
    (X, Happening.FILLED): "a fill may beat its cancel",
    (X, Happening.CANCEL_REFUSED): "a venue may refuse a cancel",
    (MP, Happening.MODIFY_REFUSED): "a venue may refuse a modify",
    (MP, Happening.TRIGGERED): "a stop may trigger while its modify is under way",
    (MP, Happening.TRIGGERED_MODIFIED): "a stop may trigger while its second modify is under way",
    (MP, Happening.FILLED_PART): "a fill may arrive while the modify is under way",
    (MP, Happening.FILLED): "a fill may beat a modify",
    (MP, Happening.CANCEL_REQUESTED): "an exit may be decided while the entry's modify is under way",
    (MP, Happening.CANCELLED): "the sibling of a leg may close the bracket while the leg's modify is under way",
    (MP, Happening.COMPLETED): "a leg may close the bracket while its modify is under way",
    (MP, Happening.CLOSING): "a closing order never waits for a modify",
    (MC, Happening.CLOSING): "a stop that was triggered after a modify may be taken as the closing order",
    (X, Happening.TRIGGERED_MODIFIED): "a modified entry stop may trigger while its cancel is under way",
    (X, Happening.MODIFIED): "the answer to a modify may come after the cancel was asked for",
    (X, Happening.MODIFIED_STOP): "the answer to a modify may come after the cancel was asked for",
    (X, Happening.MODIFY_REFUSED): "the answer to a modify may come after the cancel was asked for",
    (P, Happening.LEG_REFUSED): "a venue may refuse a stop-loss",
    (C, Happening.LEG_REFUSED): "a venue may refuse the growth of a stop-loss in force",
    (T, Happening.LEG_REFUSED): "a venue may refuse the growth of a stop-loss",
    (MP, Happening.LEG_REFUSED): "a venue may refuse the growth of a stop-loss whose modify is under way",
    (MC, Happening.LEG_REFUSED): "a venue may refuse the growth of a stop-loss in force that was modified before",
    (C, Happening.REFUSED): "a venue may refuse the growth of a target",
    (MP, Happening.REFUSED): "a venue may refuse the growth of a target whose modify is under way",
    (MC, Happening.REFUSED): "a venue may refuse the growth of a target that was modified before",
    (MP, Happening.ACCEPTED): "the acknowledgement may come after the trigger and a modify",
    (MC, Happening.ACCEPTED): "the acknowledgement may come after the trigger and a modify",
    (X, Happening.COMPLETED): "a target whose cancel is under way may close the bracket",
}
"""Rows that a paper exchange without faults need not meet, each with the venue's behaviour that does."""


def test_a_terminal_status_has_no_way_out() -> None:
    """COMPLETE, CANCELLED and REJECTED are followed by nothing, whatever happens (3)."""
    assert not [pair for pair in TRANSITIONS if pair[0] in TERMINAL]
    for status, happening in product(TERMINAL, Happening):
        with pytest.raises(InvariantBroken):
            next_status(status, happening, Status.CONFIRMED)


def test_the_table_is_closed() -> None:
    """A pair in the table gives a status, every other pair stops the engine."""
    for status, happening in product(Status, Happening):
        if (status, happening) in TRANSITIONS:
            assert next_status(status, happening, Status.CONFIRMED) in Status
        else:
            with pytest.raises(InvariantBroken):
                next_status(status, happening, Status.CONFIRMED)


def test_a_fill_is_taken_in_every_status_that_is_not_terminal() -> None:
    """A fill may arrive in any non-terminal state, CANCEL_PENDING included, and a cancel may be asked for (2)."""
    for status in set(Status) - TERMINAL:
        assert next_status(status, Happening.FILLED_PART, status) is status
        assert next_status(status, Happening.FILLED, status) is Status.COMPLETE
        assert next_status(status, Happening.CANCELLED, status) is Status.CANCELLED


def test_only_a_refused_request_returns_to_the_status_before() -> None:
    """A refused cancel or modify returns to what was before it, for every status that can be cancelled or modified."""
    assert [pair for pair, following in TRANSITIONS.items() if following is None] == [
        (X, Happening.CANCEL_REFUSED),
        (MP, Happening.MODIFY_REFUSED),
    ]
    for before in (C, T, MC):
        assert next_status(before, Happening.MODIFY_REQUESTED, before) is MP
        assert next_status(MP, Happening.MODIFY_REFUSED, before) is before
    for before in (P, C, T):
        assert next_status(before, Happening.CANCEL_REQUESTED, before) is X
        assert next_status(X, Happening.CANCEL_REFUSED, before) is before


def test_every_status_is_reached_from_pending() -> None:
    """No status is an island: each one follows, by some way, from PENDING."""
    reached, more = {P}, True
    while more:
        found = {following for (status, _), following in TRANSITIONS.items() if status in reached and following}
        more = not found <= reached
        reached |= found
    assert reached == set(Status)


def test_every_row_of_the_table_is_met_or_justified(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a day on the paper exchange does not meet is what only another venue can bring about, and nothing else."""
    met: set[tuple[Status, Happening]] = set()

    def remembering(status: Status, happening: Happening, before: Status) -> Status:
        met.add((status, happening))
        return next_status(status, happening, before)

    for module in (evolving, changing, evolve_modify):
        monkeypatch.setattr(module, "next_status", remembering)
    a_day()
    assert met <= set(TRANSITIONS)
    assert set(TRANSITIONS) - met <= set(EXTERNAL)
    assert set(EXTERNAL) <= set(TRANSITIONS)


def a_day() -> None:
    """Every way of living and dying that the paper exchange has."""
    for side in Side:
        away = 1 if side is Side.BUY else -1
        for closing in ("TARGET", None):
            floor = Floor("A")
            entry = floor.place(side=side)
            floor.tick(456.95, 4, (), ())
            floor.tick(456.95, 3, (), ())
            floor.cancel(entry)
            if closing:
                floor.cancel(entry, closing)
            floor.tick(456.95 - 2 * away, 100, (), ())
            floor.tick(456.95 - 2 * away, 3)
            floor.tick(456.95 - 2 * away, 100)
        floor = Floor("A")
        target = floor.place(side=side)
        floor.tick(456.95, 10, (), ())
        floor.tick(456.95 + 3 * away, 100, (), ())
        assert floor.state.orders[target].status is Status.COMPLETE
        stop = floor.place(
            side=side, order_type=OrderType.SL, price=470 if away > 0 else 440, trigger=456.95 + 4 * away
        )
        floor.cancel(stop)
        for order_type in (OrderType.SL, OrderType.SLM):
            floor.tick(456.95, 1, (), ())
            stop = floor.place(
                side=side, order_type=order_type, price=457.95 if away > 0 else 455.95, trigger=456.95 + away
            )
            floor.tick(456.95 + away, 1_000)
            assert floor.state.orders[stop].status is Status.COMPLETE
        floor = Floor("A")
        floor.modify(floor.place(side=side, quantity=5), quantity=6)
        floor.tick(456.95, 6, (), ())
        for closing in (None, "TARGET"):
            floor = Floor("A")
            entry = floor.place(side=side, quantity=20)
            floor.modify(entry, quantity=12)
            floor.tick(456.95, 4, (), ())
            floor.modify(entry, quantity=14, t=4)
            made = floor.legs(entry)
            floor.modify(made[0].order_id, trigger=456.95 - 2 * away)
            floor.modify(made[1].order_id, price=456.95 + 3 * away)
            floor.modify(entry, price=456.95 - 0.05 * away)
            if closing:
                floor.tick(456.95 + 3 * away, 1, (), ())
                floor.tick(456.95 + 3 * away, 50, (), ())
            else:
                floor.cancel(entry)
                floor.tick(456.95 - 2 * away, 1)
                floor.tick(456.95 - 2 * away, 50)
            assert floor.state.positions[f"A {SBIN} MIS"].net == 0
        floor.tick(456.95, 0, levels((456.90, 3)), levels((457.00, 3)))
        floor.place(side=side, order_type=OrderType.MARKET, validity="IOC")


def reported(*reports: Report, order_type: OrderType = OrderType.LIMIT, trigger: float = 0) -> tuple[Floor, str]:
    """A bracket whose venue says these things, in this order, and nothing else."""
    floor = Floor("A")
    command = bracket(order_type=order_type, price=460, trigger=trigger)
    decision = decide(floor.state, command, INSTRUMENTS, Moment(floor.now_ns, floor.phase))
    for event in decision.events:
        evolve(floor.state, event)
    for report in reports:
        made = decide_report(floor.state, report, floor.now_ns)
        if made is not None:
            evolve(floor.state, made)
    return floor, decision.named_id


ENTRY = "20260921-2"


def test_an_acknowledgement_after_the_trigger_is_taken() -> None:
    """A venue that reports the trigger before the acknowledgement: the order is CONFIRMED and has its number."""
    floor, entry = reported(Triggered(ENTRY), Acknowledged(ENTRY, "X1", 1), order_type=OrderType.SL, trigger=458.0)
    row = floor.state.orders[entry]
    assert (row.status, row.exchange_order_id) == (Status.CONFIRMED, "X1")


def test_an_acknowledgement_after_a_fill_is_taken() -> None:
    """A venue that reports a partial fill before the acknowledgement: PENDING until it comes, then CONFIRMED."""
    floor, entry = reported(Filled(ENTRY, "T1", 45_695, 4, False))
    assert floor.state.orders[entry].status is Status.PENDING
    floor, entry = reported(Filled(ENTRY, "T1", 45_695, 4, False), Acknowledged(ENTRY, "X1", 1))
    assert floor.state.orders[entry].status is Status.CONFIRMED


def test_reports_after_the_end_change_nothing() -> None:
    """A rejected order takes no trigger, no second rejection and no refused cancel."""
    floor, entry = reported(Rejected(ENTRY, "no"))
    for late in (Triggered(ENTRY), Rejected(ENTRY, "no"), CancelDenied(ENTRY, "no")):
        assert decide_report(floor.state, late, floor.now_ns) is None
    assert floor.state.orders[entry].status is Status.REJECTED


def test_a_number_that_comes_after_the_refusal_is_the_orders() -> None:
    """An acknowledgement after the rejection gives the row its number, so that nobody else gets it; no more changes."""
    floor, entry = reported(Rejected(ENTRY, "no"), Acknowledged(ENTRY, "X1", 1))
    row = floor.state.orders[entry]
    assert (row.status, row.exchange_order_id, row.remaining) == (Status.REJECTED, "X1", 0)
    assert floor.state.acknowledged == 1


def test_a_report_counts_once() -> None:
    """A doubled acknowledgement, trigger or fill makes no second event."""
    said = (Acknowledged(ENTRY, "X1", 1), Triggered(ENTRY), Filled(ENTRY, "T1", 46_000, 4, False))
    floor, entry = reported(*said, order_type=OrderType.SL, trigger=458.0)
    assert [decide_report(floor.state, report, floor.now_ns) for report in said] == [None, None, None]
    assert floor.state.orders[entry].filled == 4
