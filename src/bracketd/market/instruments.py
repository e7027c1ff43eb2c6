"""The instrument file: which shares there are, on which tick and around which base price."""

import csv
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from bracketd.domain.instrument import Instrument, band_around, instrument_key
from bracketd.domain.money import NotMoney, parse_rupees

BAND_PERCENT = 20
"""The day's band lies this many percent around the base price."""

COLUMNS = (
    "exchange",
    "token",
    "symbol",
    "series",
    "company",
    "isin",
    "tick",
    "lot",
    "base_price",
    "freeze_quantity",
)
"""The columns of the file, in any order; prices are rupees, quantities shares."""

TOKEN_MAX = 2**31 - 1
"""A token travels in four bytes of a frame (wire.md 1.10)."""

QUANTITY_MAX = 10**9

_WORD = re.compile(r"[A-Z0-9&_-]{1,32}\Z", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}\Z", re.ASCII)
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}\d\Z", re.ASCII)


class InstrumentFault(ValueError):
    """A fault of the instrument file: the line counted from 1 (0: the file as a whole), the column, the value."""

    def __init__(self, line: int, column: str, value: str, rule: str) -> None:
        self.line = line
        self.column = column
        self.value = value
        self.rule = rule
        super().__init__(f"instrument file, line {line}, column {column or '-'}, value {value!r}: {rule}")


class InstrumentTable(dict[str, Instrument]):
    """All instruments by their key, such as "NSE:3045", in the order of the file."""

    def __init__(self, instruments: list[Instrument]) -> None:
        super().__init__((instrument.key, instrument) for instrument in instruments)
        self._by_symbol: dict[str, Instrument] = {}
        for instrument in instruments:
            self._by_symbol.setdefault(instrument.trading_symbol, instrument)
        # A bare symbol means its first row: a file lists EQ before the other series.
        for instrument in instruments:
            self._by_symbol.setdefault(instrument.symbol, instrument)

    def by_token(self, exchange: str, token: int) -> Instrument | None:
        """The instrument with the exchange's token, or None."""
        return self.get(instrument_key(exchange, token))

    def by_symbol(self, symbol: str) -> Instrument | None:
        """The instrument with the trading symbol ("SBIN-EQ") or the bare symbol ("SBIN"), or None."""
        return self._by_symbol.get(symbol)


def load_instruments(path: Path | None = None) -> InstrumentTable:
    """Read the instrument file, the package's own without a path.

    The file is CSV in UTF-8 with one header line; blank lines and lines that begin with # are comments. Raises
    InstrumentFault for the first fault in it, OSError where it cannot be read.
    """
    if path is None:
        data = resources.files("bracketd.market").joinpath("nse-instruments.csv").read_bytes()
    else:
        data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InstrumentFault(line, "", data[error.start : error.end].hex(), "is no UTF-8") from error
    return read_instruments(text)


def read_instruments(text: str) -> InstrumentTable:
    """The instruments of a file's text; raises InstrumentFault for the first fault."""
    lines = _lines(text)
    first = next(lines, None)
    if first is None:
        raise InstrumentFault(0, "", "", "the file has no header and no rows")
    header = [name.strip() for name in first[1]]
    _check_header(first[0], header)
    instruments: list[Instrument] = []
    keys: dict[str, int] = {}
    symbols: dict[str, int] = {}
    for number, cells in lines:
        if len(cells) != len(header):
            rule = f"has {len(cells)} cells where the header has {len(header)}"
            raise InstrumentFault(number, "", ",".join(cells), rule)
        row = _Row(number, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
        instrument = row.instrument()
        _once(keys, instrument.key, number, "token", str(instrument.token))
        symbol = f"{instrument.exchange}:{instrument.trading_symbol}"
        _once(symbols, symbol, number, "symbol", instrument.symbol)
        instruments.append(instrument)
    if not instruments:
        raise InstrumentFault(0, "", "", "the file has no rows")
    return InstrumentTable(instruments)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are no comments, each with its number from 1 and split into cells."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            cells = next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise InstrumentFault(number, "", line, f"is no CSV: {error}") from error
        yield number, cells


def _check_header(line: int, header: list[str]) -> None:
    """Every column once and no other."""
    for position, name in enumerate(header):
        if name not in COLUMNS:
            raise InstrumentFault(line, name, name, "unknown column")
        if name in header[:position]:
            raise InstrumentFault(line, name, name, "the column stands twice")
    for name in COLUMNS:
        if name not in header:
            raise InstrumentFault(line, name, "", "the column is missing")


def _once(seen: dict[str, int], key: str, line: int, column: str, value: str) -> None:
    """Remember the key, or say where it stood before."""
    if key in seen:
        raise InstrumentFault(line, column, value, f"stands already in line {seen[key]}")
    seen[key] = line


class _Row:
    """One line of the file, read cell by cell so that a fault can name its place."""

    def __init__(self, line: int, cells: dict[str, str]) -> None:
        self._line = line
        self._cells = cells

    def instrument(self) -> Instrument:
        """The instrument of the row; raises InstrumentFault for the first cell that is wrong."""
        tick = self._paise("tick")
        lot = self._whole("lot", 1, QUANTITY_MAX)
        base = self._paise("base_price")
        if base % tick:
            raise self._fault("base_price", f"is no multiple of the tick {self._cells['tick']}")
        freeze = self._whole("freeze_quantity", lot, QUANTITY_MAX)
        lower, upper = band_around(base, BAND_PERCENT, tick)
        return Instrument(
            exchange=self._word("exchange"),
            token=self._whole("token", 1, TOKEN_MAX),
            symbol=self._word("symbol"),
            series=self._word("series", blank=True),
            company=self._company(),
            isin=self._isin(),
            tick_paise=tick,
            lot=lot,
            base_price_paise=base,
            lower_band_paise=lower,
            upper_band_paise=upper,
            freeze_quantity=freeze,
        )

    def _fault(self, column: str, rule: str) -> InstrumentFault:
        return InstrumentFault(self._line, column, self._cells[column], rule)

    def _word(self, column: str, *, blank: bool = False) -> str:
        text = self._cells[column]
        if not (blank and text == "") and _WORD.match(text) is None:
            raise self._fault(column, "must be 1 to 32 of A-Z, 0-9, &, _ and -")
        return text

    def _company(self) -> str:
        text = self._cells["company"]
        if not text or not text.isprintable():
            raise self._fault("company", "must be a name")
        return text

    def _whole(self, column: str, least: int, most: int) -> int:
        text = self._cells[column]
        if _WHOLE.match(text) is None:
            raise self._fault(column, "must be a whole number")
        number = int(text)
        if not least <= number <= most:
            raise self._fault(column, f"must be from {least} to {most}")
        return number

    def _paise(self, column: str) -> int:
        try:
            paise = parse_rupees(self._cells[column])
        except NotMoney as error:
            raise self._fault(column, "must be rupees with at most two decimals") from error
        if paise <= 0:
            raise self._fault(column, "must be above 0")
        return paise

    def _isin(self) -> str:
        """Blank where it is not known; otherwise twelve characters of which the last is the check digit."""
        text = self._cells["isin"]
        if text and (_ISIN.match(text) is None or not _check_digit_holds(text)):
            raise self._fault("isin", "must be blank or an ISIN with a true check digit")
        return text


def _check_digit_holds(isin: str) -> bool:
    """Whether the digits of an ISIN (a letter counts 10 to 35) pass the Luhn test of ISO 6166."""
    digits = "".join(str(int(character, 36)) for character in isin)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0
