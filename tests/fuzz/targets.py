"""What the fuzzers call: the readers of what strangers send, each with what must hold for any bytes at all.

A target returns, or raises Hole: an exception that no caller expects, or a reading that contradicts itself. None of
them needs the fuzzer; the corpus is also read as a quick test.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import jwt
from tests.fuzz.heads import heads as told_to_three
from tests.trading_floor import INSTRUMENTS

from bracketd.auth.client_store import ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.refusal import Unauthorised
from bracketd.auth.token import Claims, verify
from bracketd.wire.cancellation import read_cancellation
from bracketd.wire.fields import Unreadable
from bracketd.wire.form import JUNK_TAIL
from bracketd.wire.modification import read_modification
from bracketd.wire.parameters import Parameters, read_parameters
from bracketd.wire.placement import read_placement
from bracketd.wire.replies import EarlyReply
from bracketd.wire.subscription import UPDATES, read_subscription
from bracketd.wire.words import FieldError

KEY: Final = bytes(range(32))
NOW_NS: Final = 1_700_000_000 * 10**9
CONTENT_TYPES: Final = (
    None,
    b"application/json",
    b"application/x-www-form-urlencoded",
    b"text/plain",
    b"application/vnd.x+json; charset=utf-8",
    b"multipart/form-data; boundary=x",
)
SEPARATOR: Final = b"\x00"
_JWS = jwt.PyJWS(algorithms=["HS256"])


class Hole(AssertionError):
    """What must not be."""


def require(holds: bool, what: str) -> None:
    """Raise Hole unless it holds."""
    if not holds:
        raise Hole(what)


def parameters(data: bytes) -> None:
    """A request: a byte that chooses the content type, the query, NUL, the body, NUL, the id in the path."""
    content_type = CONTENT_TYPES[data[0] % len(CONTENT_TYPES)] if data else None
    query, _, rest = data[1:].partition(SEPARATOR)
    body, _, path = rest.partition(SEPARATOR)
    path_id = path.decode("utf-8", "replace") or None
    try:
        found = read_parameters(query, content_type, body, path_id)
    except Unreadable:
        return
    names = found.names()
    for name in names:
        for text in found.values(name):
            require(text == text.strip() and text.encode() != b"", f"{name!r} is {text!r}")
        require(
            found.conflict(name) <= (len(found.values(name)) == 2 or found.bad_anywhere(name)), f"conflict {name!r}"
        )
    ids = found.order_ids()
    require(len(set(ids)) == len(ids), "an id stands twice")
    _read_again(found, names)
    for read in (read_cancellation, read_placement, read_modification):
        with suppress(FieldError, EarlyReply):
            read(found, "A")


def _read_again(found: Parameters, names: tuple[str, ...]) -> None:
    """What was read, sent as one JSON object, is read as the same."""
    texts = {name: text for name in names if (text := found.text(name)) is not None and name != JUNK_TAIL}
    if "\x00" in "".join(texts) + "".join(texts.values()):
        return
    again = read_parameters(b"", b"application/json", json.dumps(texts).encode())
    require({name: again.text(name) for name in texts} == texts, "another encoding, another meaning")


class _GoodStanding:
    """Books in which every token is good."""

    def check_client_token(self, claims: Claims) -> None:
        """Accept."""

    def check_not_revoked(self, claims: Claims) -> None:
        """Accept."""


def _gate() -> Gate:
    """A gate before an empty store; nobody has a token for it."""
    folder = Path(tempfile.mkdtemp(prefix="bracketd-fuzz-"))
    store = ClientStore(folder)
    store.add("C1", "no password", 0, 5, NOW_NS)
    return Gate(store, KEY, cache_tokens=16)


_gates: list[Gate] = []


def token(data: bytes) -> None:
    """A byte, then: 0 headers, one a line; 1 a token; 2 claims that our key signs; 3 a header, NUL and claims."""
    kind, sent = (data[0] % 4, data[1:]) if data else (0, b"")
    if kind < 2:
        if not _gates:
            _gates.append(_gate())
        names = (b"x-authorization-token", b"x-auth-token", b"authorization")
        values = sent.split(b"\n") if kind == 0 else [sent]
        headers = [(names[at % 3], value) for at, value in enumerate(values)]
        try:
            _gates[0].authenticate(headers, NOW_NS)
        except Unauthorised:
            return
        raise Hole("somebody was let in")
    header, payload = (b'{"alg":"HS256","typ":"JWT"}', sent) if kind == 2 else sent.partition(SEPARATOR)[::2]
    signing_input = b".".join(jwt.utils.base64url_encode(part) for part in (header, payload))
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signing_input, KEY)
    signed = b".".join((signing_input, jwt.utils.base64url_encode(signature))).decode()
    try:
        claims = verify(KEY, signed, NOW_NS, _GoodStanding())
    except Unauthorised:
        return
    require(claims.exp_ms * 10**6 > NOW_NS, "an expired token is good")
    require(claims.blacklist_key.startswith(f"{claims.client_id}:"), "another's revocation key is good")
    require(json.loads(header).get("alg") == "HS256", "another algorithm is good")


def subscription(data: bytes) -> None:
    """A websocket message: a byte that chooses text or bytes, then the message."""
    message: str | bytes = data[1:]
    if data[:1] < b"\x80":
        message = data[1:].decode("utf-8", "replace")
    try:
        found = read_subscription(message, "A", INSTRUMENTS)
    except (FieldError, EarlyReply):
        return
    if found is None:
        return
    require((found.mode is None) is (found.word == UPDATES), "updates have no layout")
    require(all(key in INSTRUMENTS for key in found.instruments), "an instrument that is not there")
    require(bool(found.instruments) is (found.mode is not None), "quotes of nothing")


def heads(data: bytes) -> None:
    """What comes on a connection: see `tests/fuzz/heads.py`."""
    wrong = told_to_three(data)
    require(not wrong, wrong)


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "parameters": parameters,
    "token": token,
    "subscription": subscription,
    "heads": heads,
}
