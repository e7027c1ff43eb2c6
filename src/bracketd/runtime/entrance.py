"""The entrance: where clients log in, by the wire's requests or by the page. Hashing is done beside the event loop.

One hash takes tens of milliseconds and 64 MiB: two are made at a time, so that a crowd at the entrance neither delays
orders nor eats the memory. Whoever finds the queue full is told to come back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from bracketd.auth.authorization import Authorizations
from bracketd.auth.client_store import ClientRecord, ClientStore
from bracketd.auth.form_ticket import FormTickets
from bracketd.auth.login import Factor, Logins, Pending
from bracketd.auth.password import Passwords

HASHES_AT_ONCE: Final = 2
WAITING_MAX: Final = 32

T = TypeVar("T")


class Busy(Exception):
    """Too many logins wait for their turn; nothing of this one was looked at or counted."""

    def __init__(self) -> None:
        """Say so in the log."""
        super().__init__("too many logins wait")


class Entrance:
    """Logins and grants of one folder. `authorizations` and `tickets` take no time and are used as they are."""

    def __init__(self, store: ClientStore, key: bytes, passwords: Passwords) -> None:
        """Log in to the clients of the store; `key` is the folder's signing key."""
        self.authorizations = Authorizations(store)
        self.tickets = FormTickets(key)
        self._passwords = passwords
        self._logins = Logins(store, key, self._verify)
        self._turn = asyncio.Semaphore(HASHES_AT_ONCE)
        self._waiting = 0

    async def password(self, login_id: str, password: str, device: str, now_ns: int) -> Pending:
        """As Logins.password; raises Busy besides."""
        return await self._in_turn(lambda: self._logins.password(login_id, password, device, now_ns))

    async def second_factor(self, ticket: str, login_id: str, answer: str, factor: Factor, now_ns: int) -> str:
        """As Logins.second_factor; raises Busy besides."""
        return await self._in_turn(lambda: self._logins.second_factor(ticket, login_id, answer, factor, now_ns))

    async def at_once(self, login_id: str, password: str, answer: str, now_ns: int) -> ClientRecord:
        """As Logins.at_once; raises Busy besides."""
        return await self._in_turn(lambda: self._logins.at_once(login_id, password, answer, now_ns))

    async def _in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        """Begin only when the turn has come: an attempt that waits is not counted as a failure yet."""
        if self._waiting >= WAITING_MAX:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                return await work()
        finally:
            self._waiting -= 1

    async def _verify(self, password_hash: str | None, password: str) -> bool:
        return await asyncio.to_thread(self._passwords.verify, password_hash, password)
