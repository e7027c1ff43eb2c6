"""A whole cluster in one folder: up, down, and how it is. Three nodes bear the loss of one; one node bears none.

For development and tests: on one machine, what one disk or one power supply takes, it takes from all of them.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from bracketd.cluster import patroni
from bracketd.cluster.plan import DATABASE, FILE_NAME, HOST, ROLE, Node, Plan, load_plan, make_plan, save_plan
from bracketd.cluster.processes import Processes, end_postgres
from bracketd.cluster.programs import (
    USER,
    ProgramMissing,
    etcd_program,
    patroni_command,
    postgres_folder,
    runner,
)
from bracketd.database.address import read_address
from bracketd.database.link import FAULTS, Connection, Link, Unreachable

UP_WAIT_S: Final = 90.0
DOWN_WAIT_S: Final = 30.0
LOOK_S: Final = 0.3


class NotUp(Exception):
    """The cluster did not come up in time; the text says where to read why."""


class NodeState(Struct, frozen=True):
    """How a node is: `role` is leader, quorum_standby, replica or gone; `lag` in bytes behind, None where unknown."""

    name: str
    role: str
    state: str
    postgres_port: int
    lag: int | None


class Cluster:
    """The cluster of one folder. Raises NoCluster where there is none; `Cluster.make` makes one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.plan: Plan = load_plan(self.folder)
        self.who = runner()
        self.processes = Processes(self.folder, self.who)

    @classmethod
    def make(cls, folder: Path, nodes: int) -> "Cluster":
        """The cluster of a folder, planned anew if it is new. Raises ProgramMissing, ValueError for another size."""
        folder = folder.absolute()
        if (folder / FILE_NAME).exists():
            cluster = cls(folder)
            if len(cluster.plan.nodes) != nodes:
                raise ValueError(f"{folder} holds a cluster of {len(cluster.plan.nodes)} nodes, not {nodes}")
            return cluster
        if folder.exists() and any(folder.iterdir()):
            raise ValueError(f"{folder} holds something else; a new cluster wants a new folder")
        who = runner()
        postgres_folder()
        etcd_program()
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        plan = make_plan(nodes)
        for node in plan.nodes:
            (folder / node.name).mkdir(mode=0o700)
            who.own(folder / node.name)
        save_plan(plan, folder)
        return cls(folder)

    def start(self) -> None:
        """Start what does not run. Raises ProgramMissing."""
        programs, etcd = postgres_folder(), etcd_program()
        command, environment = patroni_command(self.folder / "python", self.who)
        self._check_entered()
        for node in self.plan.nodes:
            self.processes.start(
                f"etcd-{node.name}", [etcd, *self._etcd(node)], self._log(node, "etcd"), {}, self._home(node)
            )
        for node in self.plan.nodes:
            file = self._home(node) / "patroni.json"
            file.write_text(patroni.configuration(self.plan, node, self._home(node), programs), encoding="utf-8")
            file.chmod(0o600)
            self.who.own(file)
            self.processes.start(
                f"patroni-{node.name}",
                [*command, str(file)],
                self._log(node, "patroni"),
                environment,
                self._home(node),
            )

    def wait_up(self, wait_s: float = UP_WAIT_S, told: Callable[[str], None] = lambda text: None) -> None:
        """Wait until a primary is there and every other node follows it, and the database is made. Raises NotUp."""
        until_s = time.monotonic() + wait_s
        before = ""
        while not self.complete:
            now = ", ".join(f"{node.name} {node.role}: {node.state}" for node in self.states())
            if now != before:
                told(now)
                before = now
            for node in self.plan.nodes:
                if self.processes.pid(f"etcd-{node.name}") is None:
                    raise NotUp(f"etcd of {node.name} has ended; {self._log(node, 'etcd')} says why")
                if self.processes.pid(f"patroni-{node.name}") is None:
                    raise NotUp(f"Patroni of {node.name} has ended; {self._log(node, 'patroni')} says why")
            if time.monotonic() > until_s:
                raise NotUp(f"the cluster is not up after {wait_s:.0f} s ({now}); the logs in {self.folder} say why")
            time.sleep(LOOK_S)
        asyncio.run(self._make_database(until_s))

    def stop(self) -> list[str]:
        """End every process, PostgreSQL in order; names those that had to be killed."""
        killed = self.processes.end([f"patroni-{node.name}" for node in self.plan.nodes], DOWN_WAIT_S)
        for node in self.plan.nodes:
            end_postgres(self._home(node) / "data", DOWN_WAIT_S)
        return killed + self.processes.end([f"etcd-{node.name}" for node in self.plan.nodes], DOWN_WAIT_S)

    def states(self) -> list[NodeState]:
        """Every node, as Patroni knows it at this moment."""
        told = {member.get("name"): member for member in patroni.members(self.plan)}
        found = []
        for node in self.plan.nodes:
            member = told.get(node.name, {})
            lag = member.get("lag")
            found.append(
                NodeState(
                    node.name,
                    str(member.get("role", "gone")),
                    str(member.get("state", "does not answer")),
                    node.postgres_port,
                    lag if isinstance(lag, int) else None,
                )
            )
        return found

    @property
    def complete(self) -> bool:
        """Whether there is a primary, and all other nodes stream from it and count for its quorum."""
        states = self.states()
        primaries = [node for node in states if node.role == "leader" and node.state == "running"]
        follow = [node for node in states if node.role == "quorum_standby" and node.state == "streaming"]
        return len(primaries) == 1 and len(follow) == len(states) - 1

    @property
    def primary(self) -> Node | None:
        """The node that takes writes, None where none does."""
        leaders = {state.name for state in self.states() if state.role == "leader" and state.state == "running"}
        return next((node for node in self.plan.nodes if node.name in leaders), None)

    def postgres_pid(self, node: Node) -> int | None:
        """The number of a node's PostgreSQL, None where it does not run."""
        try:
            return int((self._home(node) / "data" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    async def _make_database(self, until_s: float) -> None:
        """Make role and database, if they are not there; waits for the first commit that two disks have."""
        link = Link(read_address(self._superuser_address))
        try:
            while True:
                try:
                    async with asyncio.timeout(max(0.1, until_s - time.monotonic())):
                        await link.use(self._make_role)
                    return
                except (Unreachable, *FAULTS) as fault:
                    if time.monotonic() > until_s:
                        raise NotUp(f"the database could not be made: {fault}") from fault
                    await asyncio.sleep(LOOK_S)
        finally:
            await link.close()

    async def _make_role(self, connection: Connection) -> None:
        if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE) is None:
            quoted = await connection.fetchval("SELECT quote_literal($1)", self.plan.password)
            await connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD {quoted}")
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE) is None:
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")

    @property
    def _superuser_address(self) -> str:
        hosts = ",".join(f"{HOST}:{node.postgres_port}" for node in self.plan.nodes)
        return f"postgresql://{patroni.SUPERUSER}:{self.plan.superuser_password}@{hosts}/postgres"

    def _check_entered(self) -> None:
        """Raise ProgramMissing where the user that runs things cannot come to the folder."""
        if self.who.uid is None:
            return
        for folder in (self.folder, *self.folder.parents):
            status = folder.stat()
            if status.st_uid != self.who.uid and not status.st_mode & 0o001:
                raise ProgramMissing(f"the user {USER} cannot enter {folder}; choose a folder elsewhere")

    def _home(self, node: Node) -> Path:
        return self.folder / node.name

    def _log(self, node: Node, program: str) -> Path:
        return self._home(node) / f"{program}.log"

    def _etcd(self, node: Node) -> list[str]:
        """The arguments of etcd for a node."""
        here, peer = f"http://{HOST}:{node.etcd_port}", f"http://{HOST}:{node.etcd_peer_port}"
        everybody = ",".join(f"{each.name}=http://{HOST}:{each.etcd_peer_port}" for each in self.plan.nodes)
        return [
            *("--name", node.name),
            *("--data-dir", str(self._home(node) / "etcd")),
            *("--listen-client-urls", here),
            *("--advertise-client-urls", here),
            *("--listen-peer-urls", peer),
            *("--initial-advertise-peer-urls", peer),
            *("--initial-cluster", everybody),
            *("--initial-cluster-state", "new"),
            *("--logger", "zap"),
            *("--log-level", "warn"),
        ]
