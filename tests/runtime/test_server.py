"""The server's life in one process: ready, asked, stopped by a signal or by the desk itself."""

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bracketd.auth.gate import Gate
from bracketd.market.calendar import AlwaysOpen
from bracketd.runtime import server, staffing
from bracketd.runtime.clock import SystemClock, VirtualClock
from bracketd.runtime.desk import Desk
from bracketd.runtime.entrance import Entrance
from bracketd.runtime.listening import StartRefused
from bracketd.runtime.rates import Rates
from bracketd.runtime.sandbox import Sandbox
from bracketd.runtime.server import EXIT_FAILED, EXIT_STOPPED, run
from bracketd.runtime.settings import Settings


def serve_one_request(data: Path, during: Callable[[Desk], None], **choices: Any) -> tuple[int, int]:
    """Serve until `during`, called inside the only request, ends it; returns (exit code, the request's status)."""
    statuses: list[int] = []
    askers: list[Thread] = []

    def build_app(
        desk: Desk,
        gate: Gate,
        *,
        sandbox: Sandbox | None,
        cors: Sequence[str],
        entrance: Entrance,
        rates: Rates,
        **more: Any,
    ) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            during(desk)
            status = 200 if desk.serving else 503
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

        return app

    def ask(url: str) -> None:
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                statuses.append(reply.status)
        except urllib.error.HTTPError as refused:
            with refused:
                statuses.append(refused.code)

    def on_ready(url: str) -> None:
        askers.append(Thread(target=ask, args=(url,)))
        askers[0].start()

    code = run(Settings(data=data, **({"port": 0, "session": "always"} | choices)), build_app, on_ready)
    askers[0].join(10)
    return code, statuses[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_request_in_flight_is_answered_at_a_stop(tmp_path: Path, number: signal.Signals) -> None:
    """A request that is being served when the signal comes gets its answer, and the server ends with 0."""
    assert serve_one_request(tmp_path, lambda desk: os.kill(os.getpid(), number)) == (EXIT_STOPPED, 200)


def test_desk_that_stops_ends_the_server(tmp_path: Path) -> None:
    """When the desk stops itself, the request in flight is answered and the server ends with 3."""
    assert serve_one_request(tmp_path, lambda desk: desk.fail("told to")) == (EXIT_FAILED, 503)


def test_folder_is_free_after_a_stop(tmp_path: Path) -> None:
    """A server that has ended has given up its folder, and the next one starts on it at once."""
    for _ in range(2):
        assert serve_one_request(tmp_path, lambda desk: os.kill(os.getpid(), signal.SIGTERM))[0] == EXIT_STOPPED


def test_what_is_due_at_a_start_is_done_before_the_first_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day has begun in the engine when the port opens, and not with whatever comes first."""

    async def keep_nothing(desk: Desk) -> None:
        return

    monkeypatch.setattr(server, "keep_timing", keep_nothing)
    days: list[str] = []

    def look(desk: Desk) -> None:
        days.append(desk.state.day)
        os.kill(os.getpid(), signal.SIGTERM)

    serve_one_request(tmp_path, look, session="nse", feed="manual")
    assert len(days[0]) == 8


def test_the_server_keeps_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside its requests the server runs timekeeping on its desk, and ends it with itself."""
    kept: list[str] = []

    async def keep(desk: Desk) -> None:
        kept.append("begun")
        try:
            await desk.wait_failed()
        finally:
            kept.append("ended")

    monkeypatch.setattr(server, "keep_timing", keep)
    serve_one_request(tmp_path, lambda desk: os.kill(os.getpid(), signal.SIGTERM))
    assert kept == ["begun", "ended"]


@pytest.mark.parametrize(("warning", "told"), [("hours not known", 1), ("", 0)])
def test_an_unsure_session_table_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, warning: str, told: int
) -> None:
    """What the table is not sure of today is one warning in the log, and nothing is said where it is sure."""
    monkeypatch.setattr(AlwaysOpen, "warning_on", lambda self, date: warning)
    serve_one_request(tmp_path, lambda desk: os.kill(os.getpid(), signal.SIGTERM))
    warnings = [record.message for record in caplog.records if record.name == server.__name__]
    assert warnings.count("hours not known") == told


@pytest.mark.parametrize(("clock", "kind"), [("virtual", VirtualClock), ("system", SystemClock)])
def test_no_clock_tells_a_time_before_the_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, clock: str, kind: type
) -> None:
    """Either clock begins where the journal ended, also a journal from the future; the machine's says so in the log."""
    settings = Settings(data=tmp_path, clock=clock, sandbox=True)
    future_ns = 4_000_000_000 * 10**9
    begun = staffing._clock(settings, future_ns)
    assert (type(begun), begun.now_ns()) == (kind, future_ns)
    assert ("ahead of the machine's clock" in caplog.text) is (clock == "system")
    assert future_ns > staffing._clock(settings, 0).now_ns() > 10**18


def test_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """A data folder that is a file is one sentence, before any port is opened."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StartRefused, match="file"):
        serve_one_request(blocked, lambda desk: None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"session": "bse"},
        {"feed": "live"},
        {"port": -1},
        {"port": 65_536},
        {"clock": "sun"},
        {"clock": "virtual"},
        {"feed_interval_s": 0.0},
        {"cors": ("https://desk.example", "*")},
    ],
)
def test_settings_refuse_what_no_server_can_do(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """A setting outside its list or range never reaches a server."""
    with pytest.raises(ValueError):
        Settings(data=tmp_path, **wrong)
