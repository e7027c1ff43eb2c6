"""Quotes: the day so far, from the ticks as they come."""

from tests.trading_floor import INSTRUMENTS, SBIN, START_NS, levels

from bracketd.domain.instrument import Level, Tick
from bracketd.market.quotes import Quote, Quotes

DAY_NS = 86_400 * 10**9


def taken(*ticks: tuple[int, int], now_ns: int = START_NS) -> Quote:
    """The quote of SBIN after ticks of (paise, quantity)."""
    quotes = Quotes(INSTRUMENTS.values())
    for paise, quantity in ticks:
        quotes.take(Tick(SBIN, paise, quantity), now_ns)
    return quotes.of(SBIN)


def test_before_the_first_print_the_base_price_stands() -> None:
    """Nothing has traded: last and close are the base price, and everything that a print makes is 0."""
    quote = taken()
    assert (quote.last_paise, quote.close_paise) == (45_695, 45_695)
    assert (quote.open_paise, quote.high_paise, quote.low_paise, quote.volume, quote.average_paise) == (0, 0, 0, 0, 0)


def test_prints_are_summed_up() -> None:
    """Open is the first print, high and low the outermost, volume their sum, the average weighted by quantity."""
    quote = taken((45_700, 10), (45_600, 30), (45_710, 1))
    assert (quote.open_paise, quote.high_paise, quote.low_paise, quote.last_paise) == (45_700, 45_710, 45_600, 45_710)
    assert (quote.volume, quote.last_quantity) == (41, 1)
    # (457000 + 1368000 + 45710) / 41 = 45627.07
    assert quote.average_paise == 45_627


def test_average_is_rounded_half_up() -> None:
    """An average of half a paisa is rounded up."""
    assert taken((45_700, 1), (45_705, 1)).average_paise == 45_703


def test_quote_prints_nothing() -> None:
    """A tick of quantity 0 renews the depth and the time at which the market was seen, and no price."""
    quotes = Quotes(INSTRUMENTS.values())
    quotes.take(Tick(SBIN, 45_700, 5), START_NS)
    quotes.take(Tick(SBIN, 45_800, 0, levels((457.0, 9)), ()), START_NS + 5)
    quote = quotes.of(SBIN)
    assert (quote.last_paise, quote.last_ns, quote.seen_ns) == (45_700, START_NS, START_NS + 5)
    assert (quote.volume, quote.high_paise) == (5, 45_700)
    assert (quote.bids, quote.asks) == (levels((457.0, 9)), ())


def test_absent_side_is_stood_for_by_the_print() -> None:
    """A side that a print leaves out is last price and last quantity; one that a quote leaves out is empty."""
    quote = taken((45_700, 5))
    assert quote.bids == quote.asks == (Level(45_700, 5),)
    assert taken((45_700, 5), (45_700, 0)).bids == ()


def test_new_day_begins_anew() -> None:
    """On the next date in India the last print is the close, and open, high, low and volume wait for a print."""
    quotes = Quotes(INSTRUMENTS.values())
    quotes.take(Tick(SBIN, 45_700, 5), START_NS)
    quotes.take(Tick(SBIN, 45_900, 0), START_NS + DAY_NS)
    quote = quotes.of(SBIN)
    assert (quote.close_paise, quote.last_paise, quote.volume, quote.open_paise) == (45_700, 45_700, 0, 0)
    quotes.take(Tick(SBIN, 45_650, 2), START_NS + DAY_NS)
    assert (quote.open_paise, quote.high_paise, quote.low_paise, quote.volume) == (45_650, 45_650, 45_650, 2)


def test_earlier_run_is_gone_on_from() -> None:
    """After a restart last print and depth are the journal's; a market that had no print keeps its base price."""
    quotes = Quotes(INSTRUMENTS.values())
    quotes.resume(SBIN, 0, (), levels((458.0, 1)))
    assert (quotes.of(SBIN).last_paise, quotes.of(SBIN).asks) == (45_695, levels((458.0, 1)))
    quotes.resume(SBIN, 45_000, levels((450.0, 3)), ())
    assert (quotes.of(SBIN).last_paise, quotes.of(SBIN).bids) == (45_000, levels((450.0, 3)))
    quotes.resume("NSE:1", 5, (), ())


def test_unknown_instrument_is_passed_over() -> None:
    """A tick of an instrument that nobody knows changes nothing."""
    assert Quotes(INSTRUMENTS.values()).take(Tick("NSE:1", 5, 5), START_NS) is None
