"""The verb that lets a recorded day happen again: replay."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bracketd.terminal.access import TIMEOUT_S, Access, speaks
from bracketd.terminal.verdict import verdict_of


class Speed(click.ParamType[float]):
    """How many times as fast as recorded: 1, 60, 0.5, or max."""

    name = "speed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text; 0.0 stands for max."""
        if isinstance(value, float):
            return value
        if str(value).lower() == "max":
            return 0.0
        try:
            speed = float(str(value))
        except ValueError:
            speed = 0.0
        if not 0 < speed <= 1_000_000:
            self.fail(f"{value!r} is no speed: a number above 0, or max", param, ctx)
        return speed


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--instrument", default="", help="What it is a recording of, where no column says so: SBIN or NSE:3045.")
@click.option("--speed", type=Speed(), default="max", show_default=True, help="Times as fast as recorded, or max.")
@click.option(
    "--on",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="With a virtual clock: the day on which it happens; the next weekday ahead if not named.",
)
@speaks
def replay(access: Access, file: Path, instrument: str, speed: float, day: datetime | None) -> None:
    """Push a recording of candles or ticks (CSV, Parquet) through the paper exchange of a server with a sandbox."""
    from bracketd.client import BrokerError
    from bracketd.terminal.exchange import PaperExchange
    from bracketd.terminal.recording import Recording
    from bracketd.terminal.replay import Replay
    from bracketd.terminal.screen import date_text, say_json

    exchange = PaperExchange(access.url, access.token, TIMEOUT_S)
    try:
        made = Replay(Recording(file, instrument), exchange, speed, None if day is None else day.date())
        bar = _bar() if sys.stderr.isatty() and not access.as_json else None
        try:
            if bar is None:
                made.run(lambda pushed, total, at_ns: None)
            else:
                with bar:
                    task = bar.add_task("", total=None)
                    made.run(lambda pushed, total, at_ns: bar.update(task, completed=pushed, total=total))
        except KeyboardInterrupt:
            click.echo(f"Interrupted: {made.pushed} of {made.total} prints were pushed.", err=True)
            raise
        except BrokerError as error:
            first, last = made.rows
            if not first:
                raise
            which = f"row {first}" if first == last else f"a run of prints, of rows {first} to {last}"
            also = f"That was {which}; {made.pushed} of {made.total} prints were pushed before."
            raise verdict_of(error, access.url, also) from error
    finally:
        exchange.close()
    first_ns, last_ns = made.first_ns + made.shifted_ns, made.last_ns + made.shifted_ns
    if access.as_json:
        facts: dict[str, Any] = {
            "file": file.name,
            "prints": made.pushed,
            "candles": made.recording.candles,
            "from": date_text(first_ns),
            "to": date_text(last_ns),
            "clock": "virtual" if made.virtual else "system",
        }
        say_json({"replayed": facts})
        return
    clock = f", as {date_text(first_ns)} to {date_text(last_ns)}" if made.virtual else ""
    click.echo(f"Replayed {made.pushed} prints of {file.name}{clock}.")


def _bar() -> Any:
    """A progress bar on stderr, so that standard output stays clean."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
