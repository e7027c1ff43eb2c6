"""Asking first: what a verb is about to do is done only when somebody at the terminal, or --yes, says so."""

import sys

import click

from bracketd.terminal.verdict import REFUSED, USAGE, Verdict


def confirm(question: str, *, yes: bool, as_json: bool) -> None:
    """Go on if that was said. Raises Verdict where it was not, or where nobody is there to be asked."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise Verdict("Nobody is there to be asked: give --yes. Nothing was sent.", USAGE, kind="NotConfirmed")
    if not click.confirm(question, err=True):
        raise Verdict("Nothing was sent.", REFUSED, kind="NotConfirmed")
