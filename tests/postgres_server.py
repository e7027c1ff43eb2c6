"""PostgreSQL servers to test with: each in a temporary folder, on a free port, run by a user that is not root.

A machine without PostgreSQL skips what needs one; with CI=true that is a failure instead.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY_BYTES_MIN = 2 * 1024**3
VERSIONS = (15, 16, 17, 18)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "wal_level": "replica",
    "log_min_messages": "fatal",
}


def binary(name: str) -> str | None:
    """The path of one of PostgreSQL's programs, None where it is not installed."""
    for version in VERSIONS:
        path = Path(f"/usr/lib/postgresql/{version}/bin/{name}")
        if path.exists():
            return str(path)
    return shutil.which(name)


def require(*names: str) -> None:
    """Skip the test with a word where a program is missing, or fail where none may be."""
    missing = [name for name in names if binary(name) is None]
    if not missing:
        return
    word = f"not installed: {', '.join(missing)} (Debian: postgresql-15, etcd-server)"
    if os.environ.get("CI") == "true":
        pytest.fail(word)
    pytest.skip(word)


def unprivileged() -> list[str]:
    """What to put before a command so that root's rights are not used: PostgreSQL refuses them."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _place() -> str:
    """Where servers are made: in memory, where there is room. Each database is some 300 files, and all of them go."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN else "/tmp"


class PostgresServer:
    """One server: `address(database)` leads to it, `database()` makes a new, empty one in it."""

    def __init__(self, user: str = "bracketd") -> None:
        self.port = free_port()
        self.user = user
        self.folder = Path(tempfile.mkdtemp(prefix="bracketd-postgres-", dir=_place()))
        if os.geteuid() == 0:
            os.chown(self.folder, pwd.getpwnam("postgres").pw_uid, -1)
        self._databases = 0
        try:
            self._run("initdb", "-D", str(self.folder / "data"), "-U", user, "--auth=trust", "-E", "UTF8", "--no-sync")
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start, or start again, and wait until it answers."""
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options += f" -c port={self.port} -c unix_socket_directories={self.folder}"
        data = str(self.folder / "data")
        self._run("pg_ctl", "-D", data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def restart(self) -> None:
        """Stop it as one that has no work left, and start it on the same files."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "fast", "-w", "stop")
        self.start()

    @property
    def pid(self) -> int:
        """The process that the server's others are children of."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def address(self, database: str = "postgres") -> str:
        """How a client names a database of this server."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """The address of a new, empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.psql(f"CREATE DATABASE {name}")
        return self.address(name)

    def psql(self, sql: str, database: str = "postgres") -> str:
        """What one statement answers."""
        command = [binary("psql") or "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run([*command, self.address(database)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self) -> None:
        """End it and forget its data."""
        if (self.folder / "data" / "postmaster.pid").exists():
            os.kill(self.pid, signal.SIGCONT)
            self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, name: str, *arguments: str) -> None:
        command = [*unprivileged(), binary(name) or name, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def running_server() -> Iterator[PostgresServer]:
    """A server for as long as a fixture lasts."""
    require("postgres", "initdb", "pg_ctl", "psql")
    server = PostgresServer()
    yield server
    server.stop()
