"""Placing twice: an idempotency key is remembered for its day, across restarts (bracket.md section 4)."""

import msgspec
from tests.trading_floor import Floor, bracket

from bracketd.domain.outcomes import Placed, Refused
from bracketd.domain.reasons import Reason

DAY_NS = 86_400 * 10**9


def test_same_key_and_request_get_the_same_answer() -> None:
    """The second placement makes no second bracket and no record, also after a crash."""
    floor = Floor()
    first = floor.command(bracket(idempotency_key="k"))
    assert isinstance(first, Placed)
    steps = len(floor.steps)
    assert floor.command(bracket(idempotency_key="k")) == first
    floor.restart()
    assert floor.command(bracket(idempotency_key="k")) == first
    assert len(floor.steps) == steps
    assert len(floor.state.brackets) == 1


def test_same_key_with_another_request_is_refused() -> None:
    """Whatever differs, the key is taken: nothing is placed."""
    floor = Floor()
    floor.command(bracket(idempotency_key="k"))
    for changed in (bracket(quantity=11), bracket(price=456.9), bracket(user_order_id="7"), bracket(step=0.05)):
        again = msgspec.structs.replace(changed, idempotency_key="k")
        assert floor.command(again) == Refused(Reason.IDEMPOTENCY_KEY_REUSED)
    assert len(floor.state.brackets) == 1


def test_without_a_key_the_same_request_is_another_order() -> None:
    """Two placements that carry no key are two brackets."""
    floor = Floor()
    assert floor.command(bracket()) != floor.command(bracket())


def test_a_refused_placement_is_not_remembered() -> None:
    """After a refusal the key may be tried again, with another request too."""
    floor = Floor()
    assert isinstance(floor.command(bracket(quantity=0, idempotency_key="k")), Refused)
    assert isinstance(floor.command(bracket(quantity=1, idempotency_key="k")), Placed)


def test_a_key_is_one_clients_own() -> None:
    """Another client's key is no key of mine."""
    floor = Floor("A", "B")
    mine = floor.command(bracket("A", idempotency_key="k"))
    theirs = floor.command(bracket("B", idempotency_key="k"))
    assert isinstance(theirs, Placed)
    assert theirs != mine


def test_a_key_is_good_for_its_day() -> None:
    """On another IST date the key is new again."""
    floor = Floor()
    first = floor.command(bracket(idempotency_key="k"))
    floor.now_ns += DAY_NS
    second = floor.command(bracket(idempotency_key="k"))
    assert isinstance(second, Placed)
    assert second != first
    assert floor.command(bracket(idempotency_key="k")) == second
