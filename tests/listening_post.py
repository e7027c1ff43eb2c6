"""A listening post: a desk with its streams, a disk that waits for the test's word, and somebody who keeps count."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.trading_floor import INSTRUMENTS, START_NS, bracket

from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import Claims
from bracketd.domain.commands import CancelOrder
from bracketd.domain.instrument import Tick
from bracketd.domain.order import TERMINAL, Side
from bracketd.domain.outcomes import Outcome, Placed
from bracketd.engine.state import State
from bracketd.journal.group import GroupCommit
from bracketd.journal.protocol import Lease, Record, Snapshot
from bracketd.journal.protocol import Unknown as UnknownAppend
from bracketd.market.calendar import AlwaysOpen
from bracketd.market.quotes import Quotes
from bracketd.runtime.desk import Desk
from bracketd.runtime.listener import Listener
from bracketd.runtime.recovery import replay, resume_paper
from bracketd.runtime.streams import StreamLimits, Streams
from bracketd.wire.amounts import JSON
from bracketd.wire.frames import Rendering
from bracketd.wire.order_rows import order_rows
from bracketd.wire.trade_book import trade_rows


class GatedJournal:
    """A journal in memory whose appends wait while `gate` is closed, and fail once `broken`."""

    def __init__(self, bodies: Sequence[bytes] = ()) -> None:
        self.bodies = list(bodies)
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False

    async def append(self, lease: Lease, expected_seq: int, bodies: Sequence[bytes]) -> int:
        """Keep the bodies once the gate is open."""
        await self.gate.wait()
        if self.broken:
            raise UnknownAppend("the disk said no")
        assert expected_seq == len(self.bodies)
        self.bodies.extend(bodies)
        return len(self.bodies)

    async def acquire(self, owner: str, ttl_s: float, address: str = "") -> Lease | None:
        """Not needed here."""
        raise NotImplementedError

    async def renew(self, lease: Lease, ttl_s: float) -> Lease:
        """Not needed here."""
        raise NotImplementedError

    async def release(self, lease: Lease) -> None:
        """Not needed here."""

    def read(self, after_seq: int) -> AsyncIterator[Record]:
        """Not needed here."""
        raise NotImplementedError

    async def put_snapshot(self, lease: Lease, seq: int, body: bytes) -> None:
        """Not needed here."""

    async def get_snapshot(self) -> Snapshot | None:
        """Not needed here."""
        return None

    async def close(self) -> None:
        """Nothing to close."""


class HandClock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.ns = START_NS

    def now_ns(self) -> int:
        """The moment that the test has set."""
        return self.ns


class HandGate:
    """Lets the tokens "of A" and "of B" in until the test takes one out, and until a moment if it sets one."""

    def __init__(self) -> None:
        self.clients = {f"of {client}": client for client in "AB"}
        self.ends_ns = START_NS + 10**18
        self.fault: Exception | None = None

    def admit(self, token: str | None, now_ns: int) -> Claims:
        """The claims of a token that is good."""
        if self.fault is not None:
            raise self.fault
        if token not in self.clients or now_ns >= self.ends_ns:
            raise Unauthorised(Refusal.REVOKED)
        client = self.clients[token]
        return Claims(f"{client}:k", client, "t", "web", 10**12)


class Post:
    """A desk over a gated journal and the streams that hang on it; `restart` goes on from what is durable."""

    def __init__(
        self, bodies: Sequence[bytes] = (), limits: StreamLimits | None = None, rendering: Rendering | None = None
    ) -> None:
        self.journal = GatedJournal(bodies)
        self.clock = HandClock()
        self.gate = HandGate()
        state = replay([Record(seq, 1, body) for seq, body in enumerate(bodies, 1)]) if bodies else State()
        self.desk = Desk(
            state=state,
            venue=resume_paper(state, INSTRUMENTS),
            instruments=INSTRUMENTS,
            commit=GroupCommit(self.journal, Lease("test", 1, len(self.journal.bodies))),
            clock=self.clock,
            sessions=AlwaysOpen(),
            account_terms=lambda client: (10**11, 5) if client in {"A", "B"} else None,
            venue_wait_s=0.05,
        )
        self.streams = Streams(
            self.desk,
            self.gate,  # type: ignore[arg-type]
            rendering or Rendering(INSTRUMENTS),
            Quotes(INSTRUMENTS.values()),
            limits,
        )

    def restart(self) -> "Post":
        """Lose the process and keep the disk."""
        return Post(self.journal.bodies)

    def listener(self, client: str = "A", *, updates: bool = True) -> Listener:
        """Somebody of that client who listens."""
        listener = self.streams.join(client, f"of {client}")
        assert listener is not None
        if updates:
            self.streams.subscribe_updates(listener)
        return listener

    async def place(self, client: str = "A", side: Side = Side.BUY, quantity: int = 10, **fields: object) -> str:
        """Place a bracket that must be taken; returns its entry's id."""
        await self.desk.ensure_account(client)
        outcome = await self.desk.execute(bracket(client, side, quantity, **fields))
        assert isinstance(outcome, Placed), outcome
        return outcome.order_id

    async def cancel(self, order_id: str, leg: str | None = None, client: str = "A") -> Outcome:
        """Cancel, by the entry's id or a leg's."""
        return await self.desk.execute(CancelOrder(client_id=client, ids=(order_id,), leg=leg))

    async def print(self, paise: int, quantity: int = 1_000) -> None:
        """One print of SBIN, pushed by hand."""
        await self.desk.push_tick(Tick("NSE:3045", paise, quantity))

    def book(self, client: str) -> dict[str, dict[str, Any]]:
        """The order book as REST shows it now."""
        return book_of(self.desk.state, client)

    def trades(self, client: str) -> dict[str, dict[str, Any]]:
        """The trade book as REST shows it now."""
        return trades_of(self.desk.state, client)


def book_of(state: State, client: str) -> dict[str, dict[str, Any]]:
    """The order book as REST shows it, working rows and finished ones, by id."""
    mine = [order for order in state.orders.values() if order.client_id == client]
    made = [row for terminal in (False, True) for row in order_rows(state, INSTRUMENTS, mine, terminal)]
    rows: list[dict[str, Any]] = json.loads(JSON.encode(made))
    return {row["oms_order_id"]: row for row in rows}


def trades_of(state: State, client: str) -> dict[str, dict[str, Any]]:
    """The trade book as REST shows it, by number: of each row what a frame has of it."""
    mine = [trade for trade in state.trades.values() if state.orders[trade.order_id].client_id == client]
    rows: list[dict[str, Any]] = json.loads(JSON.encode(list(trade_rows(state, INSTRUMENTS, mine, {}))))
    return {row["trade_number"]: {name: row[name] for name in TRADE_FIELDS} for row in rows}


TRADE_FIELDS = (
    "client_id",
    "exchange",
    "exchange_order_id",
    "exchange_time",
    "filled_quantity",
    "instrument_token",
    "login_id",
    "oms_order_id",
    "order_side",
    "product",
    "trade_number",
    "trade_price",
    "trade_quantity",
    "trade_time",
    "trading_symbol",
)
"""What a trade frame and a row of the trade book share: all of the frame but its second name for the number."""

ONLY_IN_FRAMES = {"nnfid", "lotsize", "transaction_type", "nest_request_id"}
ONLY_IN_ROWS = {"contract_description": {}, "tags": [], "rejection_code": 0}
OVER = {status.value for status in TERMINAL}


class Folder:
    """Folds frames into an order book and a trade book, from what REST said when it subscribed."""

    def __init__(self, book: dict[str, dict[str, Any]], trades: dict[str, dict[str, Any]]) -> None:
        self.book = dict(book)
        self.trades = dict(trades)
        self.frames: list[tuple[int, dict[str, Any]]] = []

    def take(self, frame: bytes) -> None:
        """One order or trade frame; a trade must not come twice, nor a row that says nothing new."""
        mode, fields = frame[0], json.loads(frame[5:])
        self.frames.append((mode, fields))
        if mode == 51:
            number = fields["trade_id"]
            assert number not in self.trades
            self.trades[number] = {name: value for name, value in fields.items() if name != "trade_id"}
        else:
            assert mode == 50
            row = {name: value for name, value in fields.items() if name not in ONLY_IN_FRAMES} | ONLY_IN_ROWS
            old = self.book.get(row["oms_order_id"])
            assert old != row
            assert old is None or old["last_activity_reference"] <= row["last_activity_reference"], "a later row wins"
            self.book[row["oms_order_id"]] = row
            for trade in self.trades.values():
                if trade["oms_order_id"] == row["oms_order_id"]:
                    # A fill may be told before the exchange's acknowledgement, which brings the number.
                    assert trade["exchange_order_id"] in ("", row["exchange_order_id"])
                    trade["exchange_order_id"] = row["exchange_order_id"]

    def begin_day(self, book: dict[str, dict[str, Any]], trades: dict[str, dict[str, Any]]) -> None:
        """A trading day has begun: what REST shows no more is dropped, and must have been over."""
        for order_id in self.book.keys() - book.keys():
            assert self.book.pop(order_id)["order_status"] in OVER
        self.trades = {number: trade for number, trade in self.trades.items() if trade["oms_order_id"] in self.book}
        assert self.trades.keys() == trades.keys()


def waiting(listener: Listener) -> list[bytes]:
    """Take all frames that wait to be sent to a listener now."""
    frames = []
    while listener._backlog:
        frame = listener._backlog.popleft()
        listener._backlog_bytes -= len(frame)
        frames.append(frame)
    return frames


async def settle() -> None:
    """Let every task that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)
