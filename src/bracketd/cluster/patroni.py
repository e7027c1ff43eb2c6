"""Patroni's configuration for one node, and what its nodes say of themselves.

Quorum mode, strict: a commit is answered when another node's disk has it too, and while no other node is there it is
not answered at all. Without `strict` a lonely primary would go on alone and say nothing. A primary that is gone is
replaced after `ttl` seconds; loop_wait + 2 x retry_timeout must not be more than that.
"""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from bracketd.cluster.plan import HOST, Node, Plan

SCOPE: Final = "bracketd"
SUPERUSER: Final = "postgres"
REPLICATOR: Final = "replicator"
TTL_S: Final = 20
LOOP_WAIT_S: Final = 2
RETRY_TIMEOUT_S: Final = 3
ASK_TIMEOUT_S: Final = 2.0
PARAMETERS: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "hot_standby": "on",
    "wal_log_hints": "on",
    "wal_keep_size": "256MB",
    "max_wal_size": "1GB",
    "max_wal_senders": 10,
    "max_replication_slots": 10,
    "max_connections": 200,
    "shared_buffers": "64MB",
    "unix_socket_directories": "",
    "wal_receiver_timeout": "10s",
    "wal_sender_timeout": "10s",
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
}


def configuration(plan: Plan, node: Node, folder: Path, programs: Path) -> str:
    """The file that Patroni reads, as JSON, which is YAML too. `folder` is the node's, `programs` PostgreSQL's."""
    rules = [f"host replication {REPLICATOR} {HOST}/32 scram-sha-256", f"host all all {HOST}/32 scram-sha-256"]
    settings = {
        "scope": SCOPE,
        "name": node.name,
        "restapi": {
            "listen": f"{HOST}:{node.patroni_port}",
            "connect_address": f"{HOST}:{node.patroni_port}",
        },
        "etcd3": {"hosts": [f"{HOST}:{each.etcd_port}" for each in plan.nodes]},
        "bootstrap": {
            "dcs": {
                "ttl": TTL_S,
                "loop_wait": LOOP_WAIT_S,
                "retry_timeout": RETRY_TIMEOUT_S,
                "synchronous_mode": "quorum" if len(plan.nodes) > 1 else "off",
                "synchronous_mode_strict": len(plan.nodes) > 1,
                "synchronous_node_count": 1,
                "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": PARAMETERS},
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
        },
        "postgresql": {
            "listen": f"{HOST}:{node.postgres_port}",
            "connect_address": f"{HOST}:{node.postgres_port}",
            "data_dir": str(folder / "data"),
            "bin_dir": str(programs),
            "pgpass": str(folder / "pgpass"),
            "pg_hba": rules,
            "authentication": {
                "superuser": {"username": SUPERUSER, "password": plan.superuser_password},
                "replication": {"username": REPLICATOR, "password": plan.replication_password},
                "rewind": {"username": SUPERUSER, "password": plan.superuser_password},
            },
        },
        "watchdog": {"mode": "off"},
    }
    return json.dumps(settings, indent=1)


def members(plan: Plan) -> list[dict[str, Any]]:
    """What the first node that answers says of all of them: name, role, state, lag; nothing where none answers."""
    for node in plan.nodes:
        answer = _ask(node, "/cluster")
        if answer is not None:
            found: list[dict[str, Any]] = answer.get("members", [])
            return found
    return []


def _ask(node: Node, path: str) -> dict[str, Any] | None:
    """A node's answer to a question, None where it gives none."""
    try:
        # The address is our own, and plain HTTP to this machine.
        with urllib.request.urlopen(f"http://{HOST}:{node.patroni_port}{path}", timeout=ASK_TIMEOUT_S) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer
    except (OSError, ValueError, urllib.error.URLError):
        return None
