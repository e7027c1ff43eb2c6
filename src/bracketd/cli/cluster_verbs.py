"""The verbs of `bracketd cluster`."""

from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
CLUSTER_DIR = click.option("--dir", "folder", type=FOLDER, required=True, help="The cluster's folder.")


@click.group()
def cluster() -> None:
    """A replicated PostgreSQL on this machine, to develop and test with."""


@cluster.command("up")
@click.option("--nodes", type=click.Choice(["1", "3", "5"]), default="3", show_default=True, help="How many servers.")
@CLUSTER_DIR
def cluster_up(nodes: str, folder: Path) -> None:
    """Start the cluster's nodes that do not run, wait for all of them, and print its address for --journal."""
    from bracketd.cli.cluster import bring_up

    bring_up(folder, int(nodes))


@cluster.command("down")
@CLUSTER_DIR
def cluster_down(folder: Path) -> None:
    """End the cluster's processes; the data stay."""
    from bracketd.cli.cluster import take_down

    take_down(folder)


@cluster.command("status")
@CLUSTER_DIR
def cluster_status(folder: Path) -> None:
    """Show each node; exit code 1 where what is written would not be on two disks."""
    from bracketd.cli.cluster import show_status

    show_status(folder)


@cluster.command("address")
@CLUSTER_DIR
def cluster_address(folder: Path) -> None:
    """Print the cluster's address, password included, and nothing else."""
    from bracketd.cli.cluster import show_address

    show_address(folder)
