"""The live blotter in a real pseudo-terminal, over a restart of the server; and as lines where there is none."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.process import BRACKETD, HOST, Server
from tests.terminal.conftest import Typist

pytestmark = pytest.mark.slow

WAIT_S = 30.0
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Screen:
    """A program in a pseudo-terminal of 40 lines and 160 columns: what it shows, and the keys that are pressed."""

    def __init__(self, typist: Typist, *words: str, **environment: str) -> None:
        self._terminal, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        self.before = termios.tcgetattr(inside)
        self._inside = inside
        self.process = subprocess.Popen(
            [BRACKETD, *words],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env={**typist.environment, "TERM": "xterm-256color", **environment},
            start_new_session=True,
            # Its keyboard as well: Ctrl-C is a signal to whoever the terminal controls.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.raw = ""
        self._seen = 0

    def awaits(self, *words: str) -> str:
        """Wait until all of these were shown after what was awaited before; returns what was shown, without colours."""
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            shown = ESCAPES.sub("", self.raw[self._seen :])
            if all(word in shown for word in words):
                self._seen = len(self.raw)
                return shown
            self._read(0.2)
        shown = re.sub(r"\s*\n\s*", "\n", ESCAPES.sub("", self.raw))
        raise AssertionError(f"{words} were not shown: {shown[-3000:]}")

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def ends(self) -> int:
        """Wait for the end; returns the exit code."""
        until_s = time.monotonic() + WAIT_S
        while self.process.poll() is None and time.monotonic() < until_s:
            self._read(0.1)
        self._read(0)
        return self.process.wait(1)

    def settings(self) -> list[object]:
        """How the terminal is set."""
        return list(termios.tcgetattr(self._inside))

    def close(self) -> None:
        """End the program and the terminal."""
        self.process.kill()
        self.process.wait(10)
        os.close(self._inside)
        os.close(self._terminal)

    def _read(self, wait_s: float) -> None:
        with contextlib.suppress(OSError):
            while select.select([self._terminal], [], [], wait_s)[0]:
                self.raw += os.read(self._terminal, 65_536).decode(errors="replace")
                wait_s = 0


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may kill."""
    server = Server(tmp_path, more=("--clock", "virtual"), token_ttl="365d")
    server.start()
    try:
        yield server
    finally:
        server.kill()


def test_the_blotter_lives_over_a_restart(fragile: Server, tmp_path: Path) -> None:
    """What stands, what changes, UNPROTECTED, a server that goes away and comes back: all is shown, and q leaves."""
    typist = Typist(tmp_path, BRACKETD_URL=f"http://{HOST}:{fragile.port}", BRACKETD_TOKEN=fragile.tokens["C1"])
    trader = fragile.caller()
    first = trader.place(price=440)
    screen = Screen(typist, "watch")
    try:
        screen.awaits("C1 at http://", first.entry_id, "CONFIRMED", "1 live, 0 over   live ")
        second = trader.place(price=450)
        screen.awaits(second.entry_id, "2 live, 0 over")
        trader.tick(450, 10, bids=[], asks=[])
        screen.awaits("STOPLOSS", "TRIGGER_PENDING", "10 SBIN-EQ at 450.00", "COMPLETE")
        trader.tick(450.5, 0, bids=[], asks=[])
        trader.tick(450.5, 1, bids=[], asks=[])
        screen.awaits("SBIN-EQ +10 at 450.00, last 450.50: +5.00")
        trader.faults({"on": "leg", "action": "refuse", "leg": "STOPLOSS"}, {"on": "close", "action": "refuse"})
        bare = trader.place(price=451)
        trader.tick(451, 10, bids=[])
        screen.awaits(f" UNPROTECTED: {bare.entry_id}: shares are open that no working order would close ")
        fragile.kill()
        screen.awaits("trying again")
        fragile.more += ("--port", str(fragile.port))
        fragile.start()
        screen.awaits("live, 0 over   live ", first.entry_id, bare.entry_id)
        trader = fragile.caller()
        trader.advance(2_000)
        trader.cancel(first.entry_id)
        shown = screen.awaits("2 live, 1 over", "CANCELLED")
        assert "trying again" not in shown.rpartition("C1 at http://")[2]
        screen.press("x")
        screen.press("q")
        assert screen.ends() == 0
        assert "\x1b[?1049l" in screen.raw, "the terminal's own screen is back"
        assert screen.raw.count("\a") == 1, "it rings once for what is bare, also over the restart"
        assert screen.settings() == list(screen.before)
    finally:
        screen.close()


def test_ctrl_c_leaves_the_terminal_as_it_was(typist: Typist) -> None:
    """An interrupt ends the blotter with its own exit code, and the keys are echoed again."""
    screen = Screen(typist, "watch", NO_COLOR="1")
    try:
        screen.awaits("live, ")
        screen.press("\x03")
        assert screen.ends() == 130
        assert screen.settings() == list(screen.before)
        assert re.search(r"\x1b\[[0-9;]*3[0-7]", screen.raw) is None, "NO_COLOR is honoured"
    finally:
        screen.close()


def test_colours_are_there_on_a_terminal(typist: Typist) -> None:
    """The same verb that is plain in a pipe has colours on a terminal, and asks there."""
    words = ("place", "SBIN", "BUY", "1", "--price", "440", "--target", "4", "--stop", "2")
    screen = Screen(typist, *words)
    try:
        screen.awaits("Place it? [y/N]")
        screen.press("n\n")
        assert screen.ends() == 1
        assert "Nothing was sent." in screen.raw
    finally:
        screen.close()
    order_id = typist.placed("--price", "440")
    screen = Screen(typist, "orders")
    try:
        screen.awaits(order_id)
        assert screen.ends() == 0
        assert "\x1b[32m" in screen.raw
    finally:
        screen.close()


def test_lines_without_a_terminal(fragile: Server, tmp_path: Path) -> None:
    """In a pipe each change is a line, each once, over a restart of the server too; Ctrl-C ends it."""
    typist = Typist(tmp_path, BRACKETD_URL=f"http://{HOST}:{fragile.port}", BRACKETD_TOKEN=fragile.tokens["C1"])
    first = fragile.caller().place(price=440)
    process = subprocess.Popen(
        [BRACKETD, "watch", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**typist.environment, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert json.loads(process.stdout.readline())["order"]["order_id"] == first.entry_id
        fragile.kill()
        assert "trying again" in process.stderr.readline()
        fragile.more += ("--port", str(fragile.port))
        fragile.start()
        second = fragile.caller().place(price=441)
        assert json.loads(process.stdout.readline())["order"]["order_id"] == second.entry_id
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 130
    finally:
        process.kill()
        process.communicate()
