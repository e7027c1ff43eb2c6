"""The plan of a cluster: ports and passwords that are chosen once."""

from pathlib import Path

import pytest

from bracketd.cluster.plan import FILE_NAME, NoCluster, load_plan, make_plan, save_plan
from bracketd.cluster.trio import Cluster
from bracketd.database.address import read_address


def test_plan_is_kept(tmp_path: Path) -> None:
    """A plan comes back as it was, its file is its owner's alone, and it is never replaced."""
    plan = make_plan(3)
    save_plan(plan, tmp_path)
    assert load_plan(tmp_path) == plan
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        save_plan(make_plan(3), tmp_path)


def test_no_port_twice() -> None:
    """Twelve programs have twelve ports."""
    nodes = make_plan(3).nodes
    ports = [port for n in nodes for port in (n.postgres_port, n.patroni_port, n.etcd_port, n.etcd_peer_port)]
    assert len(set(ports)) == 12


def test_address_names_every_node() -> None:
    """The address has every node's PostgreSQL, and neither it nor the plan shows its password."""
    plan = make_plan(3)
    address = read_address(plan.address)
    assert [host.rpartition("@")[2] for host in address.hosts] == [
        f"127.0.0.1:{node.postgres_port}/bracketd" for node in plan.nodes
    ]
    assert plan.password not in address.shown
    assert plan.password not in repr(plan)


def test_folder_without_a_cluster(tmp_path: Path) -> None:
    """A folder that holds none, or a plan that is none, is said to."""
    with pytest.raises(NoCluster, match="holds no cluster"):
        Cluster(tmp_path)
    (tmp_path / FILE_NAME).write_text("{}")
    with pytest.raises(NoCluster, match="cannot be read"):
        Cluster(tmp_path)


def test_folder_of_something_else(tmp_path: Path) -> None:
    """A folder with files in it is not made a cluster's, nor is a cluster's size changed."""
    (tmp_path / "precious").write_text("x")
    with pytest.raises(ValueError, match="something else"):
        Cluster.make(tmp_path, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    (tmp_path / "precious").unlink()
    save_plan(make_plan(3), tmp_path)
    with pytest.raises(ValueError, match="3 nodes, not 1"):
        Cluster.make(tmp_path, 1)
