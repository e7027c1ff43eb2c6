"""The machine of test_machine.py is worth something: faults planted in the engine, one at a time, are all found."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.engine.test_machine import STEPS, Machine
from tests.simulation.plants import (
    entry_outlives_its_exit,
    exit_budget_not_shared,
    letters_lost_in_a_crash,
    margin_not_returned,
    no_rescue,
    nothing_ends_with_the_session,
    refused_stop_forgotten,
)

from bracketd.domain.instructions import ClosePair, Instruction
from bracketd.domain.outcomes import Cancelled, Outcome
from bracketd.engine import cancelling, evolve_day, instructing, protection, stake
from bracketd.engine.cancelling import Ticket
from bracketd.engine.invariant import InvariantBroken
from bracketd.engine.state import State
from bracketd.runtime import step
from bracketd.venue.paper import exchange as exchange_module
from bracketd.venue.paper.book import Work
from bracketd.venue.paper.matcher import Matcher

EXAMPLES_TO_FIND = 2_000
"""How many days the machine is given to find a planted fault."""

Plant = Callable[[pytest.MonkeyPatch], None]


def growth_not_told(plant: pytest.MonkeyPatch) -> None:
    """The venue never hears that the legs have grown."""
    plant.setattr(instructing, "_adjust", lambda state, bracket, growth: None)


def square_off_missed(plant: pytest.MonkeyPatch) -> None:
    """At square-off nothing is asked to close."""
    plant.setattr(protection, "_exit_due", _only_what_was_asked_for(protection._exit_due))


def _only_what_was_asked_for(rule: Callable[..., Any]) -> Callable[..., Any]:
    def asked_for(state: State, bracket: Any, *rest: Any) -> Any:
        return None if bracket.exit.name == "NONE" else rule(state, bracket, *rest)

    return asked_for


def success_before_the_end(plant: pytest.MonkeyPatch) -> None:
    """An exit is called done as soon as it is asked for."""

    def hasty(state: State, ticket: Ticket) -> Outcome | None:
        return Cancelled(ticket.order_id) if ticket.closes else cancelling.outcome_of(state, ticket)

    plant.setattr("tests.stormy_floor.outcome_of", hasty)


def closes_one_too_many(plant: pytest.MonkeyPatch) -> None:
    """The closing order is for a share more than is open."""
    close_pair = exchange_module.PaperExchange._close_pair

    def greedy(self: Any, close: ClosePair) -> Iterator[Any]:
        pair = self._pairs.get(close.basket_id)
        if pair is not None and pair.remaining:
            pair.remaining += 1
        return close_pair(self, close)

    plant.setitem(exchange_module._CARRY_OUT, ClosePair, greedy)


def trigger_leaves_the_target(plant: pytest.MonkeyPatch) -> None:
    """At the exchange a stop that triggers leaves its target at work, under a quantity of its own."""
    fill = Matcher._fill

    def unlinked(self: Any, work: Work, price_paise: int, quantity: int, *, aggressive: bool) -> Any:
        report = fill(self, work, price_paise, quantity, aggressive=aggressive)
        if work.pair is not None:
            work.pair.remaining += quantity
        return report

    plant.setattr(Matcher, "_fill", unlinked)


def trailing_not_told(plant: pytest.MonkeyPatch) -> None:
    """The exchange never hears that a stop has trailed."""
    instruction_for = step.instruction_for

    def wrong(state: State, event: Any, growth: int) -> Instruction | None:
        return None if type(event).__name__ == "StopTrailed" else instruction_for(state, event, growth)

    plant.setattr(step, "instruction_for", wrong)


def holdings_lost_overnight(plant: pytest.MonkeyPatch) -> None:
    """What orders by themselves have left open is forgotten with their trades."""

    def forget(state: State) -> None:
        for key, kept in state.stakes.items():
            account = state.accounts[key.split(" ")[0]]
            account.blocked_paise -= kept.blocked_paise
            account.realised_paise -= kept.realised_paise
        state.stakes.clear()

    plant.setattr(evolve_day, "carry_stakes", forget)


def earnings_lost_overnight(plant: pytest.MonkeyPatch) -> None:
    """What orders by themselves have earned does not get into the cash."""
    plant.setattr(stake, "realised_paise", lambda position: 0)


def held_orders_sent_at_once(plant: pytest.MonkeyPatch) -> None:
    """An AMO goes to the venue when it is placed."""
    instruction_for = step.instruction_for

    def wrong(state: State, event: Any, growth: int) -> Instruction | None:
        if getattr(event, "held", False):
            return instruction_for(state, msgspec.structs.replace(event, held=False), growth)
        return instruction_for(state, event, growth)

    plant.setattr(step, "instruction_for", wrong)


def held_orders_never_sent(plant: pytest.MonkeyPatch) -> None:
    """An AMO waits for ever."""
    plant.setattr(protection, "release_due", lambda state, entry: False)


def sells_what_nobody_has(plant: pytest.MonkeyPatch) -> None:
    """CNC is sold whatever is held."""
    plant.setattr(stake, "sellable", lambda stake, without="": 10**9)


def intraday_positions_kept(plant: pytest.MonkeyPatch) -> None:
    """At square-off nobody closes what orders by themselves have left open."""
    plant.setattr(protection, "square_off_due", lambda *where: None)
    plant.setattr(step, "square_off_due", lambda *where: None)


def a_cover_order_waits_for_a_target(plant: pytest.MonkeyPatch) -> None:
    """Rule X of a bracket without a target never gets to its closing order."""
    advance = protection._advance_exit

    def waiting(state: State, bracket: Any, *rest: Any) -> Any:
        return None if bracket.execution.name == "CO" else advance(state, bracket, *rest)

    plant.setattr(protection, "_advance_exit", waiting)


PLANTS: tuple[Plant, ...] = (
    exit_budget_not_shared,
    growth_not_told,
    no_rescue,
    nothing_ends_with_the_session,
    square_off_missed,
    entry_outlives_its_exit,
    letters_lost_in_a_crash,
    success_before_the_end,
    closes_one_too_many,
    margin_not_returned,
    trigger_leaves_the_target,
    refused_stop_forgotten,
    trailing_not_told,
    holdings_lost_overnight,
    earnings_lost_overnight,
    held_orders_sent_at_once,
    held_orders_never_sent,
    sells_what_nobody_has,
    intraday_positions_kept,
    a_cover_order_waits_for_a_target,
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine finds the fault within the number of days stated."""
    plant(monkeypatch)
    limits = settings(
        max_examples=EXAMPLES_TO_FIND,
        stateful_step_count=STEPS,
        deadline=None,
        phases=(Phase.generate,),
        database=None,
        derandomize=True,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    # An invariant, the onlooker, or a step that cannot go on: the desk stops itself for any of them.
    with pytest.raises((InvariantBroken, AssertionError, KeyError)):
        run_state_machine_as_test(Machine, settings=limits)
