"""The plan of a cluster: its nodes, their ports and the passwords, chosen once and kept in `cluster.json`."""

import os
import secrets
import socket
from pathlib import Path
from typing import Final

import msgspec

FILE_NAME: Final = "cluster.json"
HOST: Final = "127.0.0.1"
DATABASE: Final = "bracketd"
ROLE: Final = "bracketd"
"""The role that bracketd's programs use; it owns its database and nothing else."""


class NoCluster(Exception):
    """A folder holds no cluster, or one that cannot be read."""


class Node(msgspec.Struct, frozen=True):
    """One node, with the ports of its three programs on this machine."""

    name: str
    postgres_port: int
    patroni_port: int
    etcd_port: int
    etcd_peer_port: int


class Plan(msgspec.Struct, frozen=True):
    """A whole cluster. The passwords are good on this machine's own interface only."""

    nodes: tuple[Node, ...]
    password: str
    superuser_password: str
    replication_password: str

    def __repr__(self) -> str:
        """Keep the passwords out of logs."""
        return f"Plan({len(self.nodes)} nodes)"

    @property
    def address(self) -> str:
        """What `--journal` takes; every node is named, whichever is the primary."""
        hosts = ",".join(f"{HOST}:{node.postgres_port}" for node in self.nodes)
        return f"postgresql://{ROLE}:{self.password}@{hosts}/{DATABASE}"


def make_plan(nodes: int) -> Plan:
    """A new plan, with ports that were free a moment ago."""
    # All are held until the last is chosen, so that no port is chosen twice.
    with_ports = [socket.socket() for _ in range(4 * nodes)]
    try:
        for each in with_ports:
            each.bind((HOST, 0))
        ports = [int(each.getsockname()[1]) for each in with_ports]
    finally:
        for each in with_ports:
            each.close()
    made = (Node(f"node{number + 1}", *ports[4 * number : 4 * number + 4]) for number in range(nodes))
    return Plan(tuple(made), *(secrets.token_urlsafe(18) for _ in range(3)))


def save_plan(plan: Plan, folder: Path) -> None:
    """Keep a plan, readable by its owner alone."""
    descriptor = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(plan)))


def load_plan(folder: Path) -> Plan:
    """The plan of a folder. Raises NoCluster."""
    try:
        return msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=Plan)
    except FileNotFoundError:
        raise NoCluster(f"{folder} holds no cluster; make one with `bracketd cluster up`") from None
    except (OSError, msgspec.DecodeError) as fault:
        raise NoCluster(f"{folder / FILE_NAME} cannot be read: {fault}") from fault
