"""The link between gateways and engines: one connection, many requests and websockets on it at the same time.

A message is four bytes of length, big-endian, and MessagePack. Before anything else is read each side proves to the
other that it holds the signing key of the cluster and has the same store open; whoever accepts asks first, and a proof
is bound to numbers that were drawn for this link. A copy of a store has the same key, and leases that name engines of
the original: these are not the copy's. The link itself is plain TCP: it belongs into a network of the operator's own.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
"""The largest message; a large reply is many."""

PROOF_WAIT_S: Final = 5.0
"""The proof has arrived this long after the link was accepted."""

UNREAD_BYTES_MAX: Final = 256 * 1024 * 1024
"""A peer that leaves more than this unread is cut off."""

_STORE: Final = b"bracketd link, store "
_ASKING: Final = b"bracketd link, asking "
_ASKED: Final = b"bracketd link, asked "

Headers = tuple[tuple[bytes, bytes], ...]


class Challenge(msgspec.Struct, frozen=True, array_like=True, tag="challenge"):
    """First on a link: what the proof has to be made over."""

    nonce: bytes


class Proof(msgspec.Struct, frozen=True, array_like=True, tag="proof"):
    """The answer to it, and what the other side's proof has to be made over."""

    digest: bytes
    nonce: bytes


class Welcome(msgspec.Struct, frozen=True, array_like=True, tag="welcome"):
    """The other side's proof: from now on everything is heard."""

    digest: bytes


class Speaker(msgspec.Struct, frozen=True, array_like=True):
    """Who speaks, as a gateway found it: the account, until when its token is good (unix ms), and what it opens with.

    `account_id` is "" where nobody was let in. Cash in paise.
    """

    account_id: str
    device: str = ""
    exp_ms: int = 0
    cash_paise: int = 0
    leverage: int = 1


class Call(msgspec.Struct, frozen=True, array_like=True, tag="call"):
    """A request for a shard, or the handshake of a websocket where `method` is "".

    `heard` says after which record a websocket that was open before goes on, -1 for one that is new; `said` is what its
    client has asked for so far.
    """

    number: int
    shard: int
    speaker: Speaker
    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: Headers
    body: bytes
    peer: str
    heard: int = -1
    said: tuple[bytes, ...] = ()


class Said(msgspec.Struct, frozen=True, array_like=True, tag="said"):
    """A message of a websocket's client."""

    number: int
    text: bytes


class Gone(msgspec.Struct, frozen=True, array_like=True, tag="gone"):
    """Whoever asked is no longer there."""

    number: int


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    """The reply to a request, or the refusal of a handshake.

    With `more` it is the first piece of a large one: each Said asks for the next, a Frame, and Closed is its end.
    """

    number: int
    status: int
    headers: Headers
    body: bytes
    more: bool = False


class Moved(msgspec.Struct, frozen=True, array_like=True, tag="moved"):
    """The shard is not here, or not any more.

    With `untouched` nothing was done. Without it nobody here can say what became of the request: the journal can.
    """

    number: int
    untouched: bool


class Opened(msgspec.Struct, frozen=True, array_like=True, tag="opened"):
    """A websocket's handshake was accepted."""

    number: int


class Frame(msgspec.Struct, frozen=True, array_like=True, tag="frame"):
    """A frame for a websocket's client."""

    number: int
    data: bytes


class Closed(msgspec.Struct, frozen=True, array_like=True, tag="closed"):
    """A websocket is closed, with a code of RFC 6455."""

    number: int
    code: int
    reason: str


class HandOver(msgspec.Struct, frozen=True, array_like=True, tag="hand over"):
    """An operator's order to a shard's owner: let the engine at `to` have it."""

    number: int
    shard: int
    to: str


class Take(msgspec.Struct, frozen=True, array_like=True, tag="take"):
    """An owner's order to another engine: the shard was given back, take it."""

    number: int
    shard: int


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """What came of such an order: `why` it was not carried out, "" where it was."""

    number: int
    why: str


Greeting = Challenge | Proof | Welcome
Message = Greeting | Call | Said | Gone | Answer | Moved | Opened | Frame | Closed | HandOver | Take | Done

_encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final = msgspec.msgpack.Decoder(Message)


class NotProven(ConnectionResetError):
    """The other side broke off at the proof: it has another signing key or another store open."""


def link_key(signing_key: bytes, store: bytes) -> bytes:
    """What both ends of a link prove to have: the cluster's signing key, and the identity of the store."""
    return hmac.new(signing_key, _STORE + store, hashlib.sha256).digest()


def proof_over(key: bytes, nonce: bytes) -> bytes:
    """What shows that whoever opened a link holds its key, without showing the key."""
    return hmac.new(key, _ASKING + nonce, hashlib.sha256).digest()


def welcome_over(key: bytes, nonce: bytes) -> bytes:
    """What shows the same of whoever accepted it."""
    return hmac.new(key, _ASKED + nonce, hashlib.sha256).digest()


class Link(asyncio.Protocol):
    """One end of a link. `hear` gets each message, `lost` is called once when the link has ended.

    `key` is a `link_key`. The accepting side is made with `accepts`: it sends the challenge, and hears nothing but the
    proof until that holds. `ready` is done when both have proven themselves. It raises NotProven where the link ended
    at the proof, ConnectionResetError where it ended before.
    What is sent within one round of the event loop leaves in one write.
    """

    def __init__(
        self, key: bytes, hear: Callable[["Link", Any], None], lost: Callable[["Link"], None], *, accepts: bool
    ) -> None:
        self._key = key
        self._hear = hear
        self._lost = lost
        self._accepts = accepts
        self._nonce = secrets.token_bytes(32)
        self._received = bytearray()
        self._leaving: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._asked = False
        self.proven = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def open(self) -> bool:
        """Whether what is sent has a chance to arrive."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, message: Message) -> None:
        """Queue a message; one for a link that has ended is dropped. Raises ValueError for one that is too large."""
        body = _encode(message)
        if len(body) > MESSAGE_BYTES_MAX:
            raise ValueError(f"a message has at most {MESSAGE_BYTES_MAX} bytes, this one {len(body)}")
        if not self.open:
            return
        if not self._leaving:
            asyncio.get_running_loop().call_soon(self._flush)
        self._leaving.append(len(body).to_bytes(4, "big"))
        self._leaving.append(body)

    def close(self) -> None:
        """Send what waits and end the link."""
        if self._transport is not None:
            self._flush()
            self._transport.close()

    def abort(self) -> None:
        """End the link at once."""
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The other side is there."""
        self._transport = cast(asyncio.Transport, transport)
        if self._accepts:
            self.send(Challenge(self._nonce))
            self._watch = asyncio.get_running_loop().call_later(PROOF_WAIT_S, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        self._unwatch()
        if not self.ready.done():
            self.ready.set_exception(
                NotProven("it has another signing key or another store, or broke off")
                if self._asked
                else ConnectionResetError("the link ended before it was ready")
            )
            self.ready.exception()
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes: each message that is whole is heard. What is no message ends the link."""
        received = self._received
        received += data
        at = 0
        try:
            while len(received) - at >= 4:
                size = int.from_bytes(received[at : at + 4], "big")
                if size > MESSAGE_BYTES_MAX or (size > 1024 and not self.proven):
                    self.abort()
                    return
                if len(received) - at - 4 < size:
                    break
                message = _decoder.decode(memoryview(received)[at + 4 : at + 4 + size])
                at += 4 + size
                self._take(message)
        except msgspec.DecodeError:
            self.abort()
            return
        del received[:at]

    def _take(self, message: Message) -> None:
        if self.proven:
            self._hear(self, message)
        elif self._accepts and isinstance(message, Proof):
            if not hmac.compare_digest(message.digest, proof_over(self._key, self._nonce)):
                self.abort()
                return
            self.send(Welcome(welcome_over(self._key, message.nonce)))
            self._now_ready()
        elif not self._accepts and isinstance(message, Challenge) and not self._asked:
            self._asked = True
            self.send(Proof(proof_over(self._key, message.nonce), self._nonce))
        elif self._asked and isinstance(message, Welcome):
            if not hmac.compare_digest(message.digest, welcome_over(self._key, self._nonce)):
                self.abort()
                return
            self._now_ready()
        else:
            self.abort()

    def _now_ready(self) -> None:
        self.proven = True
        self._unwatch()
        if not self.ready.done():
            self.ready.set_result(None)

    def _flush(self) -> None:
        leaving, self._leaving = self._leaving, []
        if not leaving or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(b"".join(leaving))
        if self._transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
            self._transport.abort()

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
