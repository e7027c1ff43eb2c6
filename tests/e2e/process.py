"""One real bracketd process on a data folder of its own, started by its console script and stopped by its pid."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import apsw
from tests.e2e.caller import Caller

BRACKETD = Path(sys.executable).with_name("bracketd")
ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_TRIES = 600
START_TRY_S = 0.05
"""A start is waited for at most 30 s, in steps that end at once when the process ends."""

STOP_S = 10.0
COMMAND_S = 60.0
_READY = re.compile(r"at http://127\.0\.0\.1:(\d+)\s*$", re.MULTILINE)


class NotStarted(Exception):
    """The process ended, or did not become ready in time; the text is what it wrote."""


def command(*arguments: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run one verb of bracketd to its end, with a text on its standard input."""
    done = subprocess.run(
        [BRACKETD, *arguments], capture_output=True, text=True, check=False, timeout=COMMAND_S, input=stdin
    )
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


class Server:
    """A data folder with its clients, and the process that serves it; the folder outlives the process.

    `more` are further arguments of `bracketd serve`. `module` is one of these tests' own by which `bracketd` is run,
    with its arguments, where something about the process itself is to be otherwise.
    """

    def __init__(
        self,
        folder: Path,
        clients: tuple[str, ...] = ("C1", "C2"),
        cash: str = "10000000",
        more: tuple[str, ...] = (),
        *,
        session: str = "always",
        sandbox: bool = True,
        token_ttl: str = "12h",
        module: tuple[str, ...] = (),
    ) -> None:
        self.data = folder / "data"
        self.session = session
        self.sandbox = sandbox
        self._out = folder / "out.txt"
        self._err = folder / "err.txt"
        self.more = more
        self.module = module
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.tokens: dict[str, str] = {}
        for client in clients:
            command("client", "add", client, "--data", str(self.data), "--cash", cash)
            self.tokens[client] = command("token", client, "--data", str(self.data), "--ttl", token_ttl).stdout.strip()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process."""
        assert self._process is not None, "the server is not started"
        return self._process

    def start(self) -> None:
        """Start the process and wait until it says that it serves; raises NotStarted."""
        program = [sys.executable, "-m", *self.module] if self.module else [str(BRACKETD)]
        arguments = [*program, "serve", "--data", str(self.data), "--host", HOST, "--port", "0"]
        arguments += ["--session", self.session, "--feed", "manual", *self.more]
        arguments += ["--sandbox"] if self.sandbox else []
        with self._out.open("wb") as out, self._err.open("ab") as err:
            where = ROOT if self.module else None
            self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=where)
        for _ in range(START_TRIES):
            ready = _READY.search(self._out.read_text())
            if ready is not None:
                self.port = int(ready.group(1))
                if self.caller("").get("/readyz").status == 200:
                    return
            try:
                self.process.wait(START_TRY_S)
            except subprocess.TimeoutExpired:
                continue
            break
        self.kill()
        raise NotStarted(self.said())

    def caller(self, client: str = "C1") -> Caller:
        """Someone who speaks to the server as a client; "" has no token."""
        return Caller(HOST, self.port, client, self.tokens.get(client, ""))

    def kill(self) -> None:
        """End the process as a power cut would; nothing if it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._process = None

    def terminate(self, wait_s: float = STOP_S) -> int:
        """Ask the process to stop; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended(wait_s)

    def ended(self, wait_s: float = STOP_S) -> int:
        """Wait for the end of the process; returns its exit code."""
        code = self.process.wait(wait_s)
        self._process = None
        return code

    def said(self) -> str:
        """All that the process wrote on stderr, and its last run on stdout."""
        return self._out.read_text() + self._err.read_text()

    def errors(self) -> str:
        """All that the process wrote on stderr."""
        return self._err.read_text()

    def records(self) -> int:
        """How many records the journal holds, read beside the server."""
        journal = apsw.Connection(str(self.data / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            journal.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            journal.set_busy_timeout(5_000)
            (count,) = journal.execute("SELECT count(*) FROM event").fetchone()
        finally:
            journal.close()
        assert isinstance(count, int)
        return count

    def verify(self) -> subprocess.CompletedProcess[str]:
        """What `bracketd verify` says of the folder."""
        return command("verify", "--data", str(self.data), check=False)
