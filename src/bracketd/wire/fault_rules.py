"""Fault rules on the wire: a plan of what goes wrong at the paper exchange, read from JSON and shown as it was taken.

Fields are checked in the order of the page docs/sandbox.md; the first that is wrong is named with its place, such as
`rules[1].delay_ms`. A name that no rule has is wrong too: a rule that does less than it says would be found out late.
"""

from typing import Any

from bracketd.domain.order import Leg
from bracketd.engine.cancelling import LEG_WORDS
from bracketd.venue.paper.fault_plan import RULES_MAX, Action, FaultPlan, FaultRule, Point
from bracketd.wire import words
from bracketd.wire.listed import listed_objects, read_document, read_each, refuse_others
from bracketd.wire.numerals import NotNumeral, shortest_text
from bracketd.wire.parameters import Parameters
from bracketd.wire.words import QUANTITY_LIMIT, FieldError

RULE_FIELDS = ("on", "action", "delay_ms", "probability", "times", "leg", "order_id", "basket_id", "text")
"""What a rule may say, in the order in which it is checked."""

PLAN_FIELDS = ("seed", "rules")
ID_LENGTH_MAX = 32
TEXT_LENGTH_MAX = 200

_POINTS = {point.value.upper(): point for point in Point}
_ACTIONS = {action.value.upper(): action for action in Action}
_TEXT = FaultRule(on=Point.PLACE, action=Action.REFUSE).text


def read_plan(body: bytes) -> tuple[int, tuple[FaultRule, ...]]:
    """(seed, rules) of a request's body. Raises Unreadable where it is no JSON object, and FieldError."""
    fields, document = read_document(body)
    seed = words.whole(Parameters.of(None, fields, {}), "seed", 0)
    if not 0 <= seed < QUANTITY_LIMIT:
        raise FieldError("seed")
    taken = read_each(listed_objects(document, "rules", RULES_MAX), "rules", _rule)
    refuse_others(fields, PLAN_FIELDS)
    return seed, tuple(taken)


def shown_plan(plan: FaultPlan, under_way: int) -> dict[str, object]:
    """The plan as a reply shows it; seed and rules can be sent again as they stand."""
    return {"seed": plan.seed, "rules": [_shown(rule) for rule in plan.rules], "under_way": under_way}


def _rule(parameters: Parameters, sent: dict[str, Any]) -> FaultRule:
    rule = _read(parameters)
    wrong = rule.fault()
    if wrong:
        raise FieldError(wrong)
    refuse_others(sent, RULE_FIELDS)
    return rule


def _read(parameters: Parameters) -> FaultRule:
    return FaultRule(
        on=words.word(parameters, "on", _POINTS),
        action=words.word(parameters, "action", _ACTIONS),
        delay_ms=words.whole(parameters, "delay_ms", 0),
        probability=_probability(parameters),
        times=words.whole(parameters, "times", 0),
        leg=_leg(parameters),
        order_id=_text(parameters, "order_id", "", ID_LENGTH_MAX),
        basket_id=_text(parameters, "basket_id", "", ID_LENGTH_MAX),
        text=_text(parameters, "text", _TEXT, TEXT_LENGTH_MAX),
    )


def _probability(parameters: Parameters) -> float:
    try:
        return float(shortest_text(words.text(parameters, "probability", "1")))
    except NotNumeral as fault:
        raise FieldError("probability") from fault


def _leg(parameters: Parameters) -> Leg | None:
    """ENTRY, TARGET or STOPLOSS, also as SECOND and THIRD; absent is every order."""
    return words.word(parameters, "leg", LEG_WORDS) if words.text(parameters, "leg", "") else None


def _text(parameters: Parameters, field: str, default: str, length_max: int) -> str:
    text = words.text(parameters, field, default)
    if len(text) > length_max:
        raise FieldError(field)
    return text


def _shown(rule: FaultRule) -> dict[str, object]:
    shown = {field: getattr(rule, field) for field in RULE_FIELDS}
    return shown | {"leg": "" if rule.leg is None else rule.leg}
