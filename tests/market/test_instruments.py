"""The instrument file: what it holds, and that every fault in one is named."""

from pathlib import Path

import pytest

from bracketd.domain.instrument import band_around
from bracketd.market.instruments import COLUMNS, InstrumentFault, load_instruments, read_instruments

# Typed from the list of NSE facts, not from the file.
TOKENS = {
    "SBIN": 3045, "ACC": 22, "PNB": 10666, "YESBANK": 11915, "RELIANCE": 2885, "TCS": 11536, "INFY": 1594,
    "HDFCBANK": 1333, "ICICIBANK": 4963, "ITC": 1660, "AXISBANK": 5900, "KOTAKBANK": 1922, "LT": 11483,
    "WIPRO": 3787, "HCLTECH": 7229, "MARUTI": 10999, "SUNPHARMA": 3351, "BHARTIARTL": 10604, "TATASTEEL": 3499,
    "NTPC": 11630, "ONGC": 2475, "COALINDIA": 20374, "TATAMOTORS": 3456, "ULTRACEMCO": 11532, "ASIANPAINT": 236,
    "BAJFINANCE": 317, "TITAN": 3506, "TECHM": 13538, "HINDUNILVR": 1394, "POWERGRID": 14977, "JSWSTEEL": 11723,
    "GRASIM": 1232, "BPCL": 526, "CIPLA": 694, "DRREDDY": 881, "ADANIPORTS": 15083, "HINDALCO": 1363, "IOC": 1624,
}  # fmt: skip

TICKS = ((25_000 - 1, 1), (100_000, 5), (500_000, 10), (1_000_000, 50), (2_000_000, 100), (10**15, 500))
"""The exchange's table since 15 April 2025: up to this many paise, a tick of this many."""

HEADER = ",".join(COLUMNS)
SBIN = "NSE,3045,SBIN,EQ,State Bank of India,INE062A01020,0.05,1,456.95,1000"


def replaced(column: str, value: str) -> str:
    """A file of one row, with one cell of it replaced."""
    cells = SBIN.split(",")
    cells[COLUMNS.index(column)] = value
    return f"{HEADER}\n" + ",".join(cells)


def fault_of(text: str) -> InstrumentFault:
    """The fault that reading the text raises."""
    with pytest.raises(InstrumentFault) as caught:
        read_instruments(text)
    return caught.value


def test_tokens_are_the_exchange_s() -> None:
    """The file's symbols and tokens are those of the second list, all of them on NSE in series EQ with lot 1."""
    table = load_instruments()
    assert {instrument.symbol: instrument.token for instrument in table.values()} == TOKENS
    assert {(row.exchange, row.series, row.lot) for row in table.values()} == {("NSE", "EQ", 1)}


def test_ticks_follow_the_base_price() -> None:
    """Each share's tick is the one that the exchange's table gives for its base price."""
    for row in load_instruments().values():
        assert row.tick_paise == next(tick for limit, tick in TICKS if row.base_price_paise <= limit), row.symbol


def test_bands_are_twenty_percent_around_the_base() -> None:
    """Each band is the outermost ticks within twenty percent of the base price."""
    for row in load_instruments().values():
        limits = row.lower_band_paise, row.upper_band_paise
        assert limits == band_around(row.base_price_paise, 20, row.tick_paise), row.symbol


@pytest.mark.parametrize(
    ("symbol", "base_price_paise", "isin"),
    [("SBIN", 45695, "INE062A01020"), ("PNB", 2780, "INE160A01022"), ("YESBANK", 1465, "INE528G01035")],
)
def test_prices_of_the_family_s_samples(symbol: str, base_price_paise: int, isin: str) -> None:
    """Where the family's documents print a price or an ISIN, the file has it."""
    row = load_instruments().by_symbol(symbol)
    assert row is not None
    assert (row.base_price_paise, row.isin) == (base_price_paise, isin)


def test_an_isin_belongs_to_one_share() -> None:
    """No two shares carry the same ISIN."""
    isins = [row.isin for row in load_instruments().values() if row.isin]
    assert len(isins) == len(set(isins)) >= 30


def test_a_row_is_found_by_each_of_its_names() -> None:
    """Key, exchange with token, trading symbol and bare symbol lead to the same instrument."""
    table = load_instruments()
    row = table["NSE:3045"]
    assert row is table.by_token("NSE", 3045) is table.by_symbol("SBIN-EQ") is table.by_symbol("SBIN")
    assert row.company == "State Bank of India"


def test_an_unknown_name_finds_nothing() -> None:
    """An unknown key, token or symbol is absent, no error."""
    table = load_instruments()
    assert table.get("NSE:1") is table.by_token("NSE", 1) is table.by_symbol("sbin") is None
    assert table.by_token("BSE", 3045) is None


def test_a_bare_symbol_means_its_first_row() -> None:
    """Of two series of one symbol the bare symbol names the row that comes first."""
    other = SBIN.replace("3045", "3046").replace(",EQ,", ",BE,")
    table = read_instruments(f"{HEADER}\n{SBIN}\n{other}")
    assert [table.by_symbol(name).token for name in ("SBIN", "SBIN-EQ", "SBIN-BE")] == [3045, 3045, 3046]


def test_a_file_of_one_s_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    """A file may order its columns anew and hold comments, blank lines, blanks around cells, quotes and a BOM."""
    path = tmp_path / "mine.csv"
    columns = ", ".join(reversed(COLUMNS))
    row = '300 , 14.60, 3, 0.20, ,"One, Two & Co.",, ODD-ONE, 7, MINE'
    path.write_text(f"\ufeff# mine\n\n{columns}\n  # more\n{row}\n", encoding="utf-8")
    (one,) = load_instruments(path).values()
    assert (one.key, one.trading_symbol, one.company, one.isin) == ("MINE:7", "ODD-ONE", "One, Two & Co.", "")
    assert (one.tick_paise, one.lot, one.base_price_paise, one.freeze_quantity) == (20, 3, 1460, 300)
    assert (one.lower_band_paise, one.upper_band_paise) == (1180, 1740)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("exchange", ""),
        ("exchange", "N:SE"),
        ("token", "0"),
        ("token", "-3"),
        ("token", "2147483648"),
        ("token", "30x"),
        ("symbol", ""),
        ("symbol", "sbin"),
        ("series", "e q"),
        ("company", ""),
        ("isin", "INE062A01021"),
        ("isin", "INE062A0102"),
        ("tick", "0"),
        ("tick", "-0.05"),
        ("tick", "0.005"),
        ("tick", "five"),
        ("lot", "0"),
        ("lot", "1.5"),
        ("base_price", "456.96"),
        ("base_price", "0"),
        ("base_price", "-5"),
        ("base_price", "4e2"),
        ("base_price", ""),
        ("freeze_quantity", "0"),
        ("freeze_quantity", "9999999999"),
        ("freeze_quantity", "many"),
    ],
)
def test_a_wrong_cell_is_named(column: str, value: str) -> None:
    """A wrong cell is refused with its line, its column and its value."""
    fault = fault_of(replaced(column, value))
    assert (fault.line, fault.column, fault.value) == (2, column, value)
    assert f"line 2, column {column}, value {value!r}" in str(fault)


def test_freeze_below_the_lot_is_refused() -> None:
    """A freeze quantity that does not allow one lot is a fault of the freeze quantity."""
    fault = fault_of(replaced("lot", "1001"))
    assert (fault.column, fault.value) == ("freeze_quantity", "1000")


def test_the_sound_row_has_no_fault() -> None:
    """The row that the other tests spoil is sound."""
    assert list(read_instruments(f"{HEADER}\n{SBIN}")) == ["NSE:3045"]


@pytest.mark.parametrize(
    ("second", "column", "value"),
    [(SBIN.replace("SBIN", "OTHER"), "token", "3045"), (SBIN.replace("3045", "1"), "symbol", "SBIN")],
)
def test_a_token_or_symbol_twice_is_refused(second: str, column: str, value: str) -> None:
    """A token or trading symbol that stands twice is refused at its second line, which names the first."""
    fault = fault_of(f"{HEADER}\n# comment\n{SBIN}\n{second}")
    assert (fault.line, fault.column, fault.value) == (4, column, value)
    assert "line 3" in fault.rule


@pytest.mark.parametrize(
    ("header", "column"),
    [(f"{HEADER},colour", "colour"), (f"{HEADER},lot", "lot"), (HEADER.replace(",isin", ""), "isin")],
)
def test_a_wrong_header_is_refused(header: str, column: str) -> None:
    """An unknown, doubled or missing column is named."""
    fault = fault_of(f"{header}\n{SBIN}")
    assert (fault.line, fault.column) == (1, column)


@pytest.mark.parametrize("text", ["", "# nothing\n", HEADER, f"{HEADER}\n# nothing\n"])
def test_a_file_without_rows_is_refused(text: str) -> None:
    """A file without a row is a fault, whether it has a header or not."""
    fault = fault_of(text)
    assert fault.line == 0
    assert "no rows" in str(fault)


@pytest.mark.parametrize("row", [SBIN + ",", "NSE,3045", 'NSE,"3045'])
def test_a_row_of_another_shape_is_refused(row: str) -> None:
    """A row with too many cells, too few or an open quote is refused with its line."""
    assert fault_of(f"{HEADER}\n{row}").line == 2


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A byte that is no UTF-8 is refused with its line."""
    path = tmp_path / "bad.csv"
    path.write_bytes(HEADER.encode() + b"\nNSE,\xff")
    with pytest.raises(InstrumentFault) as caught:
        load_instruments(path)
    assert (caught.value.line, caught.value.value) == (2, "ff")
