"""The protection log: an operator reads of every bracket that lost its protection, once, and of its return."""

import logging

import pytest
from tests.runtime.moved_desk import MovedDesk

from bracketd.domain.ist import NS_PER_SECOND
from bracketd.domain.order import Leg
from bracketd.venue.paper.fault_plan import Action, FaultRule, Point


async def test_loss_and_return_are_told_once_each(caplog: pytest.LogCaptureFixture) -> None:
    """bracket.md 2.8: UNPROTECTED is visible in the log, with basket, entry and open quantity; so is its end."""
    caplog.set_level(logging.INFO)
    desk = MovedDesk()
    desk.plan(
        FaultRule(on=Point.LEG, action=Action.REFUSE, leg=Leg.STOPLOSS), FaultRule(on=Point.CLOSE, action=Action.REFUSE)
    )
    entry_id = await desk.place(quantity=10)
    basket_id = desk.state.orders[entry_id].basket_id
    await desk.tick(456.95, 4)
    await desk.sandbox.advance_by(3 * NS_PER_SECOND)
    lost = ("WARNING", f"UNPROTECTED: basket {basket_id}, entry {entry_id}, open quantity 4")
    assert [(record.levelname, record.message) for record in caplog.records] == [lost]
    desk.plan()
    await desk.sandbox.advance_by(NS_PER_SECOND)
    regained = ("INFO", f"protected again: basket {basket_id}")
    assert [(record.levelname, record.message) for record in caplog.records] == [lost, regained]


async def test_a_life_without_faults_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A bracket whose legs were taken is never told of."""
    caplog.set_level(logging.INFO)
    desk = MovedDesk()
    await desk.place(quantity=10)
    await desk.tick(456.95, 10)
    assert caplog.records == []
