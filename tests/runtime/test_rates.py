"""Rates: a bucket for each client and kind, exact to the nanosecond, and no memory of those who are quiet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bracketd.runtime.rates import CANCELS_PER_S, ORDERS_PER_S, Act, Rates

S = 10**9
NOW_NS = 1_700_000_000 * S


def test_a_second_of_orders_at_once_then_one_each_interval() -> None:
    """Ten may come at once, the eleventh waits for its tenth of a second, to the nanosecond."""
    rates = Rates(orders_per_s=10)
    assert [rates.take("A", Act.ORDER, NOW_NS) for _ in range(10)] == [0] * 10
    assert rates.take("A", Act.ORDER, NOW_NS) == S // 10
    assert rates.take("A", Act.ORDER, NOW_NS + S // 10 - 1) == 1
    assert rates.take("A", Act.ORDER, NOW_NS + S // 10) == 0
    assert rates.take("A", Act.ORDER, NOW_NS + S // 10) == S // 10


def test_what_is_turned_away_takes_nothing() -> None:
    """A client that asks a thousand times in vain is let in as soon as one that waited."""
    rates = Rates(orders_per_s=1)
    assert rates.take("A", Act.ORDER, NOW_NS) == 0
    assert all(rates.take("A", Act.ORDER, NOW_NS + ms * 999_999) > 0 for ms in range(1_000))
    assert rates.take("A", Act.ORDER, NOW_NS + S) == 0


def test_a_client_and_a_kind_has_its_own_bucket() -> None:
    """A client that has used up its orders may still cancel, and another may still order."""
    rates = Rates(orders_per_s=1, cancels_per_s=1)
    assert [rates.take("A", Act.ORDER, NOW_NS) > 0 for _ in range(2)] == [False, True]
    assert rates.take("B", Act.ORDER, NOW_NS) == 0
    assert [rates.take("A", Act.CANCEL, NOW_NS) > 0 for _ in range(2)] == [False, True]


def test_cancels_are_let_in_sooner_than_orders() -> None:
    """Unless said otherwise ten orders and fifty cancels a second are let in."""
    assert (ORDERS_PER_S, CANCELS_PER_S) == (10, 50)
    rates = Rates()
    for act, expected in ((Act.ORDER, 10), (Act.CANCEL, 50)):
        assert sum(rates.take("A", act, NOW_NS) == 0 for _ in range(100)) == expected


def test_zero_is_no_limit() -> None:
    """A rate of 0 lets everything in and keeps nothing; where both are 0 nothing is limited."""
    rates = Rates(0, 0)
    assert not any(rates.take("A", act, NOW_NS) for act in Act for _ in range(10_000))
    assert (rates.limited, rates.kept) == (False, 0)
    assert Rates(0, 1).limited
    assert Rates(1, 0).limited


def test_a_negative_rate_is_refused() -> None:
    """A rate below 0 is a ValueError."""
    with pytest.raises(ValueError, match="negative"):
        Rates(-1)


def test_quiet_clients_are_forgotten() -> None:
    """A hundred thousand clients that come one after the other leave only those of the last second."""
    rates = Rates(orders_per_s=10)
    most = 0
    for number in range(100_000):
        rates.take(f"C{number}", Act.ORDER, NOW_NS + number * S // 1_000)
        most = max(most, rates.kept)
    assert most <= 1_000


def test_a_crowd_that_has_gone_is_forgotten() -> None:
    """What a crowd left is gone after as many requests, and the one who stays keeps his own bucket."""
    rates = Rates(orders_per_s=10)
    for number in range(1_000):
        rates.take(f"C{number}", Act.ORDER, NOW_NS)
    later_ns = NOW_NS + S
    taken = [rates.take("A", Act.ORDER, later_ns + ms * S // 10) for ms in range(1_000)]
    assert (taken, rates.kept) == ([0] * 1_000, 1)


@given(st.lists(st.integers(0, S // 2), min_size=1, max_size=60), st.integers(1, 20))
def test_no_second_has_more_than_twice_the_rate(gaps_ns: list[int], per_s: int) -> None:
    """However requests are spread, n seconds let in at most n + 1 seconds' worth, and a quiet client never waits."""
    rates, now_ns, taken_ns = Rates(orders_per_s=per_s), NOW_NS, []
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        if rates.take("A", Act.ORDER, now_ns) == 0:
            taken_ns.append(now_ns)
    for begun, begin_ns in enumerate(taken_ns):
        for count, at_ns in enumerate(taken_ns[begun:], 1):
            assert count <= per_s + (at_ns - begin_ns) * per_s // S
    assert taken_ns[0] == NOW_NS + gaps_ns[0]
