"""The verb that takes the books along: export."""

from pathlib import Path

import click

from bracketd.terminal.access import Access, speaks
from bracketd.terminal.verdict import need


@click.command()
@click.argument("book", type=click.Choice(["orders", "trades"]))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@speaks
def export(access: Access, book: str, file: Path, force: bool) -> None:
    """Write the day's orders or trades to FILE: Parquet where its name ends in .parquet or .pq, else CSV."""
    from bracketd.terminal.export import ORDERS, TRADES, is_parquet, order_lines, trade_lines, write
    from bracketd.terminal.screen import say_json

    if is_parquet(file):
        need("pyarrow")
    with access.broker() as broker:
        if book == "orders":
            columns, lines = ORDERS, order_lines(broker.orders())
        else:
            columns, lines = TRADES, trade_lines(broker.trades())
    write(file, columns, lines, replace=force)
    if access.as_json:
        say_json({"exported": {"book": book, "file": str(file), "rows": len(lines)}})
    else:
        click.echo(f"Wrote {len(lines)} {book} to {file}.")
