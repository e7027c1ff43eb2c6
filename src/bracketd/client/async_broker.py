"""The broker and its brackets, with asyncio; tools/async_client.py writes this from broker.py."""

import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from bracketd.client.bracket import Standing
from bracketd.client.connection import AsyncConnection, OpenAsyncFeed
from bracketd.client.dialogue import Dialogue
from bracketd.client.errors import BrokerError
from bracketd.client.login import login
from bracketd.client.orders import Changes, Instrument, bracket_order, entry_changes, exact
from bracketd.client.prices import Price
from bracketd.client.rows import Funds, Moment, Order, Position, Result, Trade
from bracketd.client.updates import Update, watch

ATTEMPTS = 4
TIMEOUT_S = 10.0


class AsyncBroker:
    """One client at one broker of the PaceTrader family.

    `url` is the broker's address, `token` what a login gave, `client_id` the trading account. A request is given up
    after `timeout_s` seconds and asked at most `attempts` times, where asking again is safe. `idempotent=False` is for
    brokers that do not keep Idempotency-Keys: a placing without a reply is then looked for and never sent twice.
    `transport`, `open_feed` and `sleep` stand in for the network and the clock in tests. Used by one thread at a time.

    >>> async with AsyncBroker(paper.url, paper.token("A"), "A", transport=paper.async_transport()) as broker:
    ...     [order.symbol for order in (await broker.orders())]
    []
    """

    def __init__(
        self,
        url: str,
        token: str,
        client_id: str,
        *,
        timeout_s: float = TIMEOUT_S,
        attempts: int = ATTEMPTS,
        idempotent: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
        open_feed: OpenAsyncFeed | None = None,
        sleep: Callable[[float], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self.client_id = client_id
        self._token = token
        self._attempts = attempts
        self._dialogue = Dialogue(client_id, attempts, idempotent)
        self._connection = AsyncConnection(url, token, timeout_s, transport, open_feed, sleep)

    @classmethod
    async def login(
        cls, url: str, client_id: str, password: str, *, pin: str = "", totp: str = "", **options: Any
    ) -> "AsyncBroker":
        """Log in with a password and a PIN or an authenticator's code. `options` are those of the class.

        Neither step is ever sent twice. A paper broker of the test kit gives its tokens out without a login:

        >>> try:
        ...     await AsyncBroker.login(paper.url, "A", "wrong", pin="0000", transport=paper.async_transport())
        ... except Refused as refused:
        ...     print(refused)
        Resource not found
        """
        first = cls(url, "", client_id, **options)
        try:
            token = await first._connection.run(login(client_id, password, pin, totp))
        finally:
            await first.close()
        return cls(url, token, client_id, **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncBroker of {self.client_id}>"

    async def close(self) -> None:
        """Close the connections. Orders go on working.

        >>> await broker.close()
        """
        await self._connection.close()

    async def place_bracket(
        self,
        instrument: str,
        side: str,
        quantity: int,
        *,
        target: Price,
        stop: Price,
        price: Price | None = None,
        trigger: Price | None = None,
        trailing: Price = 0,
        validity: str = "DAY",
        key: str | None = None,
    ) -> "AsyncBracket":
        """Place a bracket; returns when the broker has it.

        `instrument` is a symbol or "NSE:3045", `side` BUY or SELL, `quantity` shares. `price` makes it a LIMIT,
        `trigger` an SL-M, both an SL, neither a MARKET. `target`, `stop` and `trailing` are rupees away from the
        entry's average fill. `key` is the Idempotency-Key; without one a fresh one is made. After an Unknown, place
        again with the same key: it is the same bracket.

        >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price="450.00", target="4.50", stop=2)
        >>> bracket.entry.status, bracket.entry.remaining
        ('CONFIRMED', 10)
        >>> await broker.place_bracket("SBIN", "BUY", 10, price=450.0, target=2, stop=1)
        Traceback (most recent call last):
        ...
        TypeError: price is a Decimal, an int or a str such as '456.95', not a float: prices are exact
        """
        wanted = bracket_order(side, quantity, target, stop, price, trigger, trailing, validity)
        talk = self._dialogue.place(instrument, wanted, uuid.uuid4().hex if key is None else key)
        return AsyncBracket(self, await self._connection.run(talk))

    async def bracket(self, order_id: str) -> "AsyncBracket":
        """A bracket by its basket's id or the id of any of its orders. Raises NotFound.

        >>> placed = await broker.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
        >>> (await broker.bracket(placed.order_id)).entry.quantity
        10
        """
        return AsyncBracket(self, await self._connection.run(self._dialogue.bracket(order_id)))

    async def brackets(self) -> "list[AsyncBracket]":
        """Every bracket of the day.

        >>> _ = await broker.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
        >>> len((await broker.brackets()))
        1
        """
        return [AsyncBracket(self, rows) for rows in await self._connection.run(self._dialogue.brackets())]

    async def orders(self) -> list[Order]:
        """The order book: what works and what is over.

        >>> await broker.orders()
        []
        """
        return await self._connection.run(self._dialogue.orders())

    async def trades(self) -> list[Trade]:
        """Every fill of the day, oldest first.

        >>> await broker.trades()
        []
        """
        return await self._connection.run(self._dialogue.trades())

    async def history(self, order_id: str) -> list[Moment]:
        """What became of one order, oldest first; the last is how it stands. Raises NotFound.

        >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price="450.00", target=2, stop=1)
        >>> (await broker.history(bracket.order_id))[-1].status
        'CONFIRMED'
        """
        return await self._connection.run(self._dialogue.history(order_id))

    async def positions(self) -> list[Position]:
        """The positions of the day.

        >>> await broker.positions()
        []
        """
        return await self._connection.run(self._dialogue.positions())

    async def funds(self) -> Funds:
        """The purse.

        >>> (await broker.funds()).used
        Decimal('0.00')
        """
        return await self._connection.run(self._dialogue.funds())

    async def find(self, symbol: str) -> Instrument:
        """An instrument by its symbol, or by "NSE:3045". Raises UnknownInstrument.

        >>> (await broker.find("SBIN")).token
        '3045'
        """
        return await self._connection.run(self._dialogue.find(symbol))

    async def cancel_everything(self) -> list[Result]:
        """The kill switch: every entry cancelled, every bracket closed. bracketd only.

        Returns when all of it is so; otherwise raises the first refusal, or Pending, with `results` of each order.

        >>> _ = await broker.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
        >>> [result.status for result in (await broker.cancel_everything())]
        ['CANCELLED']
        """
        return await self._connection.run(self._dialogue.cancel_everything())

    def updates(self, *, quiet_s: float | None = None) -> AsyncIterator[Update]:
        """First every order and trade as they stand, then each change, without a hole over lost connections.

        Ends when nothing came for `quiet_s` seconds; with None never. Raises what ends it for good, such as
        Unauthorised.

        >>> _ = await broker.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
        >>> [update.status async for update in broker.updates(quiet_s=0)]
        ['CONFIRMED']
        """
        return self._connection.watch(watch(self._dialogue, self._token, quiet_s, self._attempts))

    async def whose(self) -> str:
        """The client that the token stands for, as the broker says.

        >>> await broker.whose()
        'A'
        """
        return await self._connection.run(self._dialogue.whose())

    async def logout(self) -> None:
        """End the token.

        >>> await broker.logout()
        """
        await self._connection.run(self._dialogue.logout())


class AsyncBracket(Standing):
    """A bracket, as it was last read: `entry`, `target`, `stop`, `open_quantity`. `refresh()` reads it again.

    >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
    >>> await paper.tick("SBIN", "456.95", quantity=10)
    >>> (await bracket.refresh()).stop.trigger
    Decimal('455.95')
    """

    def __init__(self, broker: AsyncBroker, rows: Sequence[Order]) -> None:
        super().__init__(rows)
        self._broker = broker

    async def refresh(self) -> Self:
        """Read it again; returns itself.

        >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
        >>> (await bracket.refresh()).entry.filled
        0
        """
        self._take(await self._broker._connection.run(self._broker._dialogue.bracket(self.order_id)))
        return self

    async def cancel(self) -> None:
        """Cancel what of the entry has not filled. Returns only when the broker said that it is cancelled.

        Legs are left as they are, so an open position stays protected. TooLate: all of it has filled. Pending, and
        every other Unknown: ask again, twice is once.

        >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
        >>> await bracket.cancel()
        >>> (await bracket.refresh()).entry.status
        'CANCELLED'
        """
        await self._broker._connection.run(self._broker._dialogue.cancel(self.entry, "ENTRY"))

    async def exit(self) -> None:
        """Close it: the entry's rest and the target are cancelled, the stop-loss becomes a market order for the rest.

        Returns when the exchange has taken the closing order; `refresh().open_quantity` tells what is left of it.
        LegNotActive: nothing has filled, `cancel()` is what is meant.

        >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
        >>> await paper.tick("SBIN", "456.95", quantity=10)
        >>> await bracket.exit()
        >>> await paper.tick("SBIN", "456.95", quantity=10)
        >>> (await bracket.refresh()).closed
        True
        """
        await self._broker._connection.run(self._broker._dialogue.cancel(self.entry, "STOPLOSS"))

    async def modify(
        self,
        *,
        price: Price | None = None,
        trigger: Price | None = None,
        quantity: int | None = None,
        target: Price | None = None,
        stop: Price | None = None,
        trailing: Price | None = None,
    ) -> None:
        """Change the entry: `quantity` is the new total, the last three are offsets. All or nothing.

        Refused as StaleReference if the entry has changed since it was read. Never sent twice: after an Unknown,
        `refresh()` and look.

        >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price=450, target=2, stop=1)
        >>> await bracket.modify(price="450.50", quantity=20)
        >>> bracket.entry.price, bracket.entry.quantity
        (Decimal('450.5'), 20)
        """
        changes = entry_changes(price, trigger, quantity, target, stop, trailing)
        await self._modify(self.entry, changes)

    async def modify_target(self, price: Price) -> None:
        """Price the target by hand; it is not re-based any more.

        >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
        >>> await paper.tick("SBIN", "456.95", quantity=10)
        >>> await (await bracket.refresh()).modify_target("460.00")
        >>> bracket.target.price
        Decimal('460')
        """
        await self._modify(self._needed("TARGET"), {"price": exact(price, "price")})

    async def modify_stop(self, *, trigger: Price | None = None, trailing: Price | None = None) -> None:
        """Move the stop's trigger by hand, or change the step by which it trails.

        >>> bracket = await broker.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)
        >>> await paper.tick("SBIN", "456.95", quantity=10)
        >>> await (await bracket.refresh()).modify_stop(trigger="456.00")
        >>> bracket.stop.trigger
        Decimal('456')
        """
        changes = {"trigger_price": exact(trigger, "trigger"), "trailing_stop_loss": exact(trailing, "trailing")}
        await self._modify(self._needed("STOPLOSS"), changes)

    async def _modify(self, order: Order, changes: Changes) -> None:
        talk = self._broker._dialogue.modify(order, changes, self._fresh)
        await self._broker._connection.run(talk)
        # What was read is of yesterday now; if it cannot be read again, the next change goes without the guard.
        self._fresh = False
        try:
            await self.refresh()
        except BrokerError:
            return
