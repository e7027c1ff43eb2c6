"""Turns: runs of several contestants one after the other, again and again, so that all meet the same machine."""

import statistics
import subprocess
from typing import Any

import msgspec

from bench.contestants import Running
from bench.load import Plan, Result, run

FAULTS = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    LookupError,
    EOFError,
    subprocess.SubprocessError,
    msgspec.MsgspecError,
)
"""What a contestant or a measurement may end in without ending the others."""


def why(fault: BaseException) -> str:
    """A fault on one line."""
    said = getattr(fault, "stderr", "") or str(fault) or type(fault).__name__
    return str(said).strip().rpartition("\n")[2][:200]


class Series:
    """Runs of several contestants in turns, and where each is in its stock.

    Who fails once takes no further turn: why is kept in `lost`, by the contestant's name.
    """

    def __init__(self) -> None:
        self.lost: dict[str, str] = {}
        self.results: dict[tuple[str, str, int], list[Result]] = {}
        self.cpu_us: dict[tuple[str, str, int], list[float]] = {}
        self._skip: dict[int, int] = {}

    def once(self, work: str, one: Running, plan: Plan, connections: int, seconds: int) -> None:
        """One run of one contestant."""
        if one.name in self.lost:
            return
        key = (work, one.name, connections)
        skip = self._skip.get(one.port, 0)
        try:
            before = one.cpu_s()
            result = run(one.port, plan, connections, seconds, skip)
            used_s = one.cpu_s() - before
            if 0 < plan.once < skip + result.used:
                raise RuntimeError(f"its {plan.once:,} orders are used up")
        except FAULTS as fault:
            self.lost[one.name] = f"{one.name}: no further turn, {work} failed: {why(fault)}"
            return
        if work == "cancel":
            self._skip[one.port] = skip + result.used
        self.results.setdefault(key, []).append(result)
        self.cpu_us.setdefault(key, []).append(used_s / max(1, result.requests) * 1e6)

    def medians(self) -> list[dict[str, Any]]:
        """A row for each work, contestant and number of connections."""
        return [
            {
                "work": work,
                "name": name,
                "connections": connections,
                "per_second": statistics.median(each.per_second for each in results),
                "p50_us": statistics.median(each.p50_us for each in results),
                "p99_us": statistics.median(each.p99_us for each in results),
                "cpu_us": statistics.median(self.cpu_us[work, name, connections]),
                "refused": sum(each.refused + each.socket_errors for each in results),
            }
            for (work, name, connections), results in self.results.items()
        ]
