"""One shell for a page: its blocks run in it one after the other, as whoever reads the page would type them."""

import contextlib
import doctest
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

END = "end of block"
BLOCK_S = 60
"""A block that takes longer than this waits for something that does not come."""

CHECKER = doctest.OutputChecker()


class Shell:
    """A bash that stays, with the variables and the folder that earlier blocks have left."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        """Begin in `folder`; programs of this environment come first on the path."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._folder = folder
        self._count = 0
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "120", **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, text: str, *, stop: bool) -> tuple[int, str]:
        """(exit code, output) of a piece of shell; with `stop` it ends at the first command that fails."""
        self._count += 1
        script = self._folder / f".block-{self._count}.sh"
        script.write_text(text if not stop else f"set -e\n{text}\nset +e\n", encoding="utf-8")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"source {shlex.quote(str(script))} </dev/null; printf '\\n{END} %d\\n' $?\n")
            self._process.stdin.flush()
        told: list[str] = []
        # What does not end is ended, and is then as untrue as what fails.
        limit = threading.Timer(BLOCK_S, self._kill)
        limit.start()
        try:
            for line in self._process.stdout:
                if line.startswith(END):
                    # The line end before the mark is the mark's.
                    return int(line.rsplit(" ", 1)[1]), "".join(told)[:-1]
                told.append(line)
        finally:
            limit.cancel()
        # It has ended itself, which no block may do.
        return self._process.wait(10) or 1, "".join(told)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the shell and whatever it left running."""
        self._kill()
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(command, output) of each prompt of a console block; a line that begins with `> ` goes on with the command."""
    command, output = "", ""
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            if command:
                yield command, output
            command, output = line[2:], ""
        elif line.startswith("> ") and not output:
            command += line[2:]
        else:
            if not command:
                raise ValueError("a console block begins with a prompt, `$ `")
            output += line
    if command:
        yield command, output


def agrees(printed: str, shown: str) -> bool:
    """Whether a command printed what its page shows; `...` there stands for anything."""
    return CHECKER.check_output(shown.rstrip("\n") + "\n", printed.rstrip("\n") + "\n", doctest.ELLIPSIS)
