"""The paper exchange against bracket.md section 3, one fact a test, for both sides.

Where a test does not say otherwise an order is a bracket's LIMIT entry for 10 at 456.95, its target 2.00 and its stop
1.00 away; the base price is 456.95 and the tick 0.05.
"""

import pytest
from tests.sided_floor import SidedFloor, told
from tests.trading_floor import SBIN, levels

from bracketd.domain.order import OrderType, Side, Status
from bracketd.domain.outcomes import Cancelled
from bracketd.engine.state import encode_state

LIMIT, MARKET, SL, SLM = OrderType.LIMIT, OrderType.MARKET, OrderType.SL, OrderType.SLM


@pytest.fixture(params=[Side.BUY, Side.SELL])
def floor(request: pytest.FixtureRequest) -> SidedFloor:
    """A floor with two accounts on which BUY means the side at test."""
    return SidedFloor(request.param, "A", "B")


def market(floor: SidedFloor, quantity: int = 10, client: str = "A", **fields: object) -> str:
    """A MARKET bracket whose legs are far away."""
    return floor.place(client, quantity=quantity, order_type=MARKET, price=0, t=20, s=20, **fields)


# 3.1 Ticks


def test_a_print_fills_a_resting_limit_at_its_own_limit(floor: SidedFloor) -> None:
    """A resting LIMIT fills at its own limit when a trade prints at it."""
    entry = floor.place()
    floor.silent(456.95, 4)
    assert floor.trades(entry) == [(456.95, 4)]


def test_a_print_through_the_limit_fills_at_the_limit_all_the_same(floor: SidedFloor) -> None:
    """A trade through a resting LIMIT gives it its own limit, not the print."""
    entry = floor.place()
    floor.silent(456.00, 4)
    assert floor.trades(entry) == [(456.95, 4)]


def test_a_print_short_of_the_limit_fills_nothing(floor: SidedFloor) -> None:
    """A trade one tick short of a resting LIMIT does nothing to it, displayed quantity or not."""
    entry = floor.place(price=456.90)
    floor.tick(456.95, 100)
    assert floor.trades(entry) == []


def test_a_quote_prints_nothing(floor: SidedFloor) -> None:
    """Quantity 0: no limit fills, no stop triggers, and the last print stays what it was."""
    floor.silent(457.00)
    bought = floor.place(quantity=5)
    floor.silent(456.95, 5)
    waiting = floor.place(price=456.00)
    floor.tick(455.00, 0, (), ())
    assert floor.trades(waiting) == []
    assert floor.legs(bought)[0].status is Status.TRIGGER_PENDING
    assert floor.paise(floor.venue.shown(SBIN)[0]) == 45_695


def test_a_quote_renews_the_displayed_quantity(floor: SidedFloor) -> None:
    """Quantity 0 with depth: what it displays is there to be taken."""
    entry = market(floor)
    floor.tick(456.95, 0, (), levels((457.00, 6)))
    assert floor.trades(entry) == [(457.00, 6)]
    floor.tick(456.95, 0, (), levels((457.00, 6)))
    assert floor.trades(entry) == [(457.00, 6), (457.00, 4)]


def test_an_absent_side_is_stood_for_by_the_last_trade(floor: SidedFloor) -> None:
    """A print without depth displays last price and last quantity on both sides."""
    floor.tick(456.80, 7)
    assert floor.trades(market(floor)) == [(456.80, 7)]
    opposite = floor.place(side=Side.SELL, order_type=MARKET, price=0, t=20, s=20)
    assert floor.trades(opposite) == [(456.80, 7)]


def test_only_the_absent_side_is_stood_for(floor: SidedFloor) -> None:
    """With one side given, the other alone is last price and last quantity."""
    floor.tick(456.80, 7, bids=levels((456.00, 2)))
    assert floor.trades(market(floor)) == [(456.80, 7)]
    assert floor.trades(floor.place(side=Side.SELL, order_type=MARKET, price=0, t=20, s=20)) == [(456.00, 2)]


def test_an_empty_side_is_nobody(floor: SidedFloor) -> None:
    """An empty list means that nobody is there, whatever printed."""
    floor.tick(456.95, 1_000, bids=levels((456.90, 50)), asks=())
    entry = market(floor)
    assert floor.trades(entry) == []
    assert floor.order(entry).status is Status.CONFIRMED


def test_a_tick_replaces_what_was_displayed(floor: SidedFloor) -> None:
    """What a tick displayed and nobody took is gone with the next tick, not added to it."""
    floor.tick(456.95, 0, (), levels((456.95, 50)))
    floor.tick(456.95, 0, (), levels((457.00, 3)))
    assert floor.trades(market(floor)) == [(457.00, 3)]


def test_arrivals_use_up_what_is_displayed(floor: SidedFloor) -> None:
    """Displayed quantity is there once: the second arrival of the account gets what the first left."""
    floor.tick(456.95, 0, (), levels((456.95, 6), (457.00, 6)))
    assert floor.trades(market(floor, 8)) == [(456.95, 6), (457.00, 2)]
    assert floor.trades(market(floor, 8)) == [(457.00, 4)]
    assert floor.trades(market(floor, 8)) == []


def test_what_was_used_up_stays_so_over_a_restart(floor: SidedFloor) -> None:
    """A restart does not give an account the displayed quantity a second time."""
    floor.tick(456.95, 0, (), levels((456.95, 6)))
    market(floor, 4)
    floor.restart()
    assert floor.trades(market(floor, 4)) == [(456.95, 2)]


def test_displayed_and_traded_quantity_are_counted_apart(floor: SidedFloor) -> None:
    """A print of 5 fills a resting order with 5 and displays 5 for an arrival as well."""
    resting = floor.place(quantity=5)
    rest = market(floor, 5)
    floor.tick(456.95, 5)
    assert floor.trades(resting) == [(456.95, 5)]
    assert floor.trades(rest) == [(456.95, 5)]


def test_resting_orders_of_both_sides_share_one_traded_quantity(floor: SidedFloor) -> None:
    """The traded quantity is counted once for both sides together, and time decides between equal prices."""
    first = floor.place(quantity=4)
    second = floor.place(side=Side.SELL, quantity=4)
    third = floor.place(quantity=4)
    floor.silent(456.95, 6)
    assert [floor.order(each).filled for each in (first, second, third)] == [4, 2, 0]


def test_everything_is_offered_to_each_account_anew(floor: SidedFloor) -> None:
    """Traded and displayed quantity are each account's own: neither account's fills take from the other's."""
    entries = [floor.place(client, quantity=5) for client in ("A", "B")]
    rests = [market(floor, 5, client) for client in ("A", "B")]
    floor.tick(456.95, 5)
    assert [floor.trades(each) for each in (*entries, *rests)] == [[(456.95, 5)]] * 4


def test_accounts_never_trade_with_each_other(floor: SidedFloor) -> None:
    """Two accounts' orders that cross do nothing by themselves."""
    buyer = floor.place("A", price=458.00)
    seller = floor.place("B", side=Side.SELL, price=455.00)
    assert floor.trades(buyer) == floor.trades(seller) == []


def test_before_the_first_print_nobody_is_displayed(floor: SidedFloor) -> None:
    """The base price stands with quantity 0: a MARKET order is CONFIRMED and waits."""
    entry = market(floor)
    assert told(floor.order(entry)) == (Status.CONFIRMED, 10, 0, 10, 0)


def test_the_base_price_triggers_nothing(floor: SidedFloor) -> None:
    """Before the first print a stop whose trigger the base price has passed waits for a print."""
    floor.tick(470.00, 0, (), levels((470.00, 10)))
    entry = floor.place(price=470.00)
    assert floor.trades(entry) == [(470.00, 10)]
    stop, _ = floor.legs(entry)
    assert (stop.status, floor.paise(stop.trigger_paise)) == (Status.TRIGGER_PENDING, 46_900)
    floor.tick(456.95, 0, (), ())
    assert stop.status is Status.TRIGGER_PENDING
    floor.silent(456.95)
    assert stop.status is Status.CONFIRMED


def test_the_base_price_is_the_print_before_the_first(floor: SidedFloor) -> None:
    """A LIMIT beyond the base price is an arrival on the first print; one at it is not."""
    beyond, at = floor.place(price=457.00), floor.place()
    floor.tick(456.50, 4, (), levels((456.50, 7)))
    assert floor.trades(beyond) == [(456.50, 7)]
    assert floor.trades(at) == [(456.95, 4)]


def test_the_base_price_bounds_a_market_order_before_the_first_print(floor: SidedFloor) -> None:
    """Protection is measured from the base price while nothing has printed: 3 % above 456.95 is 470.65."""
    entry = market(floor)
    floor.tick(456.95, 0, (), levels((470.65, 1), (470.70, 9)))
    assert floor.trades(entry) == [(470.65, 1)]


# 3.2 Arrivals


def test_an_arrival_takes_level_by_level_within_its_limit(floor: SidedFloor) -> None:
    """A marketable LIMIT takes each level at its price as far as its limit, and rests with what is left."""
    floor.tick(456.95, 0, (), levels((456.80, 3), (456.95, 4), (457.00, 100)))
    entry = floor.place()
    assert floor.trades(entry) == [(456.80, 3), (456.95, 4)]
    assert told(floor.order(entry)) == (Status.CONFIRMED, 10, 7, 3, 0)


def test_a_limit_beyond_the_print_before_is_an_arrival(floor: SidedFloor) -> None:
    """A LIMIT that came marketable and found nobody takes displayed quantity on the next tick, not its own limit."""
    floor.silent(456.00)
    entry = floor.place()
    floor.tick(456.50, 1_000, (), levels((456.50, 3), (456.90, 2), (457.00, 50)))
    assert floor.trades(entry) == [(456.50, 3), (456.90, 2)]


def test_a_limit_beyond_the_print_before_does_not_share_the_print(floor: SidedFloor) -> None:
    """An arrival with nobody displayed gets nothing of a print through its limit."""
    floor.silent(456.00)
    entry = floor.place()
    floor.silent(456.00)
    assert floor.trades(entry) == []


def test_a_limit_that_had_rested_becomes_an_arrival_once_printed_through(floor: SidedFloor) -> None:
    """A print through a resting LIMIT fills it at its own limit; the next tick finds it beyond the print before."""
    entry = floor.place()
    floor.silent(456.00, 2)
    floor.tick(456.10, 1_000, (), levels((456.10, 3)))
    assert floor.trades(entry) == [(456.95, 2), (456.10, 3)]


def test_a_limit_beyond_the_print_is_an_arrival_on_a_quote_as_well(floor: SidedFloor) -> None:
    """Each tick counts, a quote too: a LIMIT beyond the last print takes what the quote displays."""
    floor.silent(456.00)
    entry = floor.place()
    floor.tick(456.00, 0, (), levels((456.40, 3), (457.00, 9)))
    assert floor.trades(entry) == [(456.40, 3)]


def test_a_limit_at_the_print_before_is_no_arrival(floor: SidedFloor) -> None:
    """A LIMIT at the last print rests: a quote inside its limit does not fill it."""
    floor.silent(456.95)
    entry = floor.place()
    floor.tick(456.95, 0, (), levels((456.00, 10)))
    assert floor.trades(entry) == []


# 3.3 What never rests


def test_a_market_order_takes_displayed_quantity_on_every_tick(floor: SidedFloor) -> None:
    """What a MARKET order did not get stays CONFIRMED and takes what each following tick displays."""
    floor.tick(456.95, 0, (), levels((456.95, 1)))
    entry = market(floor)
    for price in (457.10, 456.20, 458.00):
        assert floor.order(entry).status is Status.CONFIRMED
        floor.tick(price, 3)
    assert floor.trades(entry) == [(456.95, 1), (457.10, 3), (456.20, 3), (458.00, 3)]
    assert floor.order(entry).status is Status.COMPLETE


def test_a_market_order_does_not_share_the_traded_quantity(floor: SidedFloor) -> None:
    """A MARKET order rests at no price: with nobody displayed a print gives it nothing."""
    entry = market(floor)
    floor.silent(456.95)
    assert floor.trades(entry) == []


def test_protection_bounds_a_market_order_rounded_toward_the_print(floor: SidedFloor) -> None:
    """3 % beyond 456.95 is 470.6585: the tick toward the print, 470.65, is taken and the next is not."""
    floor.tick(456.95, 1, (), levels((470.65, 1), (470.70, 100)))
    assert floor.trades(market(floor)) == [(470.65, 1)]


def test_protection_follows_the_last_print(floor: SidedFloor) -> None:
    """Each tick bounds anew, from the print that it brings."""
    floor.tick(456.95, 1, (), levels((480.00, 100)))
    entry = market(floor)
    assert floor.trades(entry) == []
    floor.tick(475.00, 1, (), levels((480.00, 100)))
    assert floor.trades(entry) == [(480.00, 10)]


def test_an_orders_own_protection_goes_before_the_venues(floor: SidedFloor) -> None:
    """With 1 % of its own a MARKET order reaches 461.50 from 456.95 and no further."""
    floor.tick(456.95, 1, (), levels((461.50, 1), (461.55, 100)))
    assert floor.trades(market(floor, protection_bp=100)) == [(461.50, 1)]


def test_the_rest_of_an_ioc_dies(floor: SidedFloor) -> None:
    """An IOC, LIMIT or MARKET, keeps what it got at once; the rest is CANCELLED and the legs protect the fill."""
    for order_type, price in ((LIMIT, 456.95), (MARKET, 0)):
        floor.tick(456.95, 0, (), levels((456.95, 4)))
        entry = floor.place(order_type=order_type, price=price, validity="IOC")
        stop, target = floor.legs(entry)
        assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
        assert told(stop) == (Status.TRIGGER_PENDING, 4, 0, 4, 0)
        assert told(target) == (Status.CONFIRMED, 4, 0, 4, 0)


def test_an_ioc_that_finds_nobody_dies_without_legs(floor: SidedFloor) -> None:
    """An IOC that finds nobody is CANCELLED with nothing filled, and no later print can fill it."""
    entry = floor.place(validity="IOC")
    floor.tick(456.95)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)
    assert floor.rows(entry)[1:] == (None, None)


def test_a_triggered_stop_is_never_stranded(floor: SidedFloor) -> None:
    """A triggered STOPLOSS takes displayed quantity on every tick, however far the market has gone meanwhile."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.tick(455.95, 10, levels((455.90, 2)))
    stop, _ = floor.legs(entry)
    assert told(stop) == (Status.CONFIRMED, 10, 2, 8, 0)
    floor.tick(440.00, 3)
    floor.tick(440.00, 0, levels((439.00, 1)))
    floor.tick(459.50, 100)
    assert floor.trades(stop.order_id) == [(455.90, 2), (440.00, 3), (439.00, 1), (459.50, 4)]
    assert told(stop) == (Status.COMPLETE, 10, 10, 0, 0)


def test_protection_bounds_a_triggered_stop(floor: SidedFloor) -> None:
    """A sale at the print 455.95 reaches 442.30 (of 442.2715), a purchase at its mirror 457.95 471.65 (of 471.6885)."""
    last = 442.30 if floor.side is Side.BUY else 442.25
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.tick(455.95, 10, levels((last, 2), (last - 0.05, 50)))
    assert floor.trades(floor.legs(entry)[0].order_id) == [(last, 2)]


def test_a_closing_order_takes_what_every_tick_displays(floor: SidedFloor) -> None:
    """A closing order stays CONFIRMED and takes displayed quantity on following ticks, quotes included."""
    entry = floor.place()
    floor.silent(456.95, 10)
    stop, _ = floor.legs(entry)
    assert floor.cancel(stop.order_id) == Cancelled(stop.order_id)
    floor.tick(456.95, 0, levels((456.90, 4)), ())
    assert told(stop) == (Status.CONFIRMED, 10, 4, 6, 0)
    floor.tick(458.00, 6)
    assert floor.trades(stop.order_id) == [(456.90, 4), (458.00, 6)]
    assert told(stop) == (Status.COMPLETE, 10, 10, 0, 0)


def test_protection_bounds_a_closing_order(floor: SidedFloor) -> None:
    """A closing order takes nothing beyond 3 % of the last print, 443.25 from 456.95, and goes on when it can."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.tick(456.95, 1, levels((443.25, 1), (443.20, 50)), ())
    stop, _ = floor.legs(entry)
    floor.cancel(stop.order_id)
    assert floor.trades(stop.order_id) == [(443.25, 1)]
    floor.tick(455.00, 9)
    assert stop.status is Status.COMPLETE


# 3.4 Order of work inside one print


def test_a_stop_triggers_before_limits_share_the_print(floor: SidedFloor) -> None:
    """A print through both the entry's rest and the stop triggers the stop, and the entry gets nothing of it."""
    entry = floor.place()
    floor.silent(456.95, 4)
    floor.silent(455.00, 1_000)
    stop, target = floor.legs(entry)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    assert told(stop) == (Status.CONFIRMED, 4, 0, 4, 0)
    assert (target.status, target.info) == (Status.CANCELLED, "OCO")
    assert floor.net() == 4


def test_the_limit_farthest_through_the_print_goes_first(floor: SidedFloor) -> None:
    """Resting limits share a print by how far it went through them, before time."""
    near, far = floor.place(price=456.80, quantity=4), floor.place(price=456.90, quantity=4)
    floor.silent(456.70, 6)
    assert [floor.order(each).filled for each in (near, far)] == [2, 4]


def test_limits_equally_far_go_in_time_order(floor: SidedFloor) -> None:
    """At one price the earlier order goes first."""
    orders = [floor.place(quantity=4) for _ in range(3)]
    floor.silent(456.95, 6)
    assert [floor.order(each).filled for each in orders] == [4, 2, 0]


def test_a_gap_through_entry_and_stop_closes_on_the_same_print(floor: SidedFloor) -> None:
    """The entry fills at its limit, the new stop is reached already, triggers at once and sells what is displayed."""
    entry = floor.place()
    floor.tick(455.00, 10, levels((454.95, 6)), ())
    stop, target = floor.legs(entry)
    assert floor.trades(entry) == [(456.95, 10)]
    assert floor.trades(stop.order_id) == [(454.95, 6)]
    assert told(stop) == (Status.CONFIRMED, 10, 6, 4, 0)
    assert told(target) == (Status.CANCELLED, 10, 0, 0, 10)
    assert target.info == "OCO"


def test_a_gap_through_both_takes_the_entrys_remainder_out(floor: SidedFloor) -> None:
    """A partial fill whose stop is reached already leaves no remainder to fill again."""
    entry = floor.place()
    floor.silent(455.00, 3)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 3, 0, 7)
    assert floor.legs(entry)[0].status is Status.CONFIRMED
    floor.silent(455.00, 3)
    assert floor.order(entry).filled == 3


def test_a_target_that_grew_in_a_print_waits_for_the_next(floor: SidedFloor) -> None:
    """What a print grew and re-priced does not share it: the target sells on the next print, not on this one."""
    floor.silent(456.05)
    floor.tick(456.05, 0, (), levels((456.00, 3)))
    entry = floor.place(price=456.05, t=0.05, s=5)
    _, target = floor.legs(entry)
    assert (told(target), floor.paise(target.price_paise)) == ((Status.CONFIRMED, 3, 0, 3, 0), 45_605)
    floor.silent(456.05, 1_000)
    assert (told(target), floor.paise(target.price_paise)) == ((Status.CONFIRMED, 10, 0, 10, 0), 45_605)
    floor.silent(456.05, 1_000)
    assert floor.trades(target.order_id) == [(456.05, 10)]


def test_a_target_beyond_the_print_before_is_an_arrival(floor: SidedFloor) -> None:
    """A target that the market has left behind does not share prints; it takes displayed quantity within its limit."""
    floor.silent(456.95)
    floor.tick(456.95, 0, (), levels((455.00, 3)))
    entry = floor.place(t=0.05, s=5, validity="IOC")
    target = floor.legs(entry)[1]
    assert floor.paise(target.price_paise) == 45_505
    floor.silent(456.95)
    assert floor.trades(target.order_id) == []
    floor.tick(456.95, 0, levels((455.10, 1), (455.00, 9)), ())
    assert floor.trades(target.order_id) == [(455.10, 1)]


def test_a_marketable_target_is_an_arrival_on_the_print_that_made_it(floor: SidedFloor) -> None:
    """A print that fills the entry and displays buyers beyond the new target sells to them at once, at their price."""
    entry = floor.place()
    floor.tick(456.95, 10, levels((459.00, 4), (458.95, 1), (458.90, 50)), ())
    _, target = floor.legs(entry)
    assert floor.trades(target.order_id) == [(459.00, 4), (458.95, 1)]
    assert told(target) == (Status.CONFIRMED, 10, 5, 5, 0)


def test_a_marketable_target_is_an_arrival_after_a_placement(floor: SidedFloor) -> None:
    """A placement is matched to its end, then its legs are looked at: the target takes what lies beyond it."""
    floor.tick(456.95, 1, levels((459.00, 4)), levels((456.90, 10)))
    entry = floor.place()
    stop, target = floor.legs(entry)
    assert floor.trades(target.order_id) == [(459.00, 4)]
    assert told(stop) == (Status.TRIGGER_PENDING, 10, 0, 6, 4)


def test_a_double_cross_closes_by_stoploss(floor: SidedFloor) -> None:
    """A fill that finds its stop reached and its target marketable closes by STOPLOSS, at the price found there."""
    floor.tick(455.00, 1, levels((459.00, 100)), levels((456.95, 10)))
    entry = floor.place()
    stop, target = floor.legs(entry)
    assert floor.trades(stop.order_id) == [(459.00, 10)]
    assert floor.trades(target.order_id) == []
    assert told(stop) == (Status.COMPLETE, 10, 10, 0, 0)
    assert (target.status, target.info) == (Status.CANCELLED, "OCO")


def test_a_double_cross_inside_a_print_closes_by_stoploss(floor: SidedFloor) -> None:
    """The same when a print brings it about."""
    entry = floor.place()
    floor.tick(455.00, 10, levels((459.00, 100)), ())
    stop, target = floor.legs(entry)
    assert floor.trades(stop.order_id) == [(459.00, 10)]
    assert floor.trades(target.order_id) == []


def test_a_placement_is_matched_to_its_end_before_its_legs_are_looked_at(floor: SidedFloor) -> None:
    """A placement takes every level within its limit, though its stop is reached from the first fill on."""
    floor.tick(455.00, 1, (), levels((456.90, 3), (456.95, 7)))
    entry = floor.place()
    assert floor.trades(entry) == [(456.90, 3), (456.95, 7)]
    assert floor.legs(entry)[0].triggered


def test_inside_a_print_legs_are_looked_at_after_each_fill_of_an_arrival(floor: SidedFloor) -> None:
    """An arriving entry whose first fill's stop is reached already gets no second level."""
    floor.silent(456.00)
    entry = floor.place()
    floor.tick(455.00, 1, (), levels((456.90, 3), (456.95, 7)))
    assert floor.trades(entry) == [(456.90, 3)]
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 3, 0, 7)
    assert floor.legs(entry)[0].triggered


def test_arrivals_take_displayed_quantity_in_time_order(floor: SidedFloor) -> None:
    """A MARKET order's rest and a LIMIT beyond the print before take turns by time, not by kind or price."""
    floor.silent(456.00)
    first = market(floor, 4)
    second = floor.place(quantity=4, price=458.00)
    third = market(floor, 4)
    floor.tick(456.50, 6, ())
    assert [floor.order(each).filled for each in (first, second, third)] == [4, 2, 0]


def test_a_target_that_grew_among_the_arrivals_goes_behind_them(floor: SidedFloor) -> None:
    """A target that an arriving entry grows loses its turn to a MARKET order that was there before the growth."""
    floor.silent(456.00)
    floor.tick(456.00, 0, (), levels((455.00, 3)))
    entry = floor.place(price=457.00, t=0.05, s=9)
    _, target = floor.legs(entry)
    later = floor.place(side=Side.SELL, quantity=4, order_type=MARKET, price=0, t=20, s=20)
    floor.tick(456.00, 0, levels((455.50, 4)), levels((456.00, 2)))
    assert floor.trades(entry) == [(455.00, 3), (456.00, 2)]
    assert floor.paise(target.price_paise) == 45_545
    assert floor.trades(later) == [(455.50, 4)]
    assert floor.trades(target.order_id) == []


def test_stops_that_triggered_sell_in_time_order(floor: SidedFloor) -> None:
    """Two stops reached by one print take what is displayed by the time of their making, not by their triggers."""
    first = floor.place(quantity=4, s=1.00)
    second = floor.place(quantity=4, s=0.50)
    floor.silent(456.95, 8)
    floor.tick(455.00, 6)
    assert [floor.legs(each)[0].filled for each in (first, second)] == [4, 2]


def grown_first_and_second(floor: SidedFloor) -> tuple[str, str]:
    """Two brackets with one target price, 458.95, and one trigger, 455.95; the first grew after the second was made."""
    first = floor.place(quantity=10)
    floor.silent(456.95, 4)
    second = floor.place(quantity=4, price=457.00, t=1.95, s=1.05)
    floor.tick(456.95, 0, (), levels((457.00, 4)))
    floor.silent(456.95, 6)
    return first, second


def test_a_target_that_grew_loses_its_place_in_time(floor: SidedFloor) -> None:
    """Of two targets at one price the one that grew later goes last, though it was made first."""
    first, second = grown_first_and_second(floor)
    assert (floor.order(first).filled, floor.order(second).filled) == (10, 4)
    floor.silent(458.95, 4)
    assert [floor.legs(each)[1].filled for each in (first, second)] == [0, 4]


def test_targets_that_did_not_grow_go_in_the_order_of_their_making(floor: SidedFloor) -> None:
    """Without growth the older of two targets at one price goes first."""
    first, second = floor.place(quantity=4), floor.place(quantity=4)
    floor.silent(456.95, 8)
    floor.silent(458.95, 4)
    assert [floor.legs(each)[1].filled for each in (first, second)] == [4, 0]


def test_a_stop_that_grew_keeps_its_place_in_time(floor: SidedFloor) -> None:
    """Of two stops that one print reaches the one made first sells first, though it grew later."""
    first, second = grown_first_and_second(floor)
    floor.tick(455.95, 10)
    assert [floor.legs(each)[0].filled for each in (first, second)] == [10, 0]


def test_places_in_time_survive_a_restart(floor: SidedFloor) -> None:
    """The order of two targets and of two stops is the same after a restart."""
    first, second = grown_first_and_second(floor)
    floor.restart()
    floor.silent(458.95, 4)
    assert [floor.legs(each)[1].filled for each in (first, second)] == [0, 4]
    floor.restart()
    floor.tick(455.95, 10)
    assert floor.legs(first)[0].filled == 10


def test_one_fill_of_a_leg_takes_from_both(floor: SidedFloor) -> None:
    """Target and stop have one quantity: what the target sold the stop cannot sell again."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.silent(458.95, 3)
    stop, target = floor.legs(entry)
    assert told(stop) == (Status.TRIGGER_PENDING, 10, 0, 7, 3)
    floor.tick(455.95, 100)
    assert told(stop) == (Status.COMPLETE, 10, 7, 0, 3)
    assert told(target) == (Status.CANCELLED, 10, 3, 0, 7)
    assert target.info == "OCO"
    assert floor.net() == 0


def test_the_first_exit_fill_takes_the_entrys_remainder_out(floor: SidedFloor) -> None:
    """A target that sold one share decides the exit: the entry's remainder is CANCELLED in the same step."""
    entry = floor.place()
    floor.silent(456.95, 4)
    floor.silent(458.95, 1)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 4, 0, 6)
    assert told(floor.legs(entry)[1]) == (Status.CONFIRMED, 4, 1, 3, 0)


def test_a_resting_target_fills_at_its_own_limit(floor: SidedFloor) -> None:
    """A print beyond a resting target sells at the target's price."""
    entry = floor.place()
    floor.silent(456.95, 10)
    floor.silent(470.00, 10)
    assert floor.trades(floor.legs(entry)[1].order_id) == [(458.95, 10)]


# 3.5 Stops


@pytest.mark.parametrize("through", [False, True])
def test_a_stop_triggers_at_or_through_its_trigger(floor: SidedFloor, through: bool) -> None:
    """A print at the trigger or through it triggers a STOPLOSS; one a tick short does not."""
    entry = floor.place()
    floor.silent(456.95, 10)
    stop, _ = floor.legs(entry)
    floor.silent(456.00)
    assert (stop.status, stop.triggered) == (Status.TRIGGER_PENDING, False)
    floor.silent(450.00 if through else 455.95)
    assert (stop.status, stop.triggered) == (Status.CONFIRMED, True)


def test_an_sl_entry_waits_and_then_is_a_limit(floor: SidedFloor) -> None:
    """An SL entry is TRIGGER_PENDING, ignores quotes, and once triggered takes displayed quantity within its limit."""
    entry = floor.place(order_type=SL, trigger=458.00, price=458.50)
    floor.tick(457.95, 100)
    floor.tick(458.00, 0, (), levels((458.00, 100)))
    assert told(floor.order(entry)) == (Status.TRIGGER_PENDING, 10, 0, 10, 0)
    floor.tick(458.00, 100, (), levels((458.20, 3), (458.50, 2), (458.55, 50)))
    assert floor.trades(entry) == [(458.20, 3), (458.50, 2)]
    assert told(floor.order(entry)) == (Status.CONFIRMED, 10, 5, 5, 0)


def test_an_sl_entry_does_not_share_the_print_that_triggered_it(floor: SidedFloor) -> None:
    """What triggered is an arrival: the traded quantity of its print is not for it, the next print's is."""
    entry = floor.place(order_type=SL, trigger=458.00, price=458.00)
    floor.silent(458.00, 100)
    assert floor.trades(entry) == []
    floor.silent(458.00, 4)
    assert floor.trades(entry) == [(458.00, 4)]


def test_an_sl_entry_gapped_over_rests_at_its_limit(floor: SidedFloor) -> None:
    """An SL whose trigger is gapped through beyond its limit rests there until the market comes back."""
    entry = floor.place(order_type=SL, trigger=458.00, price=458.50)
    floor.tick(460.00, 100)
    assert (floor.order(entry).status, floor.trades(entry)) == (Status.CONFIRMED, [])
    floor.silent(458.40, 4)
    assert floor.trades(entry) == [(458.50, 4)]


def test_an_slm_entry_becomes_a_market_order(floor: SidedFloor) -> None:
    """An SL-M entry takes what is displayed within protection on its trigger and on every tick after."""
    entry = floor.place(order_type=SLM, price=0, trigger=458.00, t=20, s=20)
    assert floor.order(entry).status is Status.TRIGGER_PENDING
    floor.tick(458.00, 100, (), levels((458.60, 3)))
    floor.tick(459.00, 100)
    assert floor.trades(entry) == [(458.60, 3), (459.00, 7)]


def test_a_waiting_entry_stop_is_cancelled_by_rule_e(floor: SidedFloor) -> None:
    """A cancelled SL entry triggers no more."""
    entry = floor.place(order_type=SL, trigger=458.00, price=458.50)
    assert floor.cancel(entry) == Cancelled(entry)
    floor.tick(458.00, 100)
    assert told(floor.order(entry)) == (Status.CANCELLED, 10, 0, 0, 10)


def test_a_waiting_stop_survives_a_restart(floor: SidedFloor) -> None:
    """Stops of entries and of legs wait on after a restart, and trigger once."""
    entry = floor.place(order_type=SLM, price=0, trigger=458.00)
    floor.restart()
    floor.silent(458.00)
    floor.restart()
    floor.tick(458.00, 0, (), levels((458.00, 10)))
    floor.restart()
    assert floor.trades(entry) == [(458.00, 10)]
    floor.tick(457.00, 10)
    assert told(floor.legs(entry)[0]) == (Status.COMPLETE, 10, 10, 0, 0)


def test_same_inputs_give_the_same_fills(floor: SidedFloor) -> None:
    """Two runs of one script give states that are equal byte for byte."""

    def script(one: SidedFloor) -> bytes:
        first, second = grown_first_and_second(one)
        one.cancel(first, "TARGET")
        one.tick(455.95, 7)
        one.tick(457.00, 20)
        assert one.order(second).terminal
        return encode_state(one.state)

    assert script(SidedFloor(floor.side, "A", "B")) == script(floor)
