"""A newcomer's first ten minutes, done by a program: from a clone to a cancelled bracket and to the test of a race.

`python3 examples/first_ten_minutes.py` does them in a folder that goes with it, says how long each step took, and with
`--page FILE` writes the page that shows them. It needs git, make, curl and Python, as the newcomer does.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[1]
NAIVE = '''"""What I want of my program: whatever happens, nothing is left open."""

from bracketd.client import Bracket, TooLate
from bracketd.testing import PaperBroker


def get_out(bracket: Bracket) -> None:
    """Out of a bracket."""
    bracket.cancel()


def test_nothing_is_left(broker: PaperBroker) -> None:
    """The order fills while its cancel is on the way."""
    broker.play("filled_during_cancel")
    get_out(broker.client("A").place_bracket("SBIN", "BUY", 10, price="456.00", target=4, stop=2))
    broker.tick("SBIN", "456.50", quantity=100)
    broker.settle()
    assert broker.position("A") == 0
'''
CAREFUL = '''def get_out(bracket: Bracket) -> None:
    """Out of a bracket, filled or not."""
    try:
        bracket.cancel()
    except TooLate:
        bracket.exit()
'''
SHOWN_CHARS = 160
"""Of a longer line the page shows so much."""

PYTEST = ".venv/bin/python -m pytest -q --tb=no -p no:cacheprovider test_race.py"


class Step(NamedTuple):
    """What was typed or written, what it printed, and how long it took; `told` is what the page says before it."""

    title: str
    told: str
    typed: str
    printed: str
    took_s: float
    language: str = "console"


class Failed(Exception):
    """A step did not come to what a newcomer is promised."""


def first_ten_minutes(folder: Path, environment: Path | None) -> Iterator[Step]:
    """Do the steps, one after the other, in `folder`. Raises Failed.

    With `environment`, a folder of site-packages that has what the lock pins, nothing is fetched from an index.
    """
    clone = folder / "bracketd"
    yield shell("Clone it", "", f"git clone --quiet {CHECKOUT} bracketd", folder, shown="git clone REPOSITORY bracketd")
    if environment is not None:
        lend(environment, clone)
    yield shell(
        "Install it",
        "`.venv` gets the pinned packages and bracketd itself. This is the step that takes time: it waits for a "
        "package index.",
        "make --no-print-directory install",
        clone,
        shown="cd bracketd\nmake install",
        quiet=True,
        offline=environment is not None,
    )
    yield from cancelled_bracket(clone)
    yield from tested_race(clone)


def cancelled_bracket(clone: Path) -> Iterator[Step]:
    """Start the demo, and do what it says."""
    began_s = time.monotonic()
    command = ["make", "--no-print-directory", "demo", "ARGS=--port 0"]
    demo = subprocess.Popen(
        command, cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        lines: list[str] = []
        for line in demo.stdout or ():
            lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        else:
            raise Failed("make demo ended before it served")
        said = "\n".join(line for line in lines if not line.startswith(("exec", "make")))
        told = "The demo serves a paper exchange that is always open, in this terminal until Ctrl-C."
        yield Step("Start the demo", told, "make demo", said, time.monotonic() - began_s)
        place, book, cancel = (line for line in lines if line.startswith("curl "))
        yield shell(
            "Place a bracket",
            "In another terminal, the first line that the demo has printed: buy one share of SBIN at a limit that the "
            "demo's market never reaches, with a target and a stop-loss one rupee away.",
            place,
            clone,
        )
        yield shell(
            "See it work", "The second line: the working orders. The bracket is one row until it fills.", book, clone
        )
        done = shell("Cancel it", "The third line. The answer comes when it is so, and on disk.", cancel, clone)
        if '"status":"success"' not in done.printed:
            raise Failed(f"the bracket was not cancelled: {done.printed}")
        yield done
    finally:
        os.killpg(demo.pid, signal.SIGTERM)
        demo.wait(20)
        if demo.stdout is not None:
            demo.stdout.close()


def tested_race(clone: Path) -> Iterator[Step]:
    """Write a program that has a race, let a test find it, mend it, and see the test pass."""
    program = clone / "test_race.py"
    program.write_text(NAIVE, encoding="utf-8")
    yield Step(
        "Write a program, and what you want of it",
        "A real market can fill an order while its cancel is on the way. The test kit makes it do so every time. "
        "`test_race.py`:",
        NAIVE,
        "",
        0.0,
        "python",
    )
    yield shell("See the race", "Nobody looked at the answer, so ten shares are still held.", PYTEST, clone, fails=True)
    mended = re.sub(r"def get_out.*?\n\n\n", lambda _: CAREFUL + "\n\n", NAIVE, flags=re.DOTALL)
    program.write_text(mended, encoding="utf-8")
    yield Step("Mend it", "TOO_LATE says that it has filled: then close it.", CAREFUL, "", 0.0, "python")
    yield shell("See it pass", "The same day, the same fill, and nothing is left.", PYTEST, clone)


def shell(
    title: str,
    told: str,
    command: str,
    folder: Path,
    *,
    shown: str = "",
    quiet: bool = False,
    offline: bool = False,
    fails: bool = False,
) -> Step:
    """Type one command; `shown` is how the page writes it, `fails` that it must not succeed. Raises Failed."""
    # Somebody who types has no pytest around him, and no make.
    around = ("PYTEST_", "MAKE", "MFLAGS", "PYTHON", "CI", "COV_")
    given = {name: value for name, value in os.environ.items() if not name.startswith(around)}
    given |= {"PIP_NO_INDEX": "1"} if offline else {}
    began_s = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=given, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    took_s = time.monotonic() - began_s
    if (done.returncode != 0) is not fails:
        raise Failed(f"{title}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return Step(title, told, shown or command, "" if quiet else done.stdout, took_s)


def lend(environment: Path, clone: Path) -> None:
    """Give the clone an environment that sees the packages of another one, so that nothing has to be fetched."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    (site,) = (clone / ".venv").glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(f"{environment.resolve()}\n", encoding="utf-8")


def page(steps: list[Step]) -> str:
    """The page that shows the steps, in Markdown."""
    parts = [
        "# The first ten minutes\n",
        "<!-- `make first-ten-minutes` writes this page; edit examples/first_ten_minutes.py. -->\n",
        prose(
            "From a clone to the first cancelled bracket, and on to the first test of a race. A program has typed what "
            "stands here, and CI types it again; what it printed is printed, long lines cut. Your token, ids and times "
            "are others."
        ),
    ]
    for number, step in enumerate(steps, 1):
        parts.append(f"## {number}. {step.title}\n")
        parts += [prose(step.told)] if step.told else []
        if step.language == "python":
            parts.append(f"```python\n{step.typed}```\n")
        else:
            typed = "".join(f"$ {line}\n" for line in step.typed.splitlines())
            parts.append(f"<!-- not run: rendered -->\n```console\n{typed}{readable(step.printed)}```\n")
    minutes, seconds = divmod(round(sum(step.took_s for step in steps)), 60)
    parts.append("## How long it took\n")
    parts.append("| Step | Seconds |\n|---|---:|")
    parts += [f"| {step.title} | {step.took_s:.1f} |" for step in steps if step.language != "python"]
    parts.append(f"\nTogether {minutes} min {seconds} s, less the reading: one run, and yours is another.\n")
    parts.append(
        "Next: [a program that trades, and its tests](tutorial.md), or "
        "[how to cancel a bracket safely](howto/cancel-a-bracket-safely.md).\n"
    )
    text = re.sub(r"eyJ[\w.-]+", "TOKEN", "\n".join(parts))
    text = re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8000", text)
    return re.sub(r"\S*/bracketd-demo-\w+", "a temporary folder", text)


def prose(text: str) -> str:
    """A paragraph in lines that an editor shows whole."""
    return textwrap.fill(text, 118) + "\n"


def readable(printed: str) -> str:
    """What a command printed, its long lines cut, with a line end where it had none."""
    lines = (line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]} ..." for line in printed.splitlines())
    return "".join(f"{line}\n" for line in lines)


def main() -> int:
    """Do the steps and say how long each took; the exit code is 1 where one failed."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--environment", type=Path, help="site-packages that have what the lock pins; fetch nothing")
    words.add_argument("--page", type=Path, help="write the page to this file")
    chosen = words.parse_args()
    steps: list[Step] = []
    with tempfile.TemporaryDirectory(prefix="bracketd-first-") as folder:
        try:
            for step in first_ten_minutes(Path(folder), chosen.environment):
                steps.append(step)
                sys.stdout.write(f"{step.took_s:6.1f} s  {step.title}\n")
                sys.stdout.flush()
        except Failed as fault:
            sys.stderr.write(f"{fault}\n")
            return 1
    sys.stdout.write(f"{sum(step.took_s for step in steps):6.1f} s  together\n")
    if chosen.page is not None:
        chosen.page.write_text(page(steps), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
