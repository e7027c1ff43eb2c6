"""A reply on a link: what the application says to one request, in one message or, where it is large, piece by piece.

A large reply goes no faster than its reader at the gateway takes it: the first piece is the answer, and each further
one waits until it is asked for. So neither end holds more of it than a few pieces, and nobody else on the link waits.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from bracketd.runtime.link import Answer, Closed, Frame, Headers, Message

WHOLE = 1000
"""The code with which a reply in pieces is at its end."""


class NotOurs(Exception):
    """The shard is another engine's by now: nothing more may be said."""


class ReaderGone(Exception):
    """Nobody asks for the next piece any more."""


class LinkReply:
    """The reply to the request of that number, as ASGI has it; `holds` is asked before anything is said."""

    def __init__(self, number: int, body: bytes, say: Callable[[Message], None], holds: Callable[[], bool]) -> None:
        self._number = number
        self._body: bytes | None = body
        self._say = say
        self._holds = holds
        self._status = 0
        self._headers: Headers = ()
        self._begun = False
        self._asked = asyncio.Semaphore(0)
        self._gone = False

    @property
    def in_pieces(self) -> bool:
        """Whether it waits for its reader rather than for the application."""
        return self._begun

    def hear(self, text: bytes | None) -> None:
        """The next piece is asked for; None where nobody reads any more, which a reply in one message does not heed."""
        self._gone = text is None
        self._asked.release()

    async def receive(self) -> dict[str, Any]:
        """The request's body. Nobody here goes away in the middle: what was asked for is carried out all the same."""
        if self._body is None:
            await asyncio.Event().wait()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        """Say what the application says. Raises NotOurs and ReaderGone."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple((bytes(name), bytes(value)) for name, value in message["headers"])
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        begun, self._begun = self._begun, True
        if begun and body:
            await self._asked.acquire()
            if self._gone:
                raise ReaderGone
        if not self._holds():
            raise NotOurs
        if not begun:
            self._say(Answer(self._number, self._status, self._headers, body, more))
            return
        if body:
            self._say(Frame(self._number, body))
        if not more:
            self._say(Closed(self._number, WHOLE, ""))
