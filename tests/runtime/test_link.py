"""The link: nothing is heard before the proof, messages arrive whole and in order, and what is no message ends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from bracketd.runtime.link import Challenge, Frame, Gone, Link, NotProven, Proof, Said, Welcome, link_key, proof_over

KEY = b"k" * 32


class Ends:
    """Both ends of one link over loopback, and what each heard."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.lost: list[Link] = []
        self.accepted: list[Link] = []
        self.port = 0

    def accept(self) -> Link:
        """The accepting end."""
        link = Link(KEY, lambda _, message: self.heard.append(message), self.lost.append, accepts=True)
        self.accepted.append(link)
        return link

    async def dial(self, key: bytes = KEY) -> Link:
        """The other end."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(
            lambda: Link(key, lambda *_: None, lambda _: None, accepts=False), "127.0.0.1", self.port
        )
        return link

    async def until(self, fact: Any) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(5):
            while not fact():  # noqa: ASYNC110  The kernel hands bytes over when it likes.
                await asyncio.sleep(0.002)


@asynccontextmanager
async def ends() -> AsyncIterator[Ends]:
    """An accepting end on a free port."""
    made = Ends()
    server = await asyncio.get_running_loop().create_server(made.accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for link in made.accepted:
            link.abort()
        await asyncio.sleep(0)


async def test_messages_arrive_whole_and_in_order() -> None:
    """Small ones, and one that is larger than any buffer, each once."""
    async with ends() as both:
        link = await both.dial()
        await link.ready
        sent = [*(Said(number, b"%d" % number) for number in range(100)), Frame(7, b"x" * 5_000_000), Gone(8)]
        for message in sent:
            link.send(message)
        await both.until(lambda: len(both.heard) == len(sent))
        assert both.heard == sent
        link.close()


async def test_whoever_has_another_key_is_not_heard() -> None:
    """A wrong proof ends the link before a message of it is looked at."""
    async with ends() as both:
        link = await both.dial(b"x" * 32)
        link.send(Gone(1))
        with pytest.raises(NotProven):
            await link.ready
        await both.until(lambda: both.lost)
        assert both.heard == []


async def test_whoever_has_another_store_is_not_heard() -> None:
    """The same signing key with another store is another key, and so is another signing key with the same store."""
    assert len({link_key(key, store) for key in (KEY, b"x" * 32) for store in (b"one", b"two")}) == 4
    async with ends() as both:
        link = await both.dial(link_key(KEY, b"a copy"))
        with pytest.raises(NotProven):
            await link.ready
        assert not link.proven
        assert both.heard == []


@pytest.mark.parametrize("digest", [b"", b"guess", "the proof itself"])
async def test_whoever_accepts_proves_it_too(digest: bytes | str) -> None:
    """An engine that takes any proof, or hands it back, is not asked anything."""
    told: list[Any] = []

    async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(message: Any) -> None:
            body = msgspec.msgpack.encode(message)
            writer.write(len(body).to_bytes(4, "big") + body)

        send(Challenge(b"n" * 32))
        body = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        proof = msgspec.msgpack.decode(body, type=Proof)
        send(Welcome(digest if isinstance(digest, bytes) else proof.digest))
        send(Said(1, b"listen to me"))
        assert await reader.read() == b""
        writer.close()

    server = await asyncio.start_server(impostor, "127.0.0.1", 0)
    _, link = await asyncio.get_running_loop().create_connection(
        lambda: Link(KEY, lambda _, message: told.append(message), lambda _: None, accepts=False),
        *server.sockets[0].getsockname(),
    )
    with pytest.raises(NotProven):
        await link.ready
    assert told == []
    server.close()


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x00\x00\x00\x01\xc1",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x10\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        (lambda body: len(body).to_bytes(4, "big") + body)(msgspec.msgpack.encode(Gone(1))),
        (lambda body: len(body).to_bytes(4, "big") + body)(msgspec.msgpack.encode(Proof(b"guess", b"n" * 32))),
    ],
)
async def test_what_is_no_proof_ends_the_link(bytes_sent: bytes) -> None:
    """Before the proof nothing else is taken, no memory is given to what claims to be large, and nothing is heard."""
    async with ends() as both:
        reader, writer = await asyncio.open_connection("127.0.0.1", both.port)
        writer.write(bytes_sent)
        await both.until(lambda: both.lost)
        assert both.heard == []
        await reader.read()
        writer.close()


async def test_a_proof_is_good_for_one_link_alone() -> None:
    """Each challenge is another, so that a proof that was overheard opens nothing."""
    async with ends() as both:
        proofs = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", both.port)
            body = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
            proofs.append(proof_over(KEY, msgspec.msgpack.decode(body, type=Challenge).nonce))
            writer.close()
        assert proofs[0] != proofs[1]
