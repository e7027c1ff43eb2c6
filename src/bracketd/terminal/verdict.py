"""Verdicts: how a verb ends, in a sentence on stderr and an exit code for scripts (docs/terminal.md)."""

import contextlib
import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import IO, Any, Final

import click

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
TOO_LATE: Final = 4
NOT_KNOWN: Final = 5
NO_LOGIN: Final = 6
INTERRUPTED: Final = 130

SENTENCES: Final = {
    "TooLate": "It has filled already; `bracketd exit` closes the position.",
    "LegNotActive": "Nothing of it has filled, so there is nothing to close; `bracketd cancel` is what is meant.",
    "NotFound": "The order book has no such order; `bracketd orders` lists what it has.",
    "StaleReference": "The order has changed since it was read; nothing was changed. Look again.",
    "Pending": "The exchange has not answered yet; what is open stays protected. Ask again: twice is once.",
    "Unauthorised": "The token is missing, expired or revoked; `bracketd login` gets another.",
    "Forbidden": "The token is another client's.",
    "BadTick": "It is no multiple of the instrument's tick.",
    "OutsideBand": "It is outside the day's price band.",
    "TriggerWrongSide": "The trigger is on the wrong side of the last print.",
    "OffsetInvalid": "An offset is at least one tick, and leads to a price inside the band.",
    "BadLot": "It is no whole number of lots, or less than has filled.",
    "FreezeQuantity": "It is more than the exchange takes in one order.",
    "SessionClosed": "No new order is taken at this time of the day.",
    "MarketClosed": "Nothing can be closed before the next session.",
    "MarginShort": "The account has not the margin; `bracketd funds` shows what there is.",
}
"""What a refusal means to somebody at a terminal, by its class; the broker's own words stand before it."""


class Verdict(click.ClickException):
    """A verb that was not done: a sentence, an exit code, and what a program is told with --json.

    `kind` is the class of the error, `reason` the broker's word and `field` the field at fault, each "" without one.
    """

    as_json = False

    def __init__(self, message: str, exit_code: int, *, kind: str = "", reason: str = "", field: str = "") -> None:
        super().__init__(message)
        # click has one exit code a class; here each verdict has its own.
        self.__dict__["exit_code"] = exit_code
        self.kind = kind
        self.reason = reason
        self.field = field

    def show(self, file: IO[Any] | None = None) -> None:
        """The sentence on stderr, and with --json an object on stdout as well."""
        super().show(file)
        if self.as_json:
            error = {"kind": self.kind, "reason": self.reason, "field": self.field, "message": self.message}
            click.echo(json.dumps({"error": {"exit_code": self.exit_code, **error}}))


@contextlib.contextmanager
def reported(as_json: bool) -> Iterator[None]:
    """A Verdict on its way out learns whether a program listens; Ctrl-C ends with its own exit code."""
    try:
        yield
    except Verdict as verdict:
        verdict.as_json = as_json
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


@contextlib.contextmanager
def judged(url: str) -> Iterator[None]:
    """What a broker does not do becomes a Verdict; `url` is the server that is spoken to. Needs httpx."""
    from bracketd.client import BrokerError

    try:
        yield
    except BrokerError as error:
        raise verdict_of(error, url) from error


def verdict_of(error: Exception, url: str, also: str = "") -> Verdict:
    """The verdict on a BrokerError; `also` is said after its sentences."""
    from bracketd.client import BrokerError, ConnectionLost, TooLate, Unauthorised, Unknown

    if not isinstance(error, BrokerError):
        raise TypeError(f"{type(error).__name__} is no error of a broker")
    kind = type(error).__name__
    also = f" {also}" if also else ""
    facts = {"kind": kind, "reason": error.reason, "field": error.field}
    if isinstance(error, ConnectionLost) and not error.sent:
        return Verdict(f"The server at {url} cannot be reached; nothing was sent.{also}", UNREACHABLE, **facts)
    said = error.message.strip().rstrip(".") or kind
    if isinstance(error, ConnectionLost):
        text = f"The connection to {url} was lost ({said}); look what became of it.{also}"
        return Verdict(text, NOT_KNOWN, **facts)
    more = SENTENCES.get(kind, "")
    if isinstance(error, Unknown):
        more = more or "What became of it is not known; look before you ask again."
        return Verdict(f"Not known: {said}. {more}{also}", NOT_KNOWN, **facts)
    code = REFUSED
    if isinstance(error, TooLate):
        code = TOO_LATE
    elif isinstance(error, Unauthorised):
        code = NO_LOGIN
    reason = f" ({error.reason})" if error.reason else ""
    return Verdict(f"Refused: {said}{reason}. {more}".rstrip() + also, code, **facts)


def need(*packages: str) -> None:
    """The packages that a verb is made with. Raises Verdict, which says what to install."""
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        names = " and ".join(missing)
        raise Verdict(f"This needs {names}: pip install 'bracketd[terminal]'.", REFUSED, kind="NotInstalled")
