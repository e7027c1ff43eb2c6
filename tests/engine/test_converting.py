"""Converting positions: what orders by themselves have left open changes its product, at its cost, and nothing else."""

import pytest
from tests.trading_floor import SBIN, Floor

from bracketd.domain.commands import ConvertPosition
from bracketd.domain.order import Execution, OrderType, Product, Side
from bracketd.domain.outcomes import Converted, Refused
from bracketd.domain.reasons import Reason
from bracketd.domain.session import SessionPhase
from bracketd.engine.state import encode_state

MIS, CNC, NRML = Product.MIS, Product.CNC, Product.NRML


def holding(product: Product, side: Side = Side.BUY, quantity: int = 10, cash_paise: int = 10**11) -> Floor:
    """A floor on which A has a position by an order of its own."""
    floor = Floor("A", cash_paise=cash_paise)
    floor.tick(456.95, 100)
    entry = floor.place(
        side=side,
        quantity=quantity,
        execution=Execution.REGULAR,
        product=product,
        order_type=OrderType.MARKET,
        t=0,
        s=0,
    )
    assert floor.state.orders[entry].filled == quantity
    return floor


def convert(floor: Floor, product: Product, new_product: Product, quantity: int = 10) -> object:
    """Ask for a conversion."""
    return floor.command(ConvertPosition("A", SBIN, product, new_product, quantity))


def nets(floor: Floor) -> dict[str, int]:
    """What A has of each product."""
    return {key.split(" ")[2]: position.net for key, position in floor.state.positions.items() if position.net}


@pytest.mark.parametrize("quantity", [4, 10])
def test_an_intraday_position_becomes_a_holding(quantity: int) -> None:
    """The shares change their product at their average cost; nothing is earned by it, and CNC binds its whole cost."""
    floor = holding(MIS)
    before = floor.state.accounts["A"]
    blocked, realised = before.blocked_paise, before.realised_paise
    assert convert(floor, MIS, CNC, quantity) == Converted(SBIN)
    assert nets(floor) == ({"CNC": 10} if quantity == 10 else {"MIS": 6, "CNC": 4})
    account = floor.state.accounts["A"]
    cost = 45_695 * quantity
    assert account.realised_paise == realised
    assert account.blocked_paise == pytest.approx(blocked + cost - cost / 5, abs=2)
    floor.restart()
    assert nets(floor) == ({"CNC": 10} if quantity == 10 else {"MIS": 6, "CNC": 4})


def test_what_was_converted_can_be_sold_as_what_it_is() -> None:
    """A holding that came of a conversion is delivered by a CNC sale; the money is what it was sold for."""
    floor = holding(MIS)
    convert(floor, MIS, CNC)
    floor.tick(460.00, 100)
    floor.place(
        side=Side.SELL, execution=Execution.REGULAR, product=CNC, order_type=OrderType.MARKET, t=0, s=0, price=0
    )
    assert nets(floor) == {}
    assert floor.state.accounts["A"].realised_paise == 10 * (46_000 - 45_695)
    assert floor.state.accounts["A"].blocked_paise == 0


def test_a_short_position_cannot_be_delivered() -> None:
    """A short position becomes NRML, never CNC."""
    floor = holding(MIS, Side.SELL)
    assert convert(floor, MIS, CNC) == Refused(Reason.PRODUCT_NOT_ALLOWED, "new_product")
    assert convert(floor, MIS, NRML) == Converted(SBIN)
    assert nets(floor) == {"NRML": -10}


def test_a_brackets_position_stays_mis() -> None:
    """What a bracket bought is MIS for all of it: its exits are."""
    floor = Floor("A")
    floor.place(quantity=10)
    floor.tick(456.95, 10)
    before = encode_state(floor.state)
    assert convert(floor, MIS, CNC) == Refused(Reason.PRODUCT_NOT_ALLOWED, "product")
    assert encode_state(floor.state) == before


@pytest.mark.parametrize(("product", "quantity"), [(MIS, 11), (MIS, 0), (CNC, 1)])
def test_more_than_there_is(product: Product, quantity: int) -> None:
    """No more can be converted than is open of that product."""
    floor = holding(MIS)
    assert convert(floor, product, NRML, quantity) == Refused(Reason.BAD_LOT, "quantity")


def test_shares_that_are_being_sold_are_not_converted() -> None:
    """A holding that a working order sells already is not there to be converted."""
    floor = holding(CNC)
    outcome = floor.place(side=Side.SELL, quantity=8, price=470.0, execution=Execution.REGULAR, product=CNC, t=0, s=0)
    assert outcome
    assert convert(floor, CNC, NRML, 3) == Refused(Reason.BAD_LOT, "quantity")
    assert convert(floor, CNC, NRML, 2) == Converted(SBIN)


def test_the_whole_cost_must_be_there() -> None:
    """MIS binds a fifth; who has no more cannot take the shares home."""
    floor = holding(MIS, cash_paise=200_000)
    assert convert(floor, MIS, CNC) == Refused(Reason.MARGIN_SHORT)
    assert nets(floor) == {"MIS": 10}


def test_after_the_cut_off_and_the_close() -> None:
    """After the cut-off nothing becomes MIS any more, and after the close nothing is converted."""
    floor = holding(CNC)
    floor.phase = SessionPhase.CUT_OFF
    assert convert(floor, CNC, MIS) == Refused(Reason.SESSION_CLOSED)
    assert convert(floor, CNC, NRML, 5) == Converted(SBIN)
    floor.phase = SessionPhase.CLOSED
    assert convert(floor, CNC, NRML, 5) == Refused(Reason.SESSION_CLOSED)
