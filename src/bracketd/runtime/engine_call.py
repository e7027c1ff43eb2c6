"""A call of one engine by whoever has its store and key: a link for one order about a shard, and what came of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from bracketd.runtime.link import Done, HandOver, Link, NotProven, Take

DIAL_WAIT_S: Final = 2.0
"""An engine has taken a link this long after it was dialled."""

Ask = Callable[[HandOver | Take, float], Awaitable[str]]
"""Sends an order and gives what stood in the way, "" for nothing; waits so many seconds. Raises NoAnswer."""


class NoAnswer(Exception):
    """The engine cannot be reached, or did not say what came of the order; the text is a clause."""


@contextlib.asynccontextmanager
async def engine_at(key: bytes, address: str) -> AsyncIterator[Ask]:
    """A link to the engine at `host:port`, on which one order is given; `key` is a `link_key`. Raises NoAnswer."""
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def hear(link: Link, message: Any) -> None:
        if isinstance(message, Done) and not told.done():
            told.set_result(message.why)

    def lost(link: Link) -> None:
        if not told.done():
            told.set_exception(NoAnswer(f"the engine at {address} broke off"))
            told.exception()

    link = Link(key, hear, lost, accepts=False)
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(DIAL_WAIT_S):
            await asyncio.get_running_loop().create_connection(lambda: link, host.strip("[]"), int(port))
            await link.ready
    except NotProven as fault:
        raise NoAnswer(f"the engine at {address} broke off: its store or its signing key is another") from fault
    except (OSError, ValueError, OverflowError, TimeoutError) as fault:
        link.abort()
        raise NoAnswer(f"the engine at {address} does not answer") from fault

    async def ask(order: HandOver | Take, wait_s: float) -> str:
        link.send(order)
        try:
            async with asyncio.timeout(wait_s):
                return await told
        except TimeoutError:
            raise NoAnswer(f"the engine at {address} did not answer within {wait_s:g} s") from None

    try:
        yield ask
    finally:
        link.close()
