"""The paper exchange of a server with a sandbox, spoken to by its public routes (docs/sandbox.md)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bracketd.client.connection import Connection
from bracketd.client.dialogue import Dialogue
from bracketd.client.errors import Refused
from bracketd.client.orders import Instrument
from bracketd.client.replies import as_mapping
from bracketd.client.talk import Again, Call, ask
from bracketd.terminal.recording import Print
from bracketd.terminal.verdict import REFUSED, Verdict

NS_PER_S: Final = 1_000_000_000
_PLACE: Final = re.compile(r"prints\[(\d+)\]\.")
LEAP_NS_MAX: Final = 30 * 86_400 * NS_PER_S
"""The clock goes at most 31 days at once; it is moved by less."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A print as it is pushed: of which instrument, under which name, and to which moment the clock is moved first.

    `at_ns` is in unix nanoseconds, None where the clock is the machine's.
    """

    what: Print
    instrument: Instrument
    tick_id: str
    at_ns: int | None = None

    def body(self) -> dict[str, object]:
        """What is sent of it. A moment goes over the wire in whole microseconds, the next one where it is finer."""
        body: dict[str, object] = {
            "exchange": self.instrument.exchange,
            "instrument_token": int(self.instrument.token),
            "last_price": self.what.price,
            "last_quantity": self.what.quantity,
            "tick_id": self.tick_id,
        }
        for name, side in (("bids", self.what.bids), ("asks", self.what.asks)):
            if side is not None:
                body[name] = [[price, quantity] for price, quantity in side]
        if self.at_ns is not None:
            body["at"] = _iso(self.at_ns)
        return body


@dataclass(frozen=True, slots=True)
class Clock:
    """The server's clock: unix nanoseconds, whether it is moved by hand, and how far the trading day has come."""

    now_ns: int
    virtual: bool
    stage: str


class PrintRefused(Exception):
    """A print of a run cannot be; none of the run was pushed. `place` counts from 0, `refused` speaks of it alone."""

    def __init__(self, place: int, refused: Refused) -> None:
        super().__init__(refused.message)
        self.place = place
        self.refused = refused


class PaperExchange:
    """Prints by hand, and the clock. `token` is for finding instruments alone: the sandbox asks for none."""

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        self._connection = Connection(url, token, timeout_s, None, None, None)
        self._dialogue = Dialogue("", 4, idempotent=True)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def find(self, name: str) -> Instrument:
        """An instrument by its symbol, or by "NSE:3045". Raises UnknownInstrument."""
        return self._connection.run(self._dialogue.find(name))

    def clock(self) -> Clock:
        """What time it is at the server. Raises Verdict where it has no sandbox for us."""
        try:
            return _clock(self._ask(Call("GET", "/sandbox/v1/clock"), Again.SAFE))
        except Refused as refused:
            if refused.status != 404:
                raise
            text = "The server has no sandbox, or not for this machine: serve with --sandbox. Nothing was replayed."
            raise Verdict(text, REFUSED, kind="NoSandbox") from refused

    def move_to(self, at_ns: int) -> Clock:
        """Move a virtual clock to a moment, with all that falls due on the way; returns when that is on disk."""
        return _clock(self._ask(Call("POST", "/sandbox/v1/clock", body={"to": _iso(at_ns)}), Again.UNSENT))

    def push(self, prints: Sequence[Pushed]) -> int:
        """Push prints one after the other; returns when they, and all that they caused, are on disk.

        Returns how many were pushed, which is fewer where the clock stopped on the way: asking for the others goes on
        from there. Nothing is sent twice. Raises PrintRefused or Refused, and then none was pushed.
        """
        call = Call("POST", "/sandbox/v1/run", body={"prints": [each.body() for each in prints]})
        try:
            body = self._ask(call, Again.UNSENT)
        except Refused as refused:
            place = _PLACE.search(refused.message)
            if place is None:
                raise
            raise PrintRefused(int(place[1]), _of_one(refused, place[0])) from refused
        return int(as_mapping(body.get("data"), "data of the run").get("pushed", 0))

    def _ask(self, call: Call, again: Again) -> Mapping[str, Any]:
        return self._connection.run(ask(call, again, 4))


def _iso(at_ns: int) -> str:
    """A moment as ISO 8601."""
    seconds, microseconds = divmod(-(-at_ns // 1_000), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds).isoformat()


def _of_one(refused: Refused, place: str) -> Refused:
    """The refusal of a run worded as that of the one print which it names."""
    named, message = refused.field.removeprefix(place), refused.message.replace(place, "")
    return type(refused)(message, status=refused.status, code=refused.code, field=named)


def _clock(body: Mapping[str, Any]) -> Clock:
    data = as_mapping(body.get("data"), "data of the clock")
    return Clock(int(data.get("now_ns", 0)), data.get("clock") == "virtual", str(data.get("stage", "")))
