"""The fault plan: which of the paper exchange's doings go wrong, and how. Seeded: the same run fails the same way.

A rule names a point of the talk between the engine and the exchange, what goes wrong there, and which orders it is
for. Requests can be refused or take their time; what the exchange tells can come late, twice, out of order, or not
until it is asked for.
"""

from enum import StrEnum
from random import Random

import msgspec

from bracketd.domain.order import Leg

NS_PER_MS = 1_000_000
ASK_AFTER_MS = 2_000
"""What is lost is missed by its number, and asked for when it has not come for this long (bracket.md 2.3)."""

DELAY_MS_MAX = 86_400_000
RULES_MAX = 100


class Point(StrEnum):
    """Where a fault can strike: six requests to the exchange, then six things that it tells."""

    PLACE = "place"
    LEG = "leg"
    GROWTH = "growth"
    CANCEL = "cancel"
    MODIFY = "modify"
    CLOSE = "close"
    ACKNOWLEDGEMENT = "acknowledgement"
    FILL = "fill"
    TRIGGER = "trigger"
    CANCEL_ANSWER = "cancel_answer"
    MODIFY_ANSWER = "modify_answer"
    CLOSE_ANSWER = "close_answer"


class Action(StrEnum):
    """What goes wrong. `reorder` is a delay of any length up to the rule's, drawn anew each time."""

    REFUSE = "refuse"
    DELAY = "delay"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"


_OWN_WORK = frozenset({Point.PLACE, Point.CANCEL, Point.MODIFY, Point.CLOSE})
_REFUSABLE = _OWN_WORK | {Point.LEG, Point.GROWTH}


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. Without ids and leg it is for every order; `times` 0 is always; `probability` is between 0 and 1."""

    on: Point
    action: Action
    delay_ms: int = 0
    probability: float = 1.0
    times: int = 0
    order_id: str = ""
    basket_id: str = ""
    leg: Leg | None = None
    text: str = "refused by the fault plan"

    def fault(self) -> str:
        """The field that makes no sense, "" for a rule that does."""
        if self.action is Action.REFUSE:
            sensible = self.on in _REFUSABLE
        else:
            # The exchange takes on a bracket's legs, and grows them, in the step in which it hears of them.
            sensible = self.on not in _REFUSABLE or (self.on in _OWN_WORK and self.action is Action.DELAY)
        needs_delay = self.action in (Action.DELAY, Action.REORDER)
        if not sensible:
            return "action"
        if not 0 <= self.delay_ms <= DELAY_MS_MAX or (needs_delay and not self.delay_ms):
            return "delay_ms"
        if not 0 <= self.probability <= 1:
            return "probability"
        return "times" if self.times < 0 else ""


class FaultPlan:
    """Rules in their order, the first that fits strikes; and the lots, drawn from one seed."""

    def __init__(self, rules: tuple[FaultRule, ...] = (), seed: int = 0) -> None:
        self.rules = rules
        self.seed = seed
        self._struck = [0] * len(rules)
        self._random = Random(seed)

    def strike(self, point: Point, order_id: str, basket_id: str, leg: Leg) -> FaultRule | None:
        """The rule that strikes an order here and now, None for none."""
        for position, rule in enumerate(self.rules):
            if rule.on is not point or (rule.times and self._struck[position] >= rule.times):
                continue
            if rule.order_id not in ("", order_id) or rule.basket_id not in ("", basket_id):
                continue
            if rule.leg not in (None, leg) or (rule.probability < 1 and self._random.random() >= rule.probability):
                continue
            self._struck[position] += 1
            return rule
        return None

    def delay_ns(self, rule: FaultRule) -> int:
        """How long what the rule strikes is under way, in nanoseconds."""
        if rule.action is Action.DROP:
            return ASK_AFTER_MS * NS_PER_MS
        if rule.action is Action.REORDER:
            return self._random.randint(0, rule.delay_ms) * NS_PER_MS
        return rule.delay_ms * NS_PER_MS
