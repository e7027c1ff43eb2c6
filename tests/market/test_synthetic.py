"""The synthetic feed: always believable, always the same for the same seed, and led by what is pushed."""

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest

import bracketd
from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.market.instruments import load_instruments, read_instruments
from bracketd.market.synthetic import PushRefused, SyntheticFeed
from bracketd.market.tick_check import tick_fault

TABLE = load_instruments()
SBIN: Instrument = TABLE["NSE:3045"]
ROUNDS = 2000

DIGEST_PROGRAM = """
import hashlib, msgspec
from bracketd.market.instruments import load_instruments
from bracketd.market.synthetic import SyntheticFeed
feed = SyntheticFeed(load_instruments().values(), 7)
print(hashlib.sha256(msgspec.msgpack.encode([feed.next_ticks(round) for round in range(50)])).hexdigest())
"""
DIGEST = "24222183f8b2af215080216f2cf7cec468640af855f04743a2935671a9971ab1"


def prices(feed: SyntheticFeed, rounds: int) -> list[int]:
    """The last prices of a feed of one instrument, round by round."""
    return [feed.next_ticks(0)[0].last_price_paise for _ in range(rounds)]


def within(percent: int, centre_paise: int, seen: list[int]) -> bool:
    """Whether no price is further from the centre than the percentage."""
    return all(abs(price - centre_paise) * 100 <= percent * centre_paise for price in seen)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_tick_is_sound(seed: int) -> None:
    """Each round has one tick for each instrument, in their order, and none has a fault."""
    feed = SyntheticFeed(TABLE.values(), seed)
    for _ in range(200):
        ticks = feed.next_ticks(0)
        assert [tick.instrument for tick in ticks] == list(TABLE)
        assert [tick_fault(tick, TABLE[tick.instrument]) for tick in ticks] == [None] * len(TABLE)


def test_the_book_is_never_crossed_and_holds_the_price() -> None:
    """Five levels a side, one tick apart, the best bid below the best ask, the price from bid to ask."""
    feed = SyntheticFeed([SBIN], 4)
    for _ in range(ROUNDS):
        (tick,) = feed.next_ticks(0)
        assert tick.bids is not None
        assert tick.asks is not None
        assert len(tick.bids) == len(tick.asks) == 5
        assert tick.bids[0].price_paise < tick.asks[0].price_paise
        assert tick.bids[0].price_paise <= tick.last_price_paise <= tick.asks[0].price_paise
        assert [level.price_paise - tick.asks[0].price_paise for level in tick.asks] == [0, 5, 10, 15, 20]
        assert all(level.quantity > 0 for level in tick.bids + tick.asks)


def test_quantities_are_whole_lots() -> None:
    """Prints and levels of an instrument with a lot are multiples of it."""
    header = "exchange,token,symbol,series,company,isin,tick,lot,base_price,freeze_quantity"
    table = read_instruments(f"{header}\nNSE,1,LOTS,EQ,Lots,,0.05,75,100.00,7500")
    feed = SyntheticFeed(table.values(), 5)
    for _ in range(200):
        (tick,) = feed.next_ticks(0)
        levels = (tick.bids or ()) + (tick.asks or ())
        assert {quantity % 75 for quantity in (tick.last_quantity, *(level.quantity for level in levels))} == {0}


def test_the_walk_stays_near_its_base_and_comes_back() -> None:
    """The price moves to both sides of the base price, never more than five percent away, and returns to it."""
    for row in TABLE.values():
        seen = prices(SyntheticFeed([row], 6), ROUNDS)
        base = row.base_price_paise
        assert within(5, base, seen), row.symbol
        assert min(seen) < base < max(seen), row.symbol
        crossings = sum((before < base) != (after < base) for before, after in pairwise(seen))
        assert crossings > 10, row.symbol


def test_the_walk_is_pulled_to_its_base() -> None:
    """In twenty thousand rounds, time enough to drift to the edge, the price stays within two percent of its base."""
    assert within(2, SBIN.base_price_paise, prices(SyntheticFeed([SBIN], 16), 20_000))


def test_some_ticks_are_quotes() -> None:
    """A part of the ticks has quantity 0, and such a tick keeps the last price."""
    feed = SyntheticFeed([SBIN], 8)
    last_paise = SBIN.base_price_paise
    quotes = 0
    for _ in range(ROUNDS):
        (tick,) = feed.next_ticks(0)
        if tick.last_quantity == 0:
            quotes += 1
            assert tick.last_price_paise == last_paise
        last_paise = tick.last_price_paise
    assert ROUNDS // 10 < quotes < ROUNDS // 3


@pytest.mark.parametrize("pushed_paise", [40000, 50000, SBIN.lower_band_paise, SBIN.upper_band_paise])
def test_the_walk_goes_on_from_a_pushed_price(pushed_paise: int) -> None:
    """After a push the walk starts there, stays within five percent of it and inside the band, and leaves it."""
    feed = SyntheticFeed([SBIN], 9)
    prices(feed, 100)
    feed.pushed(Tick(SBIN.key, pushed_paise, 1))
    seen = prices(feed, ROUNDS)
    assert abs(seen[0] - pushed_paise) < 100
    assert within(5, pushed_paise, seen)
    assert all(SBIN.in_band(price) for price in seen)
    assert len(set(seen)) > 20


def test_at_the_edge_of_the_band_the_outer_side_is_short() -> None:
    """Levels that would lie outside the band are left out."""
    feed = SyntheticFeed([SBIN], 10)
    seen = set()
    for _ in range(50):
        feed.pushed(Tick(SBIN.key, SBIN.upper_band_paise, 0))
        (tick,) = feed.next_ticks(0)
        assert tick.asks is not None
        assert all(SBIN.in_band(level.price_paise) for level in tick.asks)
        seen.add(len(tick.asks))
    assert min(seen) < 5


def test_a_push_moves_no_other_instrument() -> None:
    """A pushed price of one instrument leaves every other's ticks as they would have been."""
    left, right = SyntheticFeed(list(TABLE.values())[:2], 11), SyntheticFeed(list(TABLE.values())[:2], 11)
    right.pushed(Tick("NSE:3045", 45000, 1))
    assert [left.next_ticks(0)[1] for _ in range(100)] == [right.next_ticks(0)[1] for _ in range(100)]


def test_a_push_of_a_stranger_changes_nothing() -> None:
    """A tick of an instrument that the feed does not carry is ignored."""
    left, right = SyntheticFeed([SBIN], 12), SyntheticFeed([SBIN], 12)
    right.pushed(Tick("NSE:22", 50000, 1))
    assert prices(left, 50) == prices(right, 50)


def test_a_wrong_push_is_refused() -> None:
    """A pushed tick with a fault is refused by the name of its field and changes nothing."""
    left, right = SyntheticFeed([SBIN], 13), SyntheticFeed([SBIN], 13)
    with pytest.raises(PushRefused, match="asks"):
        right.pushed(Tick(SBIN.key, 45000, 1, None, (Level(1, 1),)))
    assert prices(left, 50) == prices(right, 50)


def test_same_seed_same_ticks() -> None:
    """A number and a generator seeded with it give the same ticks at whatever times, another seed gives others."""
    feeds = [SyntheticFeed(TABLE.values(), seed) for seed in (14, Random(14), 15)]
    first, second, other = (
        [feed.next_ticks(index * round_) for round_ in range(5)] for index, feed in enumerate(feeds)
    )
    assert first == second
    assert first != other


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_ticks_do_not_hang_on_the_hash_seed(hash_seed: str) -> None:
    """A process with any hash seed gives the very ticks that are pinned here."""
    source = str(Path(bracketd.__file__).parents[1])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": source}
    command = [sys.executable, "-c", DIGEST_PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == DIGEST


def test_the_pinned_ticks_are_this_process_s_too() -> None:
    """The pinned digest is that of the ticks of seed 7, fifty rounds of the package's own file."""
    feed = SyntheticFeed(TABLE.values(), 7)
    body = msgspec.msgpack.encode([feed.next_ticks(0) for _ in range(50)])
    assert hashlib.sha256(body).hexdigest() == DIGEST


def test_a_restart_goes_on_from_the_last_print() -> None:
    """A resumed walk starts at the print that it is given and still reverts to the base price."""
    sbin = load_instruments().by_symbol("SBIN")
    assert sbin is not None
    feed = SyntheticFeed([sbin], seed=3)
    feed.resume({sbin.key: 47_000, "NSE:1": 100})
    prices = [tick.last_price_paise for _ in range(2_000) for tick in feed.next_ticks(0)]
    assert abs(prices[0] - 47_000) < 500
    assert abs(sum(prices) // len(prices) - sbin.base_price_paise) < 500


def test_a_restart_outside_the_range_stays_there() -> None:
    """A print that somebody had pushed out of the base price's range is what a resumed walk stays around."""
    sbin = load_instruments().by_symbol("SBIN")
    assert sbin is not None
    feed = SyntheticFeed([sbin], seed=3)
    feed.resume({sbin.key: 40_000})
    prices = [tick.last_price_paise for _ in range(500) for tick in feed.next_ticks(0)]
    assert max(abs(price - 40_000) for price in prices) <= 40_000 * 5 // 100
