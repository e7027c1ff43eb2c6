"""An exchange: one plain request and its reply on a connection, without an ASGI scope, task or future.

The desk decides an order-entry request in one go, and a read is rendered in one. What is left is to wait for the disk,
and for that a place in the journal's queue is enough: when the watermark has passed, everything that waited for it is
answered in one go as well, each with one write. Whatever is unusual about a request leaves it to the application
(`http_protocol`); what is decided and what is said is the same code on both ways (`order_entry`, `reads`).
"""

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final, NamedTuple, Protocol

from bracketd.runtime.desk import Desk
from bracketd.wire import replies
from bracketd.wire.head import Head
from bracketd.wire.known_heads import KnownHeads
from bracketd.wire.order_entry import OrderEntry, Route, Working
from bracketd.wire.reads import Read
from bracketd.wire.replies import Headers, Reply, outcome_word
from bracketd.wire.request import answer, worded
from bracketd.wire.request_id import begin_id, current_id

VERBS: Final = {"DELETE": "cancel", "POST": "place", "PUT": "modify"}
"""What order entry's methods are called where they are counted."""


class AtOnce(NamedTuple):
    """What is behind a connection that answers by itself; `headers` are those that the front adds to each reply."""

    desk: Desk
    order_entry: OrderEntry
    reads: Mapping[bytes, Read]
    known_heads: KnownHeads
    headers: Headers = ()


class TooLarge(Exception):
    """The reply is too large for one piece, and goes in several, as its reader takes them: the application sends it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class Line(Protocol):
    """The connection that an exchange happens on, and the server's list of what is under way."""

    tasks: Any

    def answer(self, reply: Reply, sent_id: bytes) -> None:
        """Send the reply to the request with that id, unless the peer has gone."""


class Arrival:
    """What uvicorn wakes a waiting application by; here is none."""

    def set(self) -> None:
        """Something has come, or nothing will."""


class Exchange:
    """The exchange of a connection, one request after the other.

    uvicorn takes it for a cycle, which it tells when the peer has gone or the server stops, and while it waits for the
    disk for a task, which it waits for at a stop and then cancels.
    """

    __slots__ = (
        "_began_s",
        "_desk",
        "_line",
        "_order_entry",
        "_reply",
        "_sent_id",
        "_verb",
        "disconnected",
        "keep_alive",
        "message_event",
        "response_complete",
    )

    def __init__(self, desk: Desk, order_entry: OrderEntry, line: Line) -> None:
        self._desk = desk
        self._order_entry = order_entry
        self._line = line
        self._reply: Reply | None = None
        self._sent_id = b""
        self._verb = ""
        self._began_s = 0.0
        self.disconnected = False
        self.keep_alive = True
        self.message_event = Arrival()
        self.response_complete = True

    def begin(
        self, route: Route | Read, method: str, head: Head, query_string: bytes, body: bytes, *, keep_alive: bool
    ) -> bool:
        """Decide a request and answer it, at once or as soon as it may be; whether its token was let in.

        Raises TooLarge, and nothing has happened, where the answer does not go into one piece.
        """
        self._began_s = perf_counter()
        self.keep_alive = keep_alive
        self.response_complete = False
        self._sent_id = begin_id(head.sent_id)
        try:
            if isinstance(route, Read):
                reply = self._show(route, head, query_string)
            else:
                self._verb = VERBS[method]
                reply = self._decide(route, method, head, query_string, body)
        except TooLarge:
            self.response_complete = True
            raise
        except Exception as fault:  # noqa: BLE001  `worded` logs what it does not know.
            reply = worded(fault)
        finally:
            # What else this connection brings is not this request's.
            current_id.set("")
        if reply is not None:
            self._finish(reply)
        return reply is not replies.UNAUTHORISED

    def cancel(self, msg: str | None = None) -> None:
        """The server waits no longer: what became of the request nobody can say here."""
        self._told(False)

    def _decide(self, route: Route, method: str, head: Head, query_string: bytes, body: bytes) -> Reply | None:
        """The reply where it may be sent at once."""
        if not self._desk.serving:
            self._verb = "other"
            return replies.NOT_SERVING
        begun = self._order_entry.begin(route, method, head, query_string, body)
        if not isinstance(begun, Reply):
            self._see_through(begun)
            return None
        return self._durable(begun)

    def _show(self, read: Read, head: Head, query_string: bytes) -> Reply | None:
        """The same of a read."""
        if not self._desk.serving:
            self._verb = "other"
            return replies.NOT_SERVING
        self._verb = read.endpoint
        reply = read.reply(head, query_string)
        if reply.rest is not None:
            raise TooLarge(reply)
        return self._durable(reply)

    def _durable(self, reply: Reply) -> Reply | None:
        """The reply where all that was decided until now is on disk; else it is sent when that is so."""
        self._reply = reply
        if self._desk.when_durable(self._told):
            return reply
        self._line.tasks.add(self)
        return None

    def _see_through(self, working: Working) -> None:
        """Let a task wait for what is more than the disk."""
        tasks = self._line.tasks
        task = asyncio.get_running_loop().create_task(answer(working))
        tasks.add(task)

        def done(task: asyncio.Task[Reply]) -> None:
            tasks.discard(task)
            self._finish(replies.NOT_SERVING if task.cancelled() else task.result())

        task.add_done_callback(done)

    def _told(self, durable: bool) -> None:
        """What the reply tells is on disk, or nobody knows whether it is."""
        reply = self._reply
        if reply is not None:
            self._line.tasks.discard(self)
            self._finish(reply if durable else replies.NOT_SERVING)

    def _finish(self, reply: Reply) -> None:
        """Answer, and count it."""
        self._reply = None
        self.response_complete = True
        took_s = perf_counter() - self._began_s
        self._desk.measures.answered(self._verb, outcome_word(reply.status), took_s, reply.reason)
        self._line.answer(reply, self._sent_id)
