"""`bracketd sim`: the simulator tries seed after seed to make the server lie, and tells how where it can."""

import secrets

import click

from bracketd.simulation.campaign import campaign, explained

EXIT_LIE = 1


def simulate(seeds: int, seed: int | None, minutes: float) -> None:
    """Try that many seeds from the first on, a random one for None; exits with 1 where one ends in a lie."""
    first = secrets.randbelow(10**9) if seed is None else seed
    click.echo(f"seeds {first} to {first + seeds - 1}, {minutes:g} simulated minutes each")
    hashes: list[str] = []
    tally, caught = campaign(range(first, first + seeds), minutes, lambda _, account: hashes.append(account.digest))
    click.echo(tally.line())
    if caught is None:
        click.echo("no lie found" + f"; the last run's hash is {hashes[-1]}")
        return
    for line in explained(caught):
        click.echo(line)
    raise SystemExit(EXIT_LIE)
