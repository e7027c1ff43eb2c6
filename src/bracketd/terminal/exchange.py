"""The paper exchange of a server with a sandbox, spoken to by its public routes (docs/sandbox.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bracketd.client.connection import Connection
from bracketd.client.dialogue import Dialogue
from bracketd.client.errors import Refused
from bracketd.client.orders import Instrument
from bracketd.client.replies import as_mapping
from bracketd.client.talk import Again, Call, ask
from bracketd.terminal.recording import Level, Print
from bracketd.terminal.verdict import REFUSED, Verdict

NS_PER_S: Final = 1_000_000_000
LEAP_NS_MAX: Final = 30 * 86_400 * NS_PER_S
"""The clock goes at most 31 days at once; it is moved by less."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The server's clock: unix nanoseconds, whether it is moved by hand, and how far the trading day has come."""

    now_ns: int
    virtual: bool
    stage: str


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
        """Move a virtual clock to a moment, with all that falls due on the way; returns when that is on disk.

        A moment goes over the wire in whole microseconds, the next one where it is finer.
        """
        seconds, microseconds = divmod(-(-at_ns // 1_000), 1_000_000)
        moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)
        return _clock(self._ask(Call("POST", "/sandbox/v1/clock", body={"to": moment.isoformat()}), Again.UNSENT))

    def push(self, what: Print, instrument: Instrument, tick_id: str) -> None:
        """Push a print; returns when it, and all that it caused, is on disk. It is never sent twice."""
        body: dict[str, object] = {
            "exchange": instrument.exchange,
            "instrument_token": int(instrument.token),
            "last_price": what.price,
            "last_quantity": what.quantity,
            "tick_id": tick_id,
        }
        for name, side in (("bids", what.bids), ("asks", what.asks)):
            if side is not None:
                body[name] = [_level(level) for level in side]
        self._ask(Call("POST", "/sandbox/v1/ticks", body=body), Again.UNSENT)

    def _ask(self, call: Call, again: Again) -> Mapping[str, Any]:
        return self._connection.run(ask(call, again, 4))


def _level(level: Level) -> list[object]:
    return [level[0], level[1]]


def _clock(body: Mapping[str, Any]) -> Clock:
    data = as_mapping(body.get("data"), "data of the clock")
    return Clock(int(data.get("now_ns", 0)), data.get("clock") == "virtual", str(data.get("stage", "")))
