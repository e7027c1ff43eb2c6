"""Settings: what an operator may choose about one server, with the values that hold when he chooses nothing."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bracketd.runtime.rates import CANCELS_PER_S, ORDERS_PER_S, Rates

SESSIONS: Final = ("nse", "always")
FEEDS: Final = ("synthetic", "manual")
CLOCKS: Final = ("system", "virtual")
LOGS: Final = ("text", "json")

GRACEFUL_SHUTDOWN_S: Final = 2
"""Requests in flight at a stop are answered within this time; after it their connections are cut."""

KEEP_ALIVE_S: Final = 75
"""An idle connection is kept this long: longer than a proxy's usual 60 s, so that the proxy closes first."""

BACKLOG: Final = 2048
"""Connections the kernel holds while the loop is busy; the kernel's own limit may be lower."""

WS_MESSAGE_BYTES: Final = 65_536
"""The largest message that a websocket client may send; a larger one closes its connection (1009)."""

WS_PING_INTERVAL_S: Final = 20.0
"""A websocket is pinged this often. Whoever answers is there, so that no heartbeat of the client's is needed."""

WS_PING_TIMEOUT_S: Final = 30.0
"""A websocket peer that has not answered a ping by then is closed (1011). It may be busy for a while."""

_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?\Z", re.ASCII)
"""An origin as browsers write it: scheme, host in lower case, a port where it is not the usual one, no path."""


def is_origin(text: str) -> bool:
    """Whether the text is an origin as a browser names one; a wildcard is none."""
    return _ORIGIN.match(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One server's choices; `data` alone has no default, because a server without a folder has no memory."""

    data: Path
    """The folder of journal, clients and signing key, made with mode 0700 if it is not there; one server each."""

    host: str = "127.0.0.1"
    """The address to listen on. The default is this machine only; any other wants TLS, or `insecure`."""

    port: int = 8000
    """The TCP port; 0 takes a free one, which the first line of output names."""

    session: str = "nse"
    """`nse`: the session table of the National Stock Exchange. `always`: never closed, for trying things out."""

    feed: str = "synthetic"
    """`synthetic`: a seeded walk near each base price. `manual`: nothing prints but what the sandbox is sent."""

    sandbox: bool = False
    """Whether the sandbox routes exist: prints pushed by hand, a paper exchange that misbehaves as planned."""

    blotter: bool = False
    """Whether `/` is the page: a client's book in the browser. It wants the extra `bracketd[blotter]`."""

    clock: str = "system"
    """`system`: the machine's time. `virtual`: time goes on only when the sandbox is told to move it."""

    instruments: Path | None = None
    """The instrument file; None takes the one inside the package."""

    order_rate: int | None = None
    """Orders a second that one client may place or modify, 0 for any number. None: 10, or any with the sandbox."""

    cancel_rate: int | None = None
    """Cancels a second that one client may send, 0 for any number. None: 50, or any with the sandbox."""

    cors: tuple[str, ...] = ()
    """The origins, such as `https://desk.example`, whose pages a browser lets call; none by default."""

    tls_cert: Path | None = None
    """The certificate chain in PEM; with `tls_key` the server speaks HTTPS and nothing else."""

    tls_key: Path | None = None
    """The certificate's key in PEM, not encrypted."""

    insecure: bool = False
    """Whether passwords and tokens may go over plain HTTP to other machines, as behind a proxy that speaks TLS."""

    metrics_open: bool = False
    """Whether other machines may read `/metrics`; without it only this machine, and nothing that a proxy passes on."""

    log: str = "text"
    """`text`: a line for people. `json`: one object a line, for programs."""

    snapshot_every: int = 200_000
    """After so many records a snapshot is made beside the server; 0 makes one at a start after a long tail only."""

    feed_interval_s: float = 0.25
    """The synthetic feed prints every instrument once in this many seconds."""

    feed_seed: int = 1
    """The seed of the synthetic walk: the same seed gives the same prices."""

    def __post_init__(self) -> None:
        """Raise ValueError for a value outside its list or range."""
        if self.session not in SESSIONS:
            raise ValueError(f"session must be one of {', '.join(SESSIONS)}")
        if self.feed not in FEEDS:
            raise ValueError(f"feed must be one of {', '.join(FEEDS)}")
        if self.clock not in CLOCKS:
            raise ValueError(f"clock must be one of {', '.join(CLOCKS)}")
        if self.log not in LOGS:
            raise ValueError(f"log must be one of {', '.join(LOGS)}")
        if self.clock == "virtual" and not self.sandbox:
            raise ValueError("a virtual clock needs the sandbox, which moves it")
        if not 0 <= self.port <= 65_535:
            raise ValueError("port must be 0 to 65535")
        if (self.tls_cert is None) is not (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        for origin in self.cors:
            if not is_origin(origin):
                raise ValueError(f"cors must be an origin such as https://desk.example, not {origin!r}")
        if self.snapshot_every < 0:
            raise ValueError("snapshot_every must be 0 or more records")
        if self.feed_interval_s <= 0:
            raise ValueError("feed_interval_s must be positive")
        self.rates()

    def rates(self) -> Rates:
        """Fresh buckets at the rates that hold. Raises ValueError for a negative one."""
        orders_per_s, cancels_per_s = (0, 0) if self.sandbox else (ORDERS_PER_S, CANCELS_PER_S)
        return Rates(
            orders_per_s if self.order_rate is None else self.order_rate,
            cancels_per_s if self.cancel_rate is None else self.cancel_rate,
        )
