"""The tests of follow.py, as somebody who trades would write them: `pip install bracketd[testing]`, then pytest."""

import pytest

from bracketd.client import Unauthorised
from bracketd.testing import SCENARIOS, PaperBroker
from examples import follow


def market(paper: PaperBroker) -> follow.Sleep:
    """A market that trades at 456.50 while the program sleeps."""

    def sleep(seconds: float) -> None:
        paper.sleep(seconds)
        paper.tick("SBIN", "456.50", quantity=100)

    return sleep


def test_a_good_day(broker: PaperBroker) -> None:
    """The first price is not reached, the second is: ten are bought and sold again."""
    follow.trade(broker.client("A"), market(broker))
    assert (broker.peak("A"), broker.position("A")) == (10, 0)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_bad_day(broker: PaperBroker, scenario: str) -> None:
    """Whatever goes wrong: never more than ten, and in the end nothing, or an error that says why not."""
    broker.play(scenario)
    try:
        follow.trade(broker.client("A"), market(broker))
    except Unauthorised:
        broker.client("A").cancel_everything()
    broker.settle()
    assert broker.peak("A") <= follow.QUANTITY
    assert broker.position("A") == 0
