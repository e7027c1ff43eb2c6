"""Heads seen before: blocks of headers that the parser has read once, by their very bytes.

A client of this family sends the same headers with every request; only the request line and the body differ. Here the
bytes of each such block lead to what the parser found in them, so that a packet which is one whole plain request needs
the parser no more.

Sound, because what a block says does not depend on the request line before it, for the methods and the version here,
and because only what the parser has read as a block is one: it stood before a message when the packet came, and before
the next when it had read it; the packet is a plain request line, the block up to the first blank line, and the body.
A parser that is passed over stands where it stood: of a message that is complete it keeps nothing.

A line that names its one request (an Idempotency-Key, a request id) would make every block a new one. So it is taken
out, and what is left is known: lines of which none is folded say what they say whatever stands between them.

The table holds tokens, as that of the gate does: it is bounded, and nobody logs it.
"""

import re
from typing import Final

import msgspec

from bracketd.wire.head import Head
from bracketd.wire.request_id import HEADER, valid_id

TABLE_BYTES_MAX: Final = 8 * 1024 * 1024
"""What all blocks together may take."""

BESIDE_BLOCK_BYTES: Final = 1024
"""What a block takes beside its own bytes, which stand in what was found in it once more."""

BLOCK_BYTES_MAX: Final = 4 * 1024
LINE_BYTES_MAX: Final = 4 * 1024
"""What is longer is read by the parser each time. Together they stay far below what a head may have."""

METHODS: Final = ("DELETE", "GET", "POST", "PUT")
TARGET: Final = rb"(/api/v[12]/[\w./-]+)(?:\?([\w.,:;&=%+~*-]*))?"
"""The methods of a plain request, and its target as a pattern: the path, and the query where there is one."""

_LINE: Final = re.compile(b"(%b) %b HTTP/1\\.1\r\n" % ("|".join(METHODS).encode("ascii"), TARGET), re.ASCII)
_LINE_END: Final = b"\r\n"
_BLANK_LINE: Final = b"\r\n\r\n"
_BLANK_LINE_BYTES: Final = len(_BLANK_LINE)
_KEY: Final = b"idempotency-key"
_NAMING: Final = (_KEY + b":", HEADER + b":")
_NAME: Final = re.compile(rb"[!-~]{1,128}\Z")

Whole = tuple[bytes, bytes, bytes, Head, bytes]
"""One whole request: its method, path and query string, its head and its body."""


class KnownHeads:
    """The table of one server; the block that was learnt first is forgotten first."""

    def __init__(self, bytes_max: int = TABLE_BYTES_MAX) -> None:
        """Let all blocks together take so many bytes."""
        self._bytes_max = bytes_max
        self._known: dict[bytes, tuple[int, Head]] = {}
        self.kept_bytes = 0

    def __len__(self) -> int:
        """How many blocks are known."""
        return len(self._known)

    def whole(self, packet: bytes) -> Whole | None:
        """The packet as the one whole request that it is; None where it is none, or under a block that is not known."""
        line = _LINE.match(packet)
        if line is None:
            return None
        begin = line.end()
        # The last blank line is nearer. What stands before it is known only where it is the first one too.
        end = packet.rfind(_BLANK_LINE, begin)
        if end < 0 or begin > LINE_BYTES_MAX:
            return None
        block = packet[begin:end]
        known = self._known.get(block) or self._known_but_for_names(block)
        if known is None:
            return None
        body_bytes, head = known
        body = packet[end + _BLANK_LINE_BYTES :]
        if len(body) != body_bytes:
            return None
        method, path, query_string = line.groups(b"")
        return method, path, query_string, head, body

    def _known_but_for_names(self, block: bytes) -> tuple[int, Head] | None:
        """What is known of a block apart from the lines that name its request, with what these say."""
        apart = _without_names(block)
        known = None if apart is None else self._known.get(apart[0])
        if apart is None or known is None:
            return None
        names = apart[1]
        key, sent_id = names.get(_KEY), valid_id(names.get(HEADER))
        return known[0], msgspec.structs.replace(known[1], key=key, sent_id=sent_id)

    def learn(self, packet: bytes, head: Head, body_bytes: int) -> None:
        """Keep the block of a packet that the parser has read as one message with that head and so long a body.

        None is kept where a packet is anything but a plain request line, the block and the body.
        """
        line = _LINE.match(packet)
        if line is None:
            return
        begin = line.end()
        # From the end of the line on: behind no headers at all the blank line is there, and there is no block.
        end = packet.find(_BLANK_LINE, begin - 2)
        if not begin <= end <= begin + BLOCK_BYTES_MAX or len(packet) != end + _BLANK_LINE_BYTES + body_bytes:
            return
        block = packet[begin:end]
        if head.sent_id or head.key is not None:
            apart = _without_names(block)
            if apart is None:
                return
            block, head = apart[0], msgspec.structs.replace(head, key=None, sent_id=b"")
        if block not in self._known:
            self.kept_bytes += 2 * len(block) + BESIDE_BLOCK_BYTES
        self._known[block] = body_bytes, head
        while self.kept_bytes > self._bytes_max:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self.kept_bytes -= 2 * len(oldest) + BESIDE_BLOCK_BYTES


def _without_names(block: bytes) -> tuple[bytes, dict[bytes, bytes]] | None:
    """The block without the lines that name its one request, and what these say; None where there are none of them.

    None too where they cannot be taken out as lines: something is folded, one stands twice or need not be a value.
    """
    if len(block) > BLOCK_BYTES_MAX or b"\r\n " in block or b"\r\n\t" in block:
        return None
    names: dict[bytes, bytes] = {}
    others: list[bytes] = []
    for line in block.split(_LINE_END):
        if not line[:16].lower().startswith(_NAMING):
            others.append(line)
            continue
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if name in names or _NAME.match(value) is None:
            return None
        names[name] = value
    return (_LINE_END.join(others), names) if names and others else None
