"""Faults to plant, one at a time: each makes the server lie in one way, and the simulator must catch it.

A plant patches the product in the test's process only. What each breaks is told in its docstring, which is what
docs/proof.md prints.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any, cast

import apsw
import msgspec
import pytest

from bracketd.auth.gate import Gate
from bracketd.domain.commands import CancelOrder
from bracketd.domain.events import OrderCancelled, TradeBooked
from bracketd.domain.instructions import ClosePair, Filled, Instruction
from bracketd.domain.money import ceil_to_tick, floor_to_tick
from bracketd.domain.order import Side, Status
from bracketd.domain.outcomes import Cancelled, Outcome
from bracketd.engine import (
    cancel_table,
    cancelling,
    ending,
    evolve,
    instructing,
    margin,
    placing,
    pricing,
    protection,
    reporting,
    retrying,
)
from bracketd.engine.cancelling import Ticket
from bracketd.engine.exposure import exit_decided
from bracketd.engine.instructing import instruction_for
from bracketd.engine.state import State, encode_state
from bracketd.engine.trailing import trail
from bracketd.journal import schema
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Record
from bracketd.journal.reader import Reader
from bracketd.journal.writer import Writer
from bracketd.runtime import desk, kill_switch, recovery, step, venue_view
from bracketd.runtime.desk import Desk
from bracketd.runtime.rates import Act, Rates
from bracketd.runtime.streams import Streams
from bracketd.simulation.campaign import campaign
from bracketd.simulation.file_layer import _OnDisk
from bracketd.simulation.shrinking import kind_of
from bracketd.venue.paper import exchange
from bracketd.venue.paper.exchange import PaperExchange
from bracketd.venue.paper.matcher import Matcher
from bracketd.wire import parameters, replies
from bracketd.wire.form import read_form
from bracketd.wire.order_book import OrderBook
from bracketd.wire.order_rows import order_rows

Plant = Callable[[pytest.MonkeyPatch], None]


def exit_budget_not_shared(plant: pytest.MonkeyPatch) -> None:
    """What one leg trades stays in the other."""

    def take(state: State, bracket: Any, order: Any, event: TradeBooked) -> None:
        bracket.last_exit_id = order.order_id
        order.remaining -= event.quantity

    plant.setattr(evolve, "_take_from_legs", take)


def budget_not_shared_at_the_exchange(plant: pytest.MonkeyPatch) -> None:
    """At the exchange a fill of one leg takes nothing from the other."""
    fill = Matcher._fill

    def unlinked(self: Any, work: Any, price_paise: int, quantity: int, *, aggressive: bool) -> Any:
        report = fill(self, work, price_paise, quantity, aggressive=aggressive)
        if work.pair is not None:
            work.pair.remaining += quantity
        return report

    plant.setattr(Matcher, "_fill", unlinked)


def leg_not_grown(plant: pytest.MonkeyPatch) -> None:
    """The venue never hears that the legs have grown."""
    plant.setattr(instructing, "_adjust", lambda state, bracket, growth: None)


def reply_before_durable(plant: pytest.MonkeyPatch) -> None:
    """Replies go out without waiting for the disk."""

    async def at_once(self: Desk, seq: int) -> None:
        self._check_serving()

    plant.setattr(Desk, "_durable", at_once)
    plant.setattr(Desk, "when_durable", lambda self, told: True)


def frame_before_durable(plant: pytest.MonkeyPatch) -> None:
    """Websocket frames go out without waiting for the disk."""

    async def publish(self: Any) -> None:
        while self._undurable:
            self._push(self._undurable.popleft())
        self._publishing = None

    plant.setattr(Streams, "_publish", publish)


def terminal_resurrected(plant: pytest.MonkeyPatch) -> None:
    """An entry that was cancelled after a fill works again when one of its legs trades."""
    booked = evolve._BY_EVENT[TradeBooked]

    def resurrects(state: State, event: TradeBooked) -> None:
        booked(state, event)
        bracket = state.bracket_of(event.order_id)
        entry = state.orders[bracket.entry_id]
        if event.order_id != entry.order_id and entry.status is Status.CANCELLED:
            entry.status = Status.CONFIRMED

    plant.setitem(evolve._BY_EVENT, TradeBooked, resurrects)


def trailing_backwards(plant: pytest.MonkeyPatch) -> None:
    """A stop trails away from the market."""

    def backwards(state: State, bracket: Any, print_paise: int, now_ns: int) -> Any:
        move = trail(state, bracket, print_paise, now_ns)
        if move is None:
            return None
        trigger = 2 * state.orders[bracket.stop_id].trigger_paise - move.trigger_paise
        inside = max(bracket.lower_band_paise, min(bracket.upper_band_paise, trigger))
        return msgspec.structs.replace(move, trigger_paise=inside)

    plant.setattr(step, "trail", backwards)


def trailing_not_told(plant: pytest.MonkeyPatch) -> None:
    """The exchange never hears that a stop has trailed."""

    def wrong(state: State, event: Any, growth: int) -> Instruction | None:
        return None if type(event).__name__ == "StopTrailed" else instruction_for(state, event, growth)

    plant.setattr(step, "instruction_for", wrong)


def two_closing_orders(plant: pytest.MonkeyPatch) -> None:
    """An exit of a bracket that is being closed already asks for another closing order."""
    plant.setattr(cancel_table, "closing_under_way", lambda state, bracket: False)
    close_pair = PaperExchange._close_pair

    def again(self: Any, close: ClosePair) -> Iterator[Any]:
        pair = self._pairs.get(close.basket_id)
        if pair is not None and pair.remaining and pair.stop is not None and pair.target is None:
            pair.remaining *= 2
        return close_pair(self, close)

    plant.setitem(exchange._CARRY_OUT, ClosePair, again)


def closes_one_too_many(plant: pytest.MonkeyPatch) -> None:
    """The closing order is for a share more than is open."""
    close_pair = PaperExchange._close_pair

    def greedy(self: Any, close: ClosePair) -> Iterator[Any]:
        pair = self._pairs.get(close.basket_id)
        if pair is not None and pair.remaining:
            pair.remaining += 1
        return close_pair(self, close)

    plant.setitem(exchange._CARRY_OUT, ClosePair, greedy)


def priority_lost_on_restart(plant: pytest.MonkeyPatch) -> None:
    """After a restart the last in the queue is the first."""
    view_of = venue_view.view_of

    def mixed_up(state: State) -> Any:
        view = view_of(state)
        # The engine's own rows are not what is planted here.
        orders = sorted(map(copy, view.orders), key=lambda order: order.priority)
        priorities = [order.priority for order in reversed(orders)]
        for order, priority in zip(orders, priorities, strict=True):
            order.priority = priority
        return view._replace(orders=orders)

    plant.setattr(recovery, "view_of", mixed_up)


def rounded_away_from_the_entry(plant: pytest.MonkeyPatch) -> None:
    """Legs are rounded to the tick away from the entry."""

    def away(bracket: Any, value_paise: int, quantity: int) -> tuple[int, int]:
        tick = bracket.tick_paise
        profit, loss = bracket.target_offset_paise * quantity, bracket.stop_offset_paise * quantity
        if bracket.side is Side.BUY:
            target = ceil_to_tick(-((-value_paise - profit) // quantity), tick)
            return target, floor_to_tick((value_paise - loss) // quantity, tick)
        target = floor_to_tick((value_paise - profit) // quantity, tick)
        return target, ceil_to_tick(-((-value_paise - loss) // quantity), tick)

    plant.setattr(pricing, "leg_prices", away)


def foreign_order_cancelled(plant: pytest.MonkeyPatch) -> None:
    """A client can cancel another's order by its id."""
    plant.setattr(cancelling, "find_order", lambda state, client_id, text: state.orders.get(text))


def foreign_order_visible(plant: pytest.MonkeyPatch) -> None:
    """The order book shows everybody's working orders."""

    def everybodys(self: OrderBook, client_id: str, terminal: bool) -> replies.Reply:
        at = self._desk
        rows = order_rows(at.state, at.instruments, at.state.orders.values(), terminal)
        return replies.success("", {"orders": rows})

    plant.setattr(OrderBook, "whole", everybodys)


def order_book_lags(plant: pytest.MonkeyPatch) -> None:
    """Every second look at the order book is answered with what was shown the time before."""
    whole = OrderBook.whole

    def lagging(self: OrderBook, client_id: str, terminal: bool) -> replies.Reply:
        kept = self.__dict__.setdefault("kept", {})
        if (client_id, terminal) in kept:
            last: replies.Reply = kept.pop((client_id, terminal))
            return last
        kept[client_id, terminal] = whole(self, client_id, terminal)
        shown: replies.Reply = kept[client_id, terminal]
        return shown

    plant.setattr(OrderBook, "whole", lagging)


def cancels_count_as_orders(plant: pytest.MonkeyPatch) -> None:
    """Cancels pay from the bucket of the orders."""
    taker = Rates.taker

    def from_one_bucket(self: Rates, act: Act) -> Callable[[str, int], int]:
        return taker(self, Act.ORDER)

    plant.setattr(Rates, "taker", from_one_bucket)


def report_booked_twice(plant: pytest.MonkeyPatch) -> None:
    """A fill that the venue reports twice is booked twice."""
    filled = reporting._BY_ORDER[Filled]

    def forgetful(state: State, order: Any, report: Filled, now_ns: int) -> Any:
        if report.trade_id in state.trades:
            again = f"{report.trade_id}-again"
            return TradeBooked(now_ns, report.order_id, again, report.price_paise, report.quantity, False)
        return filled(state, order, report, now_ns)

    plant.setitem(reporting._BY_ORDER, Filled, forgetful)


def margin_not_returned(plant: pytest.MonkeyPatch) -> None:
    """A cancelled entry keeps blocking what it blocked."""
    blocked = margin.blocked_paise

    def sticky(reference_paise: int, quantity: int, cost_paise: int, leverage: int) -> int:
        return blocked(reference_paise, quantity or 1, cost_paise, leverage)

    plant.setattr(margin, "blocked_paise", sticky)


def square_off_missed(plant: pytest.MonkeyPatch) -> None:
    """At square-off nothing is asked to close."""
    exit_due = protection._exit_due

    def asked_for(state: State, bracket: Any, *rest: Any) -> Any:
        return None if bracket.exit.name == "NONE" else exit_due(state, bracket, *rest)

    plant.setattr(protection, "_exit_due", asked_for)


def nothing_ends_with_the_session(plant: pytest.MonkeyPatch) -> None:
    """After the session's end orders go on working."""
    plant.setattr(ending, "_over_due", protection.flag_due)


def entry_outlives_its_exit(plant: pytest.MonkeyPatch) -> None:
    """The first exit fill leaves the entry's remainder where it is."""

    def only_by_hand(state: State, bracket: Any) -> bool:
        return bracket.exit.name != "NONE" and exit_decided(state, bracket)

    plant.setattr(protection, "entry_must_go", only_by_hand)
    plant.setattr(retrying, "entry_must_go", only_by_hand)


def no_rescue(plant: pytest.MonkeyPatch) -> None:
    """Shares that came after their entry's end are nobody's."""
    plant.setattr(protection, "unclaimed", lambda state, bracket: 0)
    plant.setattr(retrying, "unclaimed", lambda state, bracket: 0)


def refused_stop_forgotten(plant: pytest.MonkeyPatch) -> None:
    """A stop-loss that the venue refused is not sent again."""
    plant.setattr(protection, "_unasked_closing_due", lambda *situation: None)
    plant.setattr(retrying, "EACH_SECOND", ())
    plant.setattr(step, "EACH_SECOND", ())
    plant.setattr(step, "EACH_PRINT", ())


def stale_token_accepted(plant: pytest.MonkeyPatch) -> None:
    """A token that was let in once is let in for ever, logged out or rotated."""
    plant.setattr(Gate, "recheck", lambda self, claims, now_ns: None)


def websocket_outlives_its_token(plant: pytest.MonkeyPatch) -> None:
    """Open websockets are never looked at again."""
    plant.setattr(Streams, "check_tokens", lambda self: None)


def snapshot_one_event_short(plant: pytest.MonkeyPatch) -> None:
    """A snapshot lacks the last step that it says it stands for."""
    put_snapshot = Writer.put_snapshot

    def short(self: Any, lease: Any, seq: int, body: bytes) -> None:
        rows = self._connection.execute("SELECT seq, epoch, body FROM event WHERE seq < ? ORDER BY seq", (seq,))
        earlier = recovery.replay(Record(*row) for row in rows)
        put_snapshot(self, lease, seq, encode_state(earlier))

    plant.setattr(Writer, "put_snapshot", short)


def sequence_hole_tolerated(plant: pytest.MonkeyPatch) -> None:
    """A record of a group never gets on the disk, and neither the writer nor the reader minds the hole."""
    append = Writer.append

    def lossy(self: Any, lease: Any, expected_seq: int, bodies: Sequence[bytes]) -> int:
        last_seq = append(self, lease, expected_seq, bodies)
        if len(bodies) > 1:
            self._connection.execute("DELETE FROM event WHERE seq = ?", (expected_seq + 1,))
        return last_seq

    def lenient(self: Any, page: list[Record], after_seq: int, epoch: int, digest: bytes, most: int) -> Any:
        sql = "SELECT seq, epoch, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        page += [Record(*row) for row in self.connection.execute(sql, (after_seq, most))]
        return epoch, digest

    plant.setattr(Writer, "append", lossy)
    plant.setattr(Reader, "_fill", lenient)


def failed_sync_taken_for_done(plant: pytest.MonkeyPatch) -> None:
    """A sync that failed counts as one that succeeded."""
    append = Writer.append

    def brave(self: Any, lease: Any, expected_seq: int, bodies: Sequence[bytes]) -> int:
        try:
            return append(self, lease, expected_seq, bodies)
        except apsw.IOError:
            return expected_seq + len(bodies)

    plant.setattr(Writer, "append", brave)


def log_not_synced(plant: pytest.MonkeyPatch) -> None:
    """The journal's log is synced when it is copied, and not at each append."""
    settings = tuple(each.replace("FULL", "NORMAL") for each in schema._SETTINGS)
    plant.setattr(schema, "_SETTINGS", settings)
    plant.setattr(schema, "_require_setting", lambda connection, name, wanted: None)


def cache_taken_for_disk(plant: pytest.MonkeyPatch) -> None:
    """A restart trusts what a killed process left in the machine's cache: nothing is synced before it is shown."""
    prepare = schema._prepare

    class Unsynced:
        """The connection, without its copying of the log."""

        def __init__(self, connection: apsw.Connection) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

        def __enter__(self) -> Any:
            return self._connection.__enter__()

        def __exit__(self, *fault: Any) -> Any:
            return self._connection.__exit__(*fault)

        def wal_checkpoint(self, **how: Any) -> None:
            """Nothing."""

    plant.setattr(schema, "write_again", lambda log, vfs: None)
    plant.setattr(
        schema, "_prepare", lambda connection, created_ns: prepare(cast(Any, Unsynced(connection)), created_ns)
    )


def sync_tried_again(plant: pytest.MonkeyPatch) -> None:
    """A sync that failed is asked for again at once, and the second answer is believed."""
    sync = _OnDisk.xSync

    def stubborn(self: Any, flags: int) -> None:
        try:
            sync(self, flags)
        except apsw.IOError:
            sync(self, flags)

    plant.setattr(_OnDisk, "xSync", stubborn)


def log_not_written_again(plant: pytest.MonkeyPatch) -> None:
    """A restart copies the log as the machine's cache shows it, which it may forget meanwhile (a fault of before)."""
    plant.setattr(schema, "write_again", lambda log, vfs: None)


def letters_lost_in_a_crash(plant: pytest.MonkeyPatch) -> None:
    """What was under way when the process died is forgotten by the exchange."""

    def without_letters(state: State) -> venue_view.VenueView:
        post, state.post = state.post, {}
        try:
            return venue_view.view_of(state)
        finally:
            state.post = post

    plant.setattr(recovery, "view_of", without_letters)


def success_before_the_end(plant: pytest.MonkeyPatch) -> None:
    """An exit is called done as soon as it is asked for."""
    outcome_of = cancelling.outcome_of

    def hasty(state: State, ticket: Ticket) -> Outcome | None:
        return Cancelled(ticket.order_id) if ticket.closes else outcome_of(state, ticket)

    plant.setattr(desk, "outcome_of", hasty)
    plant.setattr("bracketd.simulation.watched_desk.outcome_of", hasty)


def key_forgotten(plant: pytest.MonkeyPatch) -> None:
    """An idempotency key is not remembered: the retry places a second bracket."""
    plant.setattr(placing, "repeated", lambda state, command, now_ns: None)


def form_loses_the_leg(plant: pytest.MonkeyPatch) -> None:
    """A form body loses the field that says which leg is meant."""

    def forgetful(document: bytes) -> Any:
        return {name: value for name, value in read_form(document).items() if name != "leg_order_indicator"}

    plant.setattr(parameters, "read_form", forgetful)
    # What was read before is not recalled, and what is read now is forgotten with the plant.
    plant.setattr(parameters, "_recall", parameters._recall.__wrapped__)


def refusal_leaves_a_trace(plant: pytest.MonkeyPatch) -> None:
    """A cancel that is refused as too late marks the order all the same."""
    decide_cancel = cancelling.decide_cancel

    def marking(state: State, command: CancelOrder, now_ns: int, session_over: bool) -> Any:
        decision = decide_cancel(state, command, now_ns, session_over)
        if getattr(decision.outcome, "reason", "") == "TOO_LATE":
            order = state.orders[command.ids[0]]
            if order.status is Status.COMPLETE:
                event = OrderCancelled(now_ns, order.order_id, "")
                return msgspec.structs.replace(decision, events=(event,))
        return decision

    plant.setattr("bracketd.engine.deciding.decide_cancel", marking)


def group_forgets_its_last(plant: pytest.MonkeyPatch) -> None:
    """The watermark moves to the end of what was submitted, not of what was written."""
    advance = GroupCommit._advance

    def ahead(self: Any, seq: int, batch_bytes: int) -> None:
        advance(self, seq, batch_bytes)
        waiters = self._waiters
        while waiters:
            waiters.popleft()[1](None)

    plant.setattr(GroupCommit, "_advance", ahead)


def kill_switch_leaves_exceptions(plant: pytest.MonkeyPatch) -> None:
    """A kill switch that a failing disk ends leaves exceptions that nobody hears (a fault that this product had)."""
    plant.setattr(kill_switch, "_heard", lambda task: None)


SEEDS_TO_FIND = 400
"""Within so many seeds, counted from 0, each of these is found."""

PLANTS: tuple[Plant, ...] = (
    exit_budget_not_shared,
    budget_not_shared_at_the_exchange,
    leg_not_grown,
    reply_before_durable,
    frame_before_durable,
    group_forgets_its_last,
    terminal_resurrected,
    trailing_backwards,
    trailing_not_told,
    two_closing_orders,
    closes_one_too_many,
    priority_lost_on_restart,
    rounded_away_from_the_entry,
    foreign_order_cancelled,
    foreign_order_visible,
    order_book_lags,
    cancels_count_as_orders,
    report_booked_twice,
    margin_not_returned,
    square_off_missed,
    nothing_ends_with_the_session,
    entry_outlives_its_exit,
    no_rescue,
    refused_stop_forgotten,
    stale_token_accepted,
    websocket_outlives_its_token,
    snapshot_one_event_short,
    sequence_hole_tolerated,
    failed_sync_taken_for_done,
    log_not_synced,
    cache_taken_for_disk,
    sync_tried_again,
    log_not_written_again,
    letters_lost_in_a_crash,
    success_before_the_end,
    key_forgotten,
    form_loses_the_leg,
    refusal_leaves_a_trace,
    kill_switch_leaves_exceptions,
)


def seeds_to_find(plant: Plant, limit: int = SEEDS_TO_FIND) -> tuple[int, str]:
    """(how many seeds it takes to catch a planted fault, what it is caught by); (0, "") where it is not."""
    with pytest.MonkeyPatch.context() as context:
        plant(context)
        tally, caught = campaign(range(limit))
    return (0, "") if caught is None else (tally.seeds, kind_of(caught.account.lie))
