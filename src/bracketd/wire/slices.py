"""Slices: a long list is rendered a piece at a time, as its reader takes it, so that it holds up nobody else.

However many long lists are asked for at a time, one slice is rendered in a turn of the event loop: they take turns.
What is rendered waits for the disk and then for its reader; of a list that is not read no more than a few slices are
held.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final, NamedTuple

from bracketd.runtime.desk import Desk

SLICES_AHEAD: Final = 8
"""Slices that wait for the disk together, and then to be sent: a megabyte."""


class Slice(NamedTuple):
    """Some rows with commas between them, b"" where there are none, and where the next slice begins."""

    rows: bytes
    next: int


class Slices:
    """The turns of one desk's long lists."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turn = asyncio.Lock()

    async def follow(
        self, render: Callable[[int], Slice], start: int, end: int, *, shown: bool
    ) -> AsyncGenerator[bytes, None]:
        """The slices from `start` to `end`, each on disk when it comes; `shown` says whether a row came before.

        Raises NotServing.
        """
        while start < end:
            ready: list[bytes] = []
            while start < end and len(ready) < SLICES_AHEAD:
                async with self._turn:
                    await asyncio.sleep(0)
                    rows, start = render(start)
                if rows:
                    ready.append(b"," + rows if shown else rows)
                    shown = True
            await self._desk.durable()
            for piece in ready:
                yield piece
