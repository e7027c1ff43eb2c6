"""The verbs of `bracketd shards`."""

import click

JOURNAL_HELP = "postgresql://… or the folder of the shards."


class EngineAddress(click.ParamType[str]):
    """Where an engine is reached: `host:port`, as `bracketd shards` shows it."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself, if it is one."""
        host, _, port = value.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port[:6]) <= 65_535:
            self.fail(f"{value!r} is not an address and a port, such as 10.0.0.5:7000", param, ctx)
        return value


@click.group(invoke_without_command=True)
@click.option("--journal", metavar="STORE", help=JOURNAL_HELP)
@click.pass_context
def shards(ctx: click.Context, journal: str | None) -> None:
    """List the shards of a cluster: owner, epoch, last record, lease, slots."""
    if ctx.invoked_subcommand is not None:
        if journal is not None:
            raise click.UsageError("--journal comes after the verb.")
        return
    if journal is None:
        raise click.UsageError("Missing option '--journal'.")
    from bracketd.cli.shards import list_shards

    list_shards(journal)


@shards.command("move")
@click.argument("number", metavar="N", type=click.IntRange(min=0))
@click.option("--to", metavar="ADDRESS", type=EngineAddress(), required=True, help="The engine that is to have it.")
@click.option("--journal", metavar="STORE", required=True, help=JOURNAL_HELP)
def shards_move(number: int, to: str, journal: str) -> None:
    """Hand a shard from the engine that has it to another one that runs; clients wait, none is refused."""
    from bracketd.cli.shards import move_shard

    move_shard(journal, number, to)
