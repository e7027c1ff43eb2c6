"""One sentence for each word of the rules' tables, for people who have not met it yet.

The engine holds the rules and no prose, so the prose stands here. A word without its sentence stops the drawing.
"""

from collections.abc import Set
from enum import StrEnum

from bracketd.domain.order import Status
from bracketd.engine.cancel_table import Verdict
from bracketd.engine.transitions import Happening


class NoLegend(Exception):
    """A table has a word that no legend explains."""


class Kind(StrEnum):
    """What a verdict comes to for the caller; each kind has one colour."""

    ACTS = "acts"
    DONE = "nothing to do"
    WAITS = "waits"
    LOOKS = "looks further"
    REFUSES = "refuses"


KINDS: dict[Kind, str] = {
    Kind.ACTS: "Something is cancelled or closed; success means it is, on disk.",
    Kind.DONE: "What was asked for is already so: success, and no order is touched.",
    Kind.WAITS: "Nothing is decided yet.",
    Kind.LOOKS: "The status of one order decides.",
    Kind.REFUSES: "The answer is a refusal, and no order is touched.",
}

VERDICTS: dict[Verdict, tuple[Kind, str]] = {
    Verdict.RULE_E: (Kind.ACTS, "The unfilled remainder of the entry is cancelled; legs stay as they are."),
    Verdict.RULE_X: (
        Kind.ACTS,
        (
            "The bracket is closed: the entry's remainder and the target are cancelled, and the stop-loss becomes a "
            "market order for exactly what is open."
        ),
    ),
    Verdict.SUCCESS: (Kind.DONE, "What was asked for is already so; asking again is safe."),
    Verdict.COUNTS_AS_EXIT: (
        Kind.DONE,
        "The triggered stop-loss is the exit; from now on the bracket counts as closed by request.",
    ),
    Verdict.WAIT: (
        Kind.WAITS,
        "The venue's answer is awaited and the request judged again; after two seconds it is a 202 and done later.",
    ),
    Verdict.TOO_LATE: (Kind.REFUSES, "The order is COMPLETE: 409 with the reason TOO_LATE."),
    Verdict.ALREADY_REJECTED: (Kind.REFUSES, "The venue did not take the order: 409 with the reason ALREADY_REJECTED."),
    Verdict.LEG_NOT_ACTIVE: (Kind.REFUSES, "Nothing has filled, so no leg exists: 409 with the reason LEG_NOT_ACTIVE."),
    Verdict.MARKET_CLOSED: (
        Kind.REFUSES,
        "Nothing can be closed before the next session: 409 with the reason MARKET_CLOSED.",
    ),
    Verdict.NOT_FOUND: (Kind.REFUSES, "No leg has been made that could have this id: 404."),
    Verdict.BY_ENTRY: (
        Kind.LOOKS,
        "The status of the entry decides; an entry that still works is cancelled by rule E.",
    ),
    Verdict.BY_LEG: (Kind.LOOKS, "The status of the leg that the request names decides."),
}

STATUSES: dict[Status, str] = {
    Status.PENDING: "Recorded and on its way; the venue has not acknowledged it.",
    Status.CONFIRMED: "Works at the venue, also while filled in part.",
    Status.TRIGGER_PENDING: "A stop that waits for its trigger.",
    Status.MODIFY_PENDING: "A modify is asked of the venue and not answered; fills still come.",
    Status.MODIFY_CONFIRMED: "Works at the venue with terms that were modified.",
    Status.CANCEL_PENDING: "A cancel is asked of the venue and not answered; fills still come.",
    Status.COMPLETE: "The end: filled, or the leg that closed its bracket.",
    Status.CANCELLED: "The end: nothing more of it can fill.",
    Status.REJECTED: "The end: the venue did not take it.",
}

HAPPENINGS: dict[Happening, str] = {
    Happening.ACCEPTED: "The venue acknowledges the order, which works from now on.",
    Happening.ACCEPTED_STOP: "The venue acknowledges a stop, which rests until its trigger is reached.",
    Happening.REFUSED: "The venue does not take the order, or not the growth of a target.",
    Happening.TRIGGERED: "A price at or through the trigger makes a stop work.",
    Happening.FILLED_PART: "A trade is booked and the order goes on; a leg goes on until it is completed.",
    Happening.FILLED: "A trade is booked that leaves nothing of an entry.",
    Happening.CANCEL_REQUESTED: "The venue is asked to take the order out.",
    Happening.CANCEL_REFUSED: "The venue does not take the order out.",
    Happening.CANCELLED: "The order is out: it was asked for, an IOC's rest died, or the other leg took it all.",
    Happening.COMPLETED: "Nothing is left to fill: this leg closed the bracket, or an entry was cut down to its fills.",
    Happening.MODIFY_REQUESTED: "The venue is asked for new terms.",
    Happening.MODIFIED: "The venue has the new terms and the order works.",
    Happening.MODIFIED_STOP: "The venue has the new terms of a stop that rests until its trigger is reached.",
    Happening.MODIFY_REFUSED: "The venue keeps the old terms.",
    Happening.TRIGGERED_MODIFIED: "A price at or through the trigger makes a stop work that has been modified.",
    Happening.CLOSING: "The stop-loss is made a market order for what is open.",
    Happening.LEG_REFUSED: "The venue does not take a stop-loss or its growth: it is sent again as the closing order.",
}


def check_legends() -> None:
    """Every verdict, kind, status and happening has its sentence. Raises NoLegend, which names those without."""
    explained: list[tuple[type[StrEnum], Set[StrEnum], str]] = [
        (Verdict, VERDICTS.keys(), "VERDICTS"),
        (Kind, KINDS.keys(), "KINDS"),
        (Status, STATUSES.keys(), "STATUSES"),
        (Happening, HAPPENINGS.keys(), "HAPPENINGS"),
    ]
    missing = [
        f"{words.__name__}.{word.name} has no legend: give it a sentence in {name} of tools/legends.py"
        for words, legend, name in explained
        for word in words
        if word not in legend
    ]
    if missing:
        raise NoLegend("\n".join(missing))
