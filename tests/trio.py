"""A replicated PostgreSQL of three nodes to test with, one for a whole run: it is up after some fifteen seconds."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.postgres_server import binary, require

from bracketd.cluster.patroni import SUPERUSER
from bracketd.cluster.plan import ROLE, Node
from bracketd.cluster.trio import Cluster


class Trio:
    """Three nodes, whose programs can be killed or frozen, and started again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bracketd-trio-", dir="/tmp"))
        # Whoever runs the nodes must come in.
        self.folder.chmod(0o755)
        self.cluster = Cluster.make(self.folder / "cluster", 3)
        try:
            self.up()
        except BaseException:
            # Whoever asked gets no trio that he could end.
            self.end()
            raise

    def up(self) -> None:
        """Start whatever does not run, and wait until all three are there."""
        self.cluster.start()
        self.cluster.wait_up()

    @property
    def primary(self) -> Node:
        """The node that takes writes."""
        found = self.cluster.primary
        assert found is not None, self.cluster.states()
        return found

    @property
    def standbys(self) -> list[Node]:
        """The other two."""
        primary = self.primary
        return [node for node in self.cluster.plan.nodes if node != primary]

    def address(self) -> str:
        """The cluster's address with the primary of this moment as the last of its hosts."""
        head, _, tail = self.cluster.plan.address.rpartition("@")
        hosts, _, database = tail.partition("/")
        mine = f"127.0.0.1:{self.primary.postgres_port}"
        ordered = [host for host in hosts.split(",") if host != mine]
        return f"{head}@{','.join([*ordered, mine])}/{database}"

    def database(self, name: str) -> str:
        """The same of another database, which is made where it is not there: for a test that looks at all of one."""
        ask = f"postgresql://{SUPERUSER}:{self.cluster.plan.superuser_password}@127.0.0.1:{self.primary.postgres_port}"
        command = [binary("psql") or "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", f"{ask}/postgres", "-c"]
        if not _answer([*command, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"]):
            _answer([*command, f"CREATE DATABASE {name} OWNER {ROLE}"])
        return f"{self.address().rpartition('/')[0]}/{name}"

    def signal(self, node: Node, number: signal.Signals, *, programs: tuple[str, ...] = ("etcd", "patroni")) -> None:
        """Send a signal to a node's programs, PostgreSQL and all its children first."""
        for pid in self.postgres_pids(node):
            os.kill(pid, number)
        for name in programs:
            pid = self.cluster.processes.pid(f"{name}-{node.name}")
            if pid is not None:
                os.kill(pid, number)

    def postgres_pids(self, node: Node) -> list[int]:
        """The numbers of a node's PostgreSQL processes, the parent first."""
        parent = self.cluster.postgres_pid(node)
        if parent is None:
            return []
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]

    def end(self) -> None:
        """Kill everything and forget the data."""
        for node in self.cluster.plan.nodes:
            # Patroni first: it would start PostgreSQL again.
            for name in ("patroni", "etcd"):
                if pid := self.cluster.processes.pid(f"{name}-{node.name}"):
                    os.kill(pid, signal.SIGKILL)
            for pid in self.postgres_pids(node):
                os.kill(pid, signal.SIGKILL)
        self.cluster.stop()
        self.cluster.processes.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def _answer(command: list[str]) -> str:
    """What a program says; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def running_trio() -> Iterator[Trio]:
    """A trio for as long as a fixture lasts."""
    require("postgres", "initdb", "pg_rewind", "etcd")
    trio = Trio()
    yield trio
    trio.end()
