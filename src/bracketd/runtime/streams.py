"""Streams: what happens goes to those who listen, in order, once it is on disk, and nobody waits for anybody.

The desk tells of every step when it hands it to the journal. What the step made of a client's orders is rendered at
that moment, because the state moves on, and pushed when the journal's watermark has passed the step. A step is one
push: its trades in the order of their happening, then each row that it changed, once, as the step left it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import apsw

from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.auth.gate import Gate
from bracketd.auth.refusal import Unauthorised
from bracketd.domain.events import AnyEvent, DayBegun, TradeBooked, decode_step
from bracketd.domain.instrument import Tick
from bracketd.domain.order import Order, Trade
from bracketd.engine.state import State
from bracketd.market.quotes import Quote, Quotes
from bracketd.runtime.audience import Audience, OrderRenderer
from bracketd.runtime.desk import Desk, NotServing
from bracketd.runtime.listener import (
    DISK_BEHIND,
    INTERNAL,
    NOT_SERVING,
    TOO_LONG_AGO,
    UNAUTHORISED,
    Ending,
    Listener,
    QuoteKey,
    Records,
)

_log = logging.getLogger(__name__)

TOKEN_CHECK_S: Final = 0.5
"""So often the tokens of all open connections are looked at again: a revoked one is cut off within a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """Bounds on everything that a listener can make grow."""

    connections: int = 1_000
    """Open connections of all clients together."""

    connections_per_client: int = 20
    """Open connections of one client."""

    subscriptions: int = 1_000
    """Quotes that one connection is subscribed to, each instrument in each layout counted."""

    backlog_bytes: int = 8 * 1024 * 1024
    """Frames of one connection that wait to be sent. One print may change thousands of a client's rows at once."""

    undurable_bytes: int = 64 * 1024 * 1024
    """Frames of all clients together that wait for the disk."""


RESUMED_RECORDS_MAX: Final = 100_000
"""Whoever missed more than this is closed, and asks for the order book instead."""


class Renderer(OrderRenderer, Protocol):
    """How the wire words what is pushed; handed in, since runtime does not know the wire."""

    def trade(self, state: State, trade: Trade) -> bytes:
        """The frame of a trade."""

    def quote(self, mode: int, instrument: str, quote: Quote) -> bytes:
        """The frame of a quote in the layout of that mode."""


class _Undurable(NamedTuple):
    """What one step made, client by client, until the journal has passed `seq`."""

    seq: int
    frames: dict[str, list[bytes]]
    size: int


class Streams:
    """The hub between one desk and all listeners, on the desk's event loop.

    It hangs itself on the desk and starts its tasks when they are needed; a fault of its own ends connections and
    never a step.
    """

    def __init__(
        self, desk: Desk, gate: Gate, renderer: Renderer, quotes: Quotes, limits: StreamLimits | None = None
    ) -> None:
        self.limits = limits or StreamLimits()
        self._desk = desk
        self._gate = gate
        self._renderer = renderer
        self._quotes = quotes
        self._listeners: dict[Listener, None] = {}
        self._audiences: dict[str, Audience] = {}
        self._watchers: dict[str, dict[int, dict[Listener, None]]] = {}
        self._undurable: deque[_Undurable] = deque()
        self._undurable_bytes = 0
        self._publishing: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None
        for instrument, market in desk.state.markets.items():
            quotes.resume(instrument, market.print_paise, market.bids, market.asks)
        desk.on_step.append(self.stepped)
        desk.on_tick.append(self.ticked)

    # Who listens

    def __len__(self) -> int:
        """How many listeners there are."""
        return len(self._listeners)

    def join(self, client_id: str, token: str, *, numbered: bool = False) -> Listener | None:
        """A new listener of a client that was let in with that token; None where it would be one too many."""
        of_client = sum(listener.client_id == client_id for listener in self._listeners)
        if len(self._listeners) >= self.limits.connections or of_client >= self.limits.connections_per_client:
            return None
        listener = Listener(client_id, token, self.limits.backlog_bytes, numbered=numbered)
        self._listeners[listener] = None
        if self._checking is None:
            self._checking = asyncio.get_running_loop().create_task(self._check_on())
        return listener

    def leave(self, listener: Listener) -> None:
        """The connection is gone; a listener that has left already may leave again."""
        self.unsubscribe_updates(listener)
        self.unsubscribe_quotes(listener, tuple(listener.quotes))
        self._listeners.pop(listener, None)
        if not self._listeners and self._checking is not None:
            self._checking.cancel()
            self._checking = None

    def subscribe_updates(self, listener: Listener) -> None:
        """Push the client's order and trade updates from the next step on."""
        listener.updates = True
        audience = self._audiences.get(listener.client_id)
        if audience is None:
            audience = Audience(self._desk, self._renderer, listener.client_id)
            self._audiences[listener.client_id] = audience
        audience.listeners[listener] = None
        if listener.numbered:
            listener.push_step(self._desk.commit.durable_seq, [])

    async def resume_updates(self, listener: Listener, after_seq: int, records: Records) -> None:
        """Push what the client's orders have come to since record `after_seq`, then what happens from here on.

        Every trade is told, in its order, and each row that changed, once, as it stands now. `records` reads the
        journal after a sequence. The listener has held what it was pushed since it subscribed.
        """
        state, desk, touched = self._desk.state, self._desk, dict[str, Order]()
        known_seq = desk.commit.submitted_seq
        if known_seq - after_seq > RESUMED_RECORDS_MAX:
            listener.end(TOO_LONG_AGO)
            return
        await desk.durable(known_seq)
        trades: list[bytes] = []
        async for record in records(after_seq):
            if record.seq > known_seq:
                break
            for event in decode_step(record.body):
                for order in _rows(state, event):
                    if order.client_id == listener.client_id:
                        touched[order.order_id] = order
                if isinstance(event, TradeBooked) and event.order_id in touched and event.trade_id in state.trades:
                    trades.append(self._renderer.trade(state, state.trades[event.trade_id]))
        rows = [self._renderer.order(state, order) for order in touched.values() if order.order_id in state.orders]
        now_seq = desk.commit.submitted_seq
        await desk.durable(now_seq)
        while self._undurable and self._undurable[0].seq <= now_seq:  # noqa: ASYNC110  One round of the loop at most.
            # Those steps are on disk, and are held in a moment: a row must not be told as it was before.
            await asyncio.sleep(0)
        held, listener.held = listener.held or [], None
        listener.push_step(known_seq, trades)
        for seq, frames in held:
            listener.push_step(seq, frames)
        listener.push_step(max(known_seq, now_seq), rows)

    def unsubscribe_updates(self, listener: Listener) -> None:
        """Push no more updates."""
        listener.updates = False
        audience = self._audiences.get(listener.client_id)
        if audience is not None:
            audience.listeners.pop(listener, None)
            if not audience.listeners:
                audience.close()
                del self._audiences[listener.client_id]

    def subscribe_quotes(self, listener: Listener, keys: Iterable[QuoteKey]) -> bool:
        """Push these quotes at every tick; False, with nothing changed, where they would be too many.

        `push_quotes` sends how they stand now.
        """
        wanted = listener.quotes | dict.fromkeys(keys)
        if len(wanted) > self.limits.subscriptions:
            return False
        listener.quotes = wanted
        for mode, instrument in wanted:
            self._watchers.setdefault(instrument, {}).setdefault(mode, {})[listener] = None
        return True

    def push_quotes(self, listener: Listener, keys: Iterable[QuoteKey]) -> None:
        """Push the present quotes to one listener."""
        for mode, instrument in keys:
            listener.push(self._renderer.quote(mode, instrument, self._quotes.of(instrument)))

    def unsubscribe_quotes(self, listener: Listener, keys: Iterable[QuoteKey]) -> None:
        """Push these no more; a quote that was not subscribed to is no fault."""
        for mode, instrument in keys:
            listener.quotes.pop((mode, instrument), None)
            layouts = self._watchers.get(instrument, {})
            layouts.get(mode, {}).pop(listener, None)
            if not layouts.get(mode):
                layouts.pop(mode, None)
            if not layouts:
                self._watchers.pop(instrument, None)

    # What happens

    def ticked(self, tick: Tick) -> None:
        """A tick came in: quotes go out at once. They say nothing of any order, so no disk is waited for."""
        try:
            quote = self._quotes.take(tick, self._desk.now_ns())
            if quote is None:
                return
            for mode, watchers in self._watchers.get(tick.instrument, {}).items():
                frame = self._renderer.quote(mode, tick.instrument, quote)
                for listener in watchers:
                    listener.push(frame)
        except Exception:  # noqa: BLE001 (whatever is wrong with a stream, it must not fail the tick)
            self._fault()

    def stepped(self, seq: int, events: list[AnyEvent]) -> None:
        """A step was handed to the journal as record `seq`: render now what it changed, push it when it is durable."""
        if not self._audiences:
            return
        try:
            made = self._render(events)
        except Exception:  # noqa: BLE001 (the step is decided and stands, whatever is wrong with a stream)
            self._fault()
            return
        if not made:
            return
        size = sum(len(frame) for frames in made.values() for frame in frames)
        self._undurable.append(_Undurable(seq, made, size))
        self._undurable_bytes += size
        if self._undurable_bytes > self.limits.undurable_bytes:
            self._drop_undurable(DISK_BEHIND)
        elif self._publishing is None:
            self._publishing = asyncio.get_running_loop().create_task(self._publish())

    def _render(self, events: list[AnyEvent]) -> dict[str, list[bytes]]:
        """The frames of a step, client by client: its trades, then the rows that it changed."""
        state = self._desk.state
        made: dict[str, list[bytes]] = {}
        touched: dict[str, Order] = {}
        for event in events:
            for order in _rows(state, event):
                if order.client_id in self._audiences:
                    touched[order.order_id] = order
            if isinstance(event, DayBegun):
                for audience in self._audiences.values():
                    audience.forget_what_is_over()
            elif isinstance(event, TradeBooked) and event.order_id in touched:
                frame = self._renderer.trade(state, state.trades[event.trade_id])
                made.setdefault(touched[event.order_id].client_id, []).append(frame)
        for order in touched.values():
            frame = self._renderer.order(state, order)
            if self._audiences[order.client_id].differs(order.order_id, frame):
                made.setdefault(order.client_id, []).append(frame)
        return made

    async def _publish(self) -> None:
        """Push step after step, each as soon as it is durable, until none waits."""
        try:
            while self._undurable:
                await self._desk.durable(self._undurable[0].seq)
                if self._undurable:
                    self._push(self._undurable.popleft())
        except NotServing:
            self._drop_undurable(NOT_SERVING)
        finally:
            self._publishing = None

    def _push(self, step: _Undurable) -> None:
        self._undurable_bytes -= step.size
        for client_id, frames in step.frames.items():
            audience = self._audiences.get(client_id)
            for listener in audience.listeners if audience is not None else ():
                listener.push_step(step.seq, frames)

    def _drop_undurable(self, ending: Ending) -> None:
        """Forget what waits for the disk, and end those who would miss it: a stream with a hole is worse than none."""
        self._undurable.clear()
        self._undurable_bytes = 0
        for listener in self._listeners:
            if listener.updates:
                listener.end(ending)

    def _fault(self, ending: Ending = INTERNAL) -> None:
        """A fault of ours: whoever listens has a hole in what he heard."""
        _log.exception("a stream failed")
        for listener in self._listeners:
            listener.end(ending)

    def check_tokens(self) -> None:
        """End every connection whose token has expired, was logged out or rotated, or whose client was disabled."""
        now_ns = self._desk.now_ns()
        for listener in self._listeners:
            try:
                self._gate.admit(listener.token, now_ns)
            except Unauthorised as refused:
                _log.info("websocket of %s closed: %s", listener.client_id, refused)
                listener.end(UNAUTHORISED)
            except (ClientsUnavailable, apsw.Error) as fault:
                # Whether the token is still good cannot be read, so it is not taken for good.
                self._fault(NOT_SERVING if isinstance(fault, ClientsUnavailable) else INTERNAL)
                return

    async def _check_on(self) -> None:
        while True:
            await asyncio.sleep(TOKEN_CHECK_S)
            self.check_tokens()


def _rows(state: State, event: AnyEvent) -> list[Order]:
    """The rows that an event may have changed: all of its bracket's. None for one that is about no order.

    The event is asked for its fields and not for its kind: a kind that is new reaches the stream without being listed.
    """
    basket_id: str = getattr(event, "basket_id", "")
    if basket_id in state.brackets:
        return state.rows_of(state.brackets[basket_id])
    order = state.orders.get(getattr(event, "order_id", ""))
    return state.rows_of(state.brackets[order.basket_id]) if order is not None else []
