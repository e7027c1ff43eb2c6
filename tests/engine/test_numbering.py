"""Numbers: each shard counts in a block of its own, day after day, and a replay comes to the same."""

from bracketd.domain.ist import day_start_ns
from bracketd.domain.slot import SHARDS_MAX
from bracketd.engine.numbering import NUMBERS_PER_SHARD, begin_block, next_numbers, take_number, venue_block
from bracketd.engine.state import State

DAY_NS = 86_400 * 10**9
FIRST_NS = day_start_ns("20260105") + 10 * 3_600 * 10**9


def test_a_shard_counts_in_its_block_day_after_day() -> None:
    """The first number of a day follows the block's beginning; shard 0 counts as a server on one folder does."""
    for shard in (0, 3):
        state = State()
        begin_block(state, shard)
        for day, date in enumerate(("20260105", "20260106")):
            for number in (1, 2):
                (given,) = next_numbers(state, FIRST_NS + day * DAY_NS, 1)
                assert given == f"{date}-{shard * NUMBERS_PER_SHARD + number}"
                take_number(state, given)


def test_a_block_begins_once() -> None:
    """Another start of the shard's engine, or a replay without the word, goes on where the numbers are."""
    begun, replayed = State(), State()
    begin_block(begun, 2)
    (given,) = next_numbers(begun, FIRST_NS, 1)
    for state in (begun, replayed):
        take_number(state, given)
    assert (begun.id_date, begun.id_last) == (replayed.id_date, replayed.id_last)
    begin_block(begun, 2)
    assert next_numbers(begun, FIRST_NS, 1) == next_numbers(replayed, FIRST_NS, 1)


def test_the_paper_exchange_s_blocks_fit_into_its_numbers() -> None:
    """The first shard counts from 1, and the last one's block ends before the 15th digit, which is the stream's."""
    assert venue_block(0) == 0
    assert venue_block(SHARDS_MAX) <= 10**14
