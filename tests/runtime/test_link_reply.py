"""Replies on a link: one message where that is enough, else no faster than they are taken."""

import asyncio
from typing import Any

import pytest

from bracketd.runtime.link import Answer, Closed, Frame
from bracketd.runtime.link_reply import LinkReply, NotOurs, ReaderGone

START = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]}


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    """A piece of a body."""
    return {"type": "http.response.body", "body": body, "more_body": more}


class Said:
    """A reply to request 7, and what was said of it."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.holds = True
        self.reply = LinkReply(7, b"asked", self.messages.append, lambda: self.holds)

    async def send(self, *messages: dict[str, Any]) -> None:
        """Let the application say these."""
        for message in messages:
            await self.reply.send(message)


async def test_a_reply_in_one_piece_is_one_message() -> None:
    """Nobody is waited for where the body comes at once."""
    said = Said()
    await said.send(START, piece(b"x", more=False))
    assert said.messages == [Answer(7, 200, ((b"a", b"b"),), b"x")]


async def test_further_pieces_wait_until_they_are_asked_for() -> None:
    """Each piece behind the first takes one asking; the end is said with the last."""
    said = Said()
    work = asyncio.create_task(said.send(START, piece(b"1"), piece(b"2"), piece(b"3"), piece(b"", more=False)))
    await asyncio.sleep(0)
    assert said.messages == [Answer(7, 200, ((b"a", b"b"),), b"1", more=True)]
    for body in (b"2", b"3"):
        said.reply.hear(b"")
        for _ in range(3):
            await asyncio.sleep(0)
        assert said.messages.pop() == (Closed(7, 1000, "") if body == b"3" else Frame(7, body))
    await work
    assert said.messages[1:] == [Frame(7, b"3")]


async def test_who_reads_no_more_ends_it() -> None:
    """A reader that goes ends a reply that waits for it, and one that has not begun is made all the same."""
    said = Said()
    work = asyncio.create_task(said.send(START, piece(b"1"), piece(b"2")))
    await asyncio.sleep(0)
    said.reply.hear(None)
    with pytest.raises(ReaderGone):
        await work
    said = Said()
    said.reply.hear(None)
    await said.send(START, piece(b"x", more=False))
    assert len(said.messages) == 1


async def test_nothing_is_said_of_what_is_another_engines() -> None:
    """Where the shard is lost neither an answer nor a further piece is said."""
    said = Said()
    said.holds = False
    with pytest.raises(NotOurs):
        await said.send(START, piece(b"x", more=False))
    assert said.messages == []
    said = Said()
    await said.send(START, piece(b"1"))
    said.holds = False
    said.reply.hear(b"")
    with pytest.raises(NotOurs):
        await said.send(piece(b"2"))
    assert len(said.messages) == 1


async def test_the_body_comes_once() -> None:
    """The request's body is there at once, and nobody leaves after it."""
    said = Said()
    assert await said.reply.receive() == {"type": "http.request", "body": b"asked", "more_body": False}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await said.reply.receive()
