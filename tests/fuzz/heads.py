"""The fuzzers' fourth target: bytes on a connection, told to three servers that must answer and do the same.

One knows headers again that it has read before, one forgets them at once, and one asks its application each time.
"""

import asyncio
from typing import Final

from tests.wire.both_ways import House, settle

PART: Final = b"\x02"
PACKETS_MAX: Final = 6
INPUTS_PER_STREET: Final = 200
"""After so many inputs new houses are built: what is placed stays."""

Said = list[tuple[bytes, bool, bool]]


class _Street:
    """Three houses that stand the same, on one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._houses: list[House] = []
        self._inputs = 0

    def told(self, packets: list[bytes]) -> list[tuple[Said, int]]:
        """What each house says to the packets, told twice, and how many steps it has taken."""
        return self._loop.run_until_complete(self._told(packets))

    async def _told(self, packets: list[bytes]) -> list[tuple[Said, int]]:
        if self._inputs % INPUTS_PER_STREET == 0:
            self._houses = [House(at_once=True), House(at_once=True, forgetful=True), House(at_once=False)]
            for house in self._houses:
                await house.place()
        self._inputs += 1
        return [(await _talks(house, packets), house.desk.commit.durable_seq) for house in self._houses]


async def _talks(house: House, packets: list[bytes]) -> Said:
    said: Said = []
    for _ in range(2):
        call = house.call()
        for packet in packets:
            if not call.wire.closed:
                await call.say(packet)
        said.append((call.wire.written, call.wire.closed, call.wire.closed or call.wire.reading))
        call.leave()
        await settle()
    return said


_streets: list[_Street] = []


def heads(data: bytes) -> str:
    """Packets, parted by NUL, told twice; what is wrong with the answers, "" for nothing.

    A packet of three parts is a line, headers and a body, whose length is declared as it is; any other goes as it is.
    """
    if not _streets:
        _streets.append(_Street())
    packets = [_packet(each) for each in data.split(b"\x00")[:PACKETS_MAX]]
    knowing, forgetful, asking = _streets[0].told(packets)
    if knowing != forgetful:
        return f"known headers are another request: {knowing} {forgetful}"
    if knowing != asking:
        return f"the connection answers otherwise than the application: {knowing} {asking}"
    if any(b"HTTP/1.1 500" in written for written, _, _ in knowing[0]):
        return f"a fault of ours: {knowing}"
    return ""


def _packet(sent: bytes) -> bytes:
    parts = sent.split(PART)
    if len(parts) != 3:
        return sent
    line, block, body = parts
    return b"%b\r\n%b\r\ncontent-length: %d\r\n\r\n%b" % (line, block, len(body), body)
