"""Why a bracket is in its state, told of brackets in memory: every state has words, and the words are true of it."""

from collections.abc import Callable, Iterator

import pytest

from bracketd.client import BrokerError, errors
from bracketd.domain.order import Status
from bracketd.engine.ending import SESSION_END
from bracketd.engine.evolve_exit import CLOSING_INFO, REFUSED_INFO, RESCUE_INFO, UNPROTECTED_INFO
from bracketd.engine.evolve_placing import HELD_INFO
from bracketd.engine.squaring import SQUARE_OFF_INFO
from bracketd.terminal.book import Group
from bracketd.terminal.story import INFO, STATUS, timeline, why
from bracketd.terminal.verdict import SENTENCES
from bracketd.testing import PaperBroker

Told = Callable[[], str]


@pytest.fixture
def paper() -> Iterator[PaperBroker]:
    """A paper broker in memory, whose clock is moved by hand."""
    with PaperBroker() as paper:
        yield paper


class Trader:
    """Client A with one bracket: buy 10 SBIN at 456.95, target 2, stop-loss 1."""

    def __init__(self, paper: PaperBroker) -> None:
        self.broker = paper.client("A")
        self.bracket = self.broker.place_bracket("SBIN", "BUY", 10, price="456.95", target=2, stop=1)

    def why(self) -> str:
        """Why the bracket is in its state."""
        return why(Group(self.bracket.refresh().rows))


def test_every_status_and_info_has_its_words() -> None:
    """Whatever the engine can show, the terminal can say."""
    assert set(STATUS) == set(Status)
    infos = {"OCO", SESSION_END, CLOSING_INFO, REFUSED_INFO, RESCUE_INFO, UNPROTECTED_INFO, HELD_INFO, SQUARE_OFF_INFO}
    assert set(INFO) == infos


def test_every_sentence_is_about_an_error_that_exists() -> None:
    """The sentences stand under names of the client's errors."""
    assert [name for name in SENTENCES if not issubclass(getattr(errors, name), BrokerError)] == []


def test_an_entry_that_waits(paper: PaperBroker) -> None:
    """Nothing has filled."""
    trader = Trader(paper)
    assert trader.why() == "Nothing has filled: the entry works at the exchange at 456.95."
    trader.bracket.cancel()
    assert trader.why() == "Nothing has filled: the entry works no more."


def test_a_part_that_is_open(paper: PaperBroker) -> None:
    """Some has filled: what guards it, and what the rest does."""
    trader = Trader(paper)
    paper.tick("SBIN", "456.95", quantity=4)
    assert trader.why() == (
        "4 shares of 10 bought at 456.95; the rest works at the exchange at 456.95. 4 shares are open: the target "
        "works at the exchange at 458.95, the stop-loss waits at the exchange for a print at or below 455.95."
    )
    trader.bracket.cancel()
    assert trader.why().startswith("4 shares of 10 bought at 456.95; the rest works no more. 4 shares are open")


def test_an_end_by_the_target(paper: PaperBroker) -> None:
    """Which leg closed it, and at what."""
    trader = Trader(paper)
    paper.tick("SBIN", "456.95", quantity=10)
    paper.tick("SBIN", "458.95", quantity=10)
    assert trader.why() == "Over: 10 shares bought at 456.95. The target closed 10 at 458.95."


def test_an_end_by_an_exit(paper: PaperBroker) -> None:
    """Closing is told while it lasts, the end by its price."""
    trader = Trader(paper)
    paper.tick("SBIN", "456.95", quantity=10, bids=[], asks=[])
    trader.bracket.refresh().exit()
    assert trader.why() == "Closing: the stop-loss is a market order by now, for 10 shares still open."
    paper.tick("SBIN", "457.00", quantity=10)
    assert trader.why() == "Over: 10 shares bought at 456.95. The stop-loss closed 10 at 457.00."


def test_a_timeline_is_whole_and_in_order(paper: PaperBroker) -> None:
    """Each fill is told once, with its trade and its cause; what happened stands in the order of time."""
    trader = Trader(paper)
    paper.tick("SBIN", "456.95", quantity=4)
    paper.advance(seconds=1)
    paper.tick("SBIN", "456.90", quantity=6)
    paper.advance(seconds=1)
    paper.tick("SBIN", "458.95", quantity=10)
    rows = trader.bracket.refresh().rows
    trades = trader.broker.trades()
    histories = {row.order_id: trader.broker.history(row.order_id) for row in rows}
    told = timeline(rows, histories, trades)
    assert [each.at_ns for each in told] == sorted(each.at_ns for each in told)
    assert [each.trade_id for each in told if each.trade_id] == [trade.trade_id for trade in trades]
    assert [each.text for each in told if each.trade_id] == [
        "4 shares traded at 456.95, 4 in all",
        "6 shares traded at 456.95, 10 in all",
        "10 shares traded at 458.95, 10 in all",
    ]
    assert all("the last print was 45" in each.cause for each in told if each.trade_id)
