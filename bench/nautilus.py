"""The peer in process: nautilus_trader's matching engine, in an environment of its own, beside our engine in turns."""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import inside
from bench.contestants import ENVIRONMENTS, PIP_INSTALL

PACKAGE = "nautilus_trader==1.221.0"
"""The last release with wheels for CPython 3.11."""

SCRIPT = Path(__file__).with_name("nautilus_peer.py")


def python() -> str:
    """Its interpreter, in an environment made on first use; raises RuntimeError where it does not install."""
    interpreter = ENVIRONMENTS / "nautilus" / "bin" / "python"
    if interpreter.exists():
        return str(interpreter)
    folder = interpreter.parents[1]
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False, capture_output=True, text=True)
    if not made.returncode:
        pip = [str(interpreter), *PIP_INSTALL, "--only-binary", ":all:", PACKAGE]
        made = subprocess.run(pip, check=False, capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise RuntimeError(_last_line(made.stderr))
    return str(interpreter)


ORDERS_MAX = 5_000
"""So many rest at once: with ten times as many its cancels take minutes, and ours what they took before."""


def beside(orders: int, rounds: int) -> dict[str, Any]:
    """Cancels a second of both, in turns, each in a process of its own. Raises RuntimeError without it."""
    interpreter = python()
    orders = min(orders, ORDERS_MAX)
    ours, theirs, ratios, version = [], [], [], ""
    for _ in range(rounds):
        mine = inside.apart("engine", orders)["cancels_per_s"]
        said = subprocess.run([interpreter, str(SCRIPT), str(orders)], check=False, capture_output=True, text=True)
        if said.returncode:
            raise RuntimeError(_last_line(said.stderr))
        peer = json.loads(said.stdout)
        version = peer["version"]
        ours.append(mine)
        theirs.append(peer["cancels_per_s"])
        ratios.append(mine / peer["cancels_per_s"])
    return {
        "version": version,
        "ours_per_s": statistics.median(ours),
        "peer_per_s": statistics.median(theirs),
        "ratio": statistics.median(ratios),
    }


def _last_line(told: str) -> str:
    return (told.strip().splitlines() or ["no word why"])[-1]
