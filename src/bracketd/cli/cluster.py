"""`bracketd cluster`: a replicated PostgreSQL on this machine, to develop and test with."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from bracketd.cluster.plan import NoCluster
from bracketd.cluster.programs import ProgramMissing
from bracketd.cluster.trio import Cluster, NotUp


def bring_up(folder: Path, nodes: int) -> None:
    """Start every node that does not run, wait until all are there, and print the address; raises ClickException."""
    with _told():
        cluster = Cluster.make(folder, nodes)
        cluster.start()
        cluster.wait_up(told=lambda text: click.echo(text, err=True))
    click.echo(cluster.plan.address)


def take_down(folder: Path) -> None:
    """End every process of the cluster; its data stay."""
    with _told():
        killed = Cluster(folder).stop()
    for name in killed:
        click.echo(f"{name} did not end by itself and was killed", err=True)
    click.echo(f"the cluster in {folder} is down; its data stay")


def show_address(folder: Path) -> None:
    """Print what `--journal` takes, alone."""
    with _told():
        click.echo(Cluster(folder).plan.address)


def show_status(folder: Path) -> None:
    """Print a line for each node; exit code 1 unless there is a primary and a second disk for what it writes."""
    with _told():
        cluster = Cluster(folder)
    states = cluster.states()
    for node in states:
        lag = "" if node.lag is None else f"{node.lag} bytes behind"
        click.echo(f"{node.name:<8} port {node.postgres_port:<6} {node.role:<15} {node.state:<16} {lag}".rstrip())
    leads = any(node.role == "leader" and node.state == "running" for node in states)
    followed = any(node.role == "quorum_standby" and node.state == "streaming" for node in states)
    if not leads:
        raise click.ClickException("There is no primary: nothing can be written.")
    if len(states) > 1 and not followed:
        raise click.ClickException("The primary is alone: nothing that is written is answered.")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Whatever is in the way is one sentence."""
    try:
        yield
    except (NoCluster, NotUp, ProgramMissing, OSError, ValueError) as fault:
        raise click.ClickException(f"{str(fault)[:1].upper()}{str(fault)[1:]}.") from fault
