"""One connection to the primary of a database, made when it is needed and never used after a doubt.

What PostgreSQL says beside its answers is heard. A wait for the other disks that was cut short, by an operator, a
client's cancel or a shutdown, still answers "INSERT 0 1": the record is on one disk alone, and only a warning says so.
So whatever comes with a warning has an unknown outcome, and the connection that heard one is given up.

A reply that never came leaves the same doubt. Nothing here is tried a second time but the making of a connection and
what changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import asyncpg  # type: ignore[import-untyped]

from bracketd.database.address import Address

T = TypeVar("T")
Connection = Any
"""asyncpg's connection, which comes without types."""

Prepare = Callable[[Connection], Awaitable[None]]

FAULTS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Neither of the two above: a host that turns out to be a standby, a protocol that broke.
    asyncpg.InternalClientError,
    OSError,
    EOFError,
    TimeoutError,
)
"""What a connection that fails may raise."""

PREPARE_TIMEOUT_S: Final = 10.0
"""How long the first look at a database may take, the making of its tables included."""

ATTEMPTS: Final = 3
"""So many times something is asked for that changes nothing."""

QUIET: Final = frozenset({"DEBUG", "INFO", "LOG", "NOTICE"})
"""Severities that say nothing about durability."""

SETTINGS: Final = {
    "application_name": "bracketd",
    # Whatever an operator made the default: no answer before the disks that must have it.
    "synchronous_commit": "on",
    # A limit on the server's side cuts the wait for the other disks short, and the statement would stand all the same.
    "statement_timeout": "0",
    # A server that is told to be quieter would keep the one sign of a wait that was cut short to itself.
    "client_min_messages": "warning",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_isolation": "read committed",
}


class Unreachable(Exception):
    """No host of the address could be reached as the primary, or none whose tables can be used: nothing was asked."""


class Doubtful(Exception):
    """The database answered with a warning: what was asked may be on one disk alone."""


class Link:
    """One connection, used by one piece of work at a time, on one event loop."""

    def __init__(self, address: Address, prepare: Prepare | None = None) -> None:
        """Speak to this address; `prepare` is done on each new connection before anything else is."""
        self.address = address
        self._prepare = prepare
        self._connection: Connection | None = None
        self._warnings: list[str] = []
        self._turn = asyncio.Lock()
        self._first = 0
        self.closed = False

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work on the connection, after whatever is under way, and return what it does.

        Raises Unreachable where the work was not begun. Whatever else comes out, a cancelled wait included, leaves
        its outcome unknown: Doubtful after a warning, one of FAULTS, or what the work itself raises. The connection
        is given up then, unless `work` raised one of its own errors (ValueError, LookupError).
        """
        async with self._turn:
            if self.closed:
                raise Unreachable("the connection was closed")
            connection = await self._connected()
            self._warnings.clear()
            try:
                result = await work(connection)
            except (ValueError, LookupError):
                raise
            except BaseException:
                self._drop()
                raise
            if self._warnings:
                self._drop()
                raise Doubtful("; ".join(self._warnings))
            return result

    async def ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """The answer to a question that changes nothing, asked again when the connection breaks.

        Raises Unreachable, also where every try was broken off.
        """
        attempts_left = ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                return await self.use(question)
            except (Doubtful, *FAULTS) as fault:
                if not attempts_left:
                    raise Unreachable(f"the database at {self.address.shown} breaks off: {words(fault)}") from fault

    async def close(self) -> None:
        """End the connection, also in the middle of its work; later work is refused."""
        self.closed = True
        self._drop()

    async def _connected(self) -> Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self._drop()
        hosts = self.address.hosts
        faults = []
        for number in range(len(hosts)):
            turn = (self._first + number) % len(hosts)
            try:
                connection = await self._dial(hosts[turn])
            except FAULTS as fault:
                faults.append(f"{_host(hosts[turn])}: {words(fault)}")
                continue
            if self.closed:
                connection.terminate()
                raise Unreachable("the connection was closed")
            # The host that was primary last is the likeliest one to be it still.
            self._first = turn
            self._connection = connection
            return connection
        raise Unreachable(f"no primary answers at {self.address.shown} ({'; '.join(faults)})")

    async def _dial(self, host: str) -> Connection:
        """Connect to one host if it is the primary, and prepare; in its own time."""
        connection = await asyncpg.connect(
            host,
            timeout=self.address.connect_timeout_s,
            target_session_attrs="primary",
            server_settings=SETTINGS,
        )
        try:
            connection.add_log_listener(self._heard)
            if self._prepare is not None:
                async with asyncio.timeout(PREPARE_TIMEOUT_S):
                    await self._prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _heard(self, _: Connection, message: Any) -> None:
        """Keep what is more than a notice, told by the severity's untranslated word."""
        severity = getattr(message, "severity_en", None) or message.severity
        if severity not in QUIET:
            self._warnings.append(f"{message.sqlstate} {message.message}")

    def _drop(self) -> None:
        """Give the connection up at once: waiting for a server that hangs would hang us."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()


def words(fault: BaseException) -> str:
    """What a fault says, or at least its kind: a timeout says nothing."""
    return str(fault) or type(fault).__name__


def _host(dsn: str) -> str:
    """Which host a host's address means, without user and password."""
    return dsn.partition("://")[2].rpartition("@")[2].partition("/")[0] or "the local socket"
