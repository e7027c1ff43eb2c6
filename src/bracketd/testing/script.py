"""Scripts: what is to happen to a program, as data. The same steps are said in Python and over HTTP.

A step says when it happens (at once, when a request comes in, or when one has been carried out), how much later by the
broker's clock, and what happens then.
"""

from enum import StrEnum
from typing import Final

import msgspec

from bracketd.venue.paper.fault_plan import Action, FaultRule, Point

STEPS_MAX: Final = 100
AFTER_MS_MAX: Final = 86_400_000
LONG_MS: Final = 60_000
"""How long what is silent stays so."""


class When(StrEnum):
    """What a step waits for; `after_*` is before the reply to that request goes out.

    >>> When.CANCEL.value
    'cancel'
    """

    NOW = "now"
    PLACE = "place"
    CANCEL = "cancel"
    MODIFY = "modify"
    AFTER_PLACE = "after_place"
    AFTER_CANCEL = "after_cancel"
    AFTER_MODIFY = "after_modify"


class Do(StrEnum):
    """What happens.

    tick: a print of `instrument` at `price`; fill: a print at the limit of the entry placed last, for `percent` of
    it; print_target, print_stop: a print at the price of that leg, for `percent` of what is open; fault: `rule` is
    added to the fault plan; calm: the plan is emptied; drop_feeds, expire_tokens, down, up, restart: as they say;
    lose_reply: the request is carried out and its connection cut; drop_body: the request's body is lost on its way.

    >>> Do.FILL.value
    'fill'
    """

    TICK = "tick"
    FILL = "fill"
    PRINT_TARGET = "print_target"
    PRINT_STOP = "print_stop"
    FAULT = "fault"
    CALM = "calm"
    DROP_FEEDS = "drop_feeds"
    EXPIRE_TOKENS = "expire_tokens"
    DOWN = "down"
    UP = "up"
    RESTART = "restart"
    LOSE_REPLY = "lose_reply"
    DROP_BODY = "drop_body"


OF_A_REQUEST: Final = frozenset({Do.LOSE_REPLY, Do.DROP_BODY})


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. `times` requests set it off, 0 for all; prices are texts in rupees.

    >>> Step(do=Do.FILL, when=When.CANCEL, after_ms=100, percent=100).after_ms
    100
    """

    do: Do
    when: When = When.NOW
    after_ms: int = 0
    times: int = 1
    instrument: str = ""
    price: str = ""
    quantity: int = 0
    percent: int = 100
    rule: FaultRule | None = None

    def __post_init__(self) -> None:
        """Take the words as plain texts too; raises ValueError for one that there is not."""
        msgspec.structs.force_setattr(self, "do", Do(self.do))
        msgspec.structs.force_setattr(self, "when", When(self.when))

    def fault(self) -> str:
        """The field that makes no sense, "" for a step that does."""
        if not 0 <= self.after_ms <= AFTER_MS_MAX:
            return "after_ms"
        if self.times < 0:
            return "times"
        if self.do is Do.TICK and not (self.instrument and self.price):
            return "instrument" if self.price else "price"
        if self.quantity < 0 or not 0 < self.percent <= 100:
            return "quantity" if self.quantity < 0 else "percent"
        if (self.do is Do.FAULT) is (self.rule is None):
            return "rule"
        if self.rule is not None and self.rule.fault():
            return f"rule.{self.rule.fault()}"
        if self.do in OF_A_REQUEST and (self.when not in (When.PLACE, When.CANCEL, When.MODIFY) or self.after_ms):
            return "when"
        return ""


Steps = tuple[Step, ...]


def acknowledge_after(ms: int) -> Steps:
    """The exchange takes its time to say that it has an order.

    >>> acknowledge_after(300)[0].rule.delay_ms
    300
    """
    return (_fault(Point.ACKNOWLEDGEMENT, Action.DELAY, delay_ms=ms),)


def fill(percent: int, *, when: When = When.AFTER_PLACE, after_ms: int = 0) -> Steps:
    """So much of the entry placed last fills, at its limit.

    >>> fill(40)[0].percent
    40
    """
    return (Step(do=Do.FILL, when=when, after_ms=after_ms, percent=percent),)


def fill_then_silence(percent: int, ms: int = LONG_MS) -> Steps:
    """So much of the entry fills when it is placed; then the exchange says nothing for so long.

    >>> len(fill_then_silence(40)) > 1
    True
    """
    points = (Point.FILL, Point.TRIGGER, Point.CANCEL_ANSWER, Point.MODIFY_ANSWER, Point.CLOSE_ANSWER)
    silence = [_fault(point, Action.DELAY, when=When.AFTER_PLACE, delay_ms=ms) for point in points]
    return (*fill(percent), *silence)


def refuse_cancel(text: str = "not today", times: int = 1) -> Steps:
    """The exchange refuses cancels, with that reason.

    >>> refuse_cancel("not today")[0].rule.text
    'not today'
    """
    return (_fault(Point.CANCEL, Action.REFUSE, text=text, times=times),)


def refuse_exit(text: str = "not today", times: int = 1) -> Steps:
    """The exchange refuses closing orders, with that reason.

    >>> refuse_exit()[0].rule.on.value
    'close'
    """
    return (_fault(Point.CLOSE, Action.REFUSE, text=text, times=times),)


def fill_during_cancel(percent: int = 100, fill_after_ms: int = 100, cancel_ms: int = 300) -> Steps:
    """The entry fills while a cancel is on its way to the exchange.

    >>> [step.do.value for step in fill_during_cancel()]
    ['fault', 'fill']
    """
    delayed = _fault(Point.CANCEL, Action.DELAY, delay_ms=cancel_ms, times=1)
    return (delayed, *fill(percent, when=When.CANCEL, after_ms=fill_after_ms))


def lose_reply(when: When, times: int = 1) -> Steps:
    """The request is carried out, and the connection cut before its reply.

    >>> lose_reply(When.PLACE)[0].do.value
    'lose_reply'
    """
    return (Step(do=Do.LOSE_REPLY, when=when, times=times),)


def drop_feeds(when: When = When.NOW, after_ms: int = 0) -> Steps:
    """Every websocket is closed.

    >>> drop_feeds()[0].when.value
    'now'
    """
    return (Step(do=Do.DROP_FEEDS, when=when, after_ms=after_ms),)


def expire_tokens(when: When = When.NOW, after_ms: int = 0) -> Steps:
    """Every token that was given out is dead.

    >>> expire_tokens(When.AFTER_PLACE)[0].do.value
    'expire_tokens'
    """
    return (Step(do=Do.EXPIRE_TOKENS, when=when, after_ms=after_ms),)


def down(for_ms: int, when: When = When.NOW, after_ms: int = 0) -> Steps:
    """The broker is down for so long, and comes back with all that it had acknowledged.

    >>> [step.do.value for step in down(500)]
    ['down', 'up']
    """
    return (Step(do=Do.DOWN, when=when, after_ms=after_ms), Step(do=Do.UP, when=when, after_ms=after_ms + for_ms))


def _fault(
    on: Point, action: Action, *, when: When = When.NOW, delay_ms: int = 0, times: int = 0, text: str = ""
) -> Step:
    rule = FaultRule(on=on, action=action, delay_ms=delay_ms, times=times, text=text or "refused by the script")
    return Step(do=Do.FAULT, when=when, rule=rule)
