"""Runs in the environment of nautilus_trader: cancels a second through its matching engine, as JSON on stdout.

Each order rests and is cancelled once. An event that the engine sends is applied to its order and the order's place in
the cache is brought up to date, as its execution engine does; there is no journal, no risk check and no bracket.
"""

import json
import sys
import time
from decimal import Decimal

from nautilus_trader import __version__
from nautilus_trader.backtest.engine import OrderMatchingEngine
from nautilus_trader.backtest.models import FillModel, MakerTakerFeeModel
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder
from nautilus_trader.model.enums import AccountType, BookType, OmsType, OrderSide
from nautilus_trader.model.identifiers import AccountId, InstrumentId, StrategyId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Currency, Price, Quantity


def main(orders: int) -> dict[str, object]:
    """Place and cancel; seconds of this thread's time."""
    clock, trader, strategy = TestClock(), TraderId("BENCH-001"), StrategyId("S-001")
    bus, cache, account = MessageBus(trader, clock), Cache(), AccountId("NSE-1")
    instrument = Equity(
        instrument_id=InstrumentId(Symbol("SBIN"), Venue("NSE")),
        raw_symbol=Symbol("SBIN"),
        currency=Currency.from_str("USD"),
        price_precision=2,
        price_increment=Price.from_str("0.05"),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
        maker_fee=Decimal(0),
        taker_fee=Decimal(0),
    )
    cache.add_instrument(instrument)

    def applied(event: object) -> None:
        order = cache.order(event.client_order_id)  # type: ignore[attr-defined]
        order.apply(event)
        cache.update_order(order)

    bus.register("ExecEngine.process", applied)
    engine = OrderMatchingEngine(
        instrument=instrument,
        raw_id=0,
        fill_model=FillModel(),
        fee_model=MakerTakerFeeModel(),
        book_type=BookType.L1_MBP,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        msgbus=bus,
        cache=cache,
        clock=clock,
    )
    factory = OrderFactory(trader, strategy, clock)
    placed = []
    for number in range(orders):
        price = Price.from_str(f"{300 + number % 400 * 0.05:.2f}")
        order = factory.limit(instrument.id, OrderSide.BUY, Quantity.from_int(1), price)
        cache.add_order(order)
        placed.append(order)
    began = time.thread_time()
    for order in placed:
        engine.process_order(order, account)
    placed_s = time.thread_time() - began
    commands = [
        CancelOrder(trader, strategy, instrument.id, order.client_order_id, order.venue_order_id, UUID4(), 0)
        for order in placed
    ]
    began = time.thread_time()
    for command in commands:
        engine.process_cancel(command, account)
    cancelled_s = time.thread_time() - began
    if any(not order.is_canceled for order in placed):
        raise RuntimeError("not every order is cancelled")
    return {"version": __version__, "places_per_s": orders / placed_s, "cancels_per_s": orders / cancelled_s}


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1])), sys.stdout)
