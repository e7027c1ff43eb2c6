"""What a snapshot costs those who wait: the longest wait of a probe while one is made, beside one while none is."""

import http.client
import statistics
import time
from pathlib import Path
from typing import Any

from bench.contestants import Running, bracketd, running
from bench.stock import lay_in
from bracketd.journal.snapshot_file import FILE_NAME, kept_seq

LIMIT_S = 120.0


def snapshot_pause(folder: Path, brackets: int, rounds: int) -> dict[str, Any]:
    """Milliseconds, medians of rounds in turns; each round has a server of its own, which has a snapshot to make."""
    data = folder / "paused"
    lay_in(data, brackets)
    while_made, while_none, took_s = [], [], []
    for _ in range(rounds):
        (data / FILE_NAME).unlink(missing_ok=True)
        with running("snapshot", [*bracketd(data), "--snapshot-every", "1000"], "/readyz") as one:
            began = time.monotonic()
            while_made.append(_longest_ms(one, data, LIMIT_S))
            took_s.append(time.monotonic() - began)
        with running("none", [*bracketd(data), "--snapshot-every", "0"], "/readyz") as one:
            while_none.append(_longest_ms(one, None, took_s[-1]))
    return {
        "brackets": brackets,
        "made_ms": statistics.median(while_made),
        "none_ms": statistics.median(while_none),
        "took_s": statistics.median(took_s),
        "bytes": (data / FILE_NAME).stat().st_size,
    }


def _longest_ms(one: Running, data: Path | None, limit_s: float) -> float:
    """Ask for /healthz again and again until the folder has a snapshot, or for so long."""
    probe = http.client.HTTPConnection("127.0.0.1", one.port, timeout=30)
    longest_s, until = 0.0, time.monotonic() + limit_s
    while time.monotonic() < until and not (data is not None and kept_seq(data)):
        began = time.perf_counter()
        probe.request("GET", "/healthz")
        probe.getresponse().read()
        longest_s = max(longest_s, time.perf_counter() - began)
        time.sleep(0.001)
    probe.close()
    if data is not None and not kept_seq(data):
        raise RuntimeError("no snapshot was made")
    return longest_s * 1e3
