"""Recordings: files of candles or ticks, as CSV or Parquet, read row by row and checked before anything is replayed.

The columns are those of docs/replay.md. Prices are exact decimals in rupees, quantities shares, times unix nanoseconds.
"""

import csv
import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from bracketd.terminal.screen import IST
from bracketd.terminal.verdict import REFUSED, Verdict, need

LEVELS: Final = 5
"""Displayed levels a side."""

CANDLE: Final = ("open", "high", "low", "close")
TICK: Final = ("price", "quantity")
_NS_PER_S: Final = 1_000_000_000
_PAISA: Final = Decimal("0.01")
_MOMENTS: Final = {"time", "time_ns"}

Level = tuple[Decimal, int]
Row = Mapping[str, Any]


class BadRow(Exception):
    """A row that is none; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Print:
    """One message for the exchange: a trade print, or with a quantity of 0 a quote.

    `row` is the row of the file that it comes from, counted from 1, `part` which print of a candle it is, "" of a
    tick. `bids` and `asks` are best first, None where the file says nothing of that side.
    """

    at_ns: int
    instrument: str
    price: Decimal
    quantity: int
    row: int
    part: str = ""
    bids: tuple[Level, ...] | None = None
    asks: tuple[Level, ...] | None = None


class Recording:
    """A file of candles or of ticks. `instrument` is what it is of where no column says so, such as SBIN."""

    def __init__(self, file: Path, instrument: str = "") -> None:
        """Look at the columns. Raises Verdict where the file cannot be read or is no recording."""
        self.file = file
        self._instrument = instrument
        self._parquet = file.suffix.lower() in (".parquet", ".pq")
        if self._parquet:
            need("pyarrow")
        columns = self._columns()
        self.candles = set(CANDLE) <= columns
        if not self.candles and not set(TICK) <= columns:
            raise self._fault("has neither open, high, low and close nor price and quantity")
        if self.candles and set(TICK) & columns:
            raise self._fault("has the columns of candles and of ticks")
        if len(_MOMENTS & columns) != 1:
            raise self._fault("needs one of the columns time and time_ns")
        if "instrument" not in columns and not instrument:
            raise self._fault("has no column instrument: name one with --instrument")
        self._depth = {side for side in ("bid", "ask") if f"{side}1" in columns}

    def check(self) -> tuple[int, int, int, set[str]]:
        """Read all of it: (prints, first moment, last moment, instruments). Raises Verdict at the first bad row."""
        count, first_ns, last_ns = 0, 0, 0
        instruments: set[str] = set()
        for each in self.prints():
            if not count:
                first_ns = each.at_ns
            count, last_ns = count + 1, each.at_ns
            instruments.add(each.instrument)
        if not count:
            raise self._fault("has no rows")
        return count, first_ns, last_ns, instruments

    def prints(self) -> Iterator[Print]:
        """Every print in the order of time, of one moment in that of the file. Raises Verdict at a row that is none."""
        step_ns = self._candle_step_ns() if self.candles else 0
        began_ns = 0
        # The candles of several instruments overlap: what is left of one waits for its time.
        waiting: list[tuple[int, int, int, Print]] = []
        for number, row in enumerate(self._rows(), start=1):
            try:
                made = list(self._candle(row, number, step_ns)) if self.candles else [self._tick(row, number)]
            except BadRow as fault:
                raise self._fault(f"row {number}: {fault}") from fault
            if made[0].at_ns < began_ns:
                raise self._fault(f"goes back in time in row {number}")
            began_ns = made[0].at_ns
            while waiting and waiting[0][0] < began_ns:
                yield heapq.heappop(waiting)[-1]
            for place, each in enumerate(made):
                heapq.heappush(waiting, (each.at_ns, number, place, each))
        while waiting:
            yield heapq.heappop(waiting)[-1]

    def _candle(self, row: Row, number: int, step_ns: int) -> Iterator[Print]:
        """Four prints, a quarter of the candle's time apart: open, low, high, close; of a fall open, high, low, close.

        Each prints a quarter of the volume, the last what is left over, and none less than one share.
        """
        start_ns, instrument = _moment_ns(row), self._name(row)
        first, high, low, last = (_price(row, name) for name in CANDLE)
        if not low <= min(first, last) <= max(first, last) <= high:
            raise BadRow("open and close are not between low and high")
        volume = _shares(row, "volume") if row.get("volume") not in (None, "") else len(CANDLE)
        quarter = max(1, volume // len(CANDLE))
        rest = max(1, volume - quarter * (len(CANDLE) - 1))
        way = (("low", low), ("high", high)) if last >= first else (("high", high), ("low", low))
        for place, (part, price) in enumerate((("open", first), *way, ("close", last))):
            quantity = rest if part == "close" else quarter
            yield Print(start_ns + place * step_ns // len(CANDLE), instrument, price, quantity, number, part)

    def _tick(self, row: Row, number: int) -> Print:
        return Print(
            at_ns=_moment_ns(row),
            instrument=self._name(row),
            price=_price(row, "price"),
            quantity=_shares(row, "quantity"),
            row=number,
            bids=_side(row, "bid") if "bid" in self._depth else None,
            asks=_side(row, "ask") if "ask" in self._depth else None,
        )

    def _name(self, row: Row) -> str:
        name = str(row.get("instrument") or "").strip() or self._instrument
        if not name:
            raise BadRow("instrument is empty")
        return name

    def _candle_step_ns(self) -> int:
        """How long a candle lasts: the shortest time between two of one instrument, a minute for one alone."""
        before: dict[str, int] = {}
        shortest_ns = 0
        for number, row in enumerate(self._rows(), start=1):
            try:
                at_ns, name = _moment_ns(row), self._name(row)
            except BadRow as fault:
                raise self._fault(f"row {number}: {fault}") from fault
            gap_ns = at_ns - before.get(name, at_ns)
            if gap_ns > 0 and (not shortest_ns or gap_ns < shortest_ns):
                shortest_ns = gap_ns
            before[name] = at_ns
        return shortest_ns or 60 * _NS_PER_S

    def _columns(self) -> set[str]:
        def read() -> set[str]:
            if self._parquet:
                from pyarrow.parquet import ParquetFile

                with ParquetFile(self.file) as parquet:
                    return set(parquet.schema_arrow.names)
            with self.file.open(encoding="utf-8-sig", newline="") as stream:
                return set(csv.DictReader(stream).fieldnames or ())

        columns: set[str] = self._reading(read)
        return columns

    def _rows(self) -> Iterator[Row]:
        rows = self._parquet_rows() if self._parquet else self._csv_rows()
        while True:
            row: Row | None = self._reading(lambda: next(rows, None))
            if row is None:
                return
            yield row

    def _csv_rows(self) -> Iterator[Row]:
        with self.file.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                # What stands beyond the header is under None: it belongs to no column.
                if None in row or None in row.values():
                    raise csv.Error(f"line {len(row)} has more or fewer cells than the header")
                yield row

    def _parquet_rows(self) -> Iterator[Row]:
        from pyarrow.parquet import ParquetFile

        with ParquetFile(self.file) as parquet:
            for batch in parquet.iter_batches(batch_size=10_000):
                yield from batch.to_pylist()

    def _reading(self, read: Callable[[], Any]) -> Any:
        """What a reader gives; whatever is wrong with the file itself becomes a Verdict."""
        try:
            return read()
        except (OSError, UnicodeDecodeError, csv.Error, ValueError) as fault:
            raise self._fault(f"cannot be read: {fault}") from fault

    def _fault(self, what: str) -> Verdict:
        return Verdict(f"{self.file} {what}. Nothing was replayed.", REFUSED, kind="BadRecording")


def _moment_ns(row: Row) -> int:
    """When: `time_ns` in unix nanoseconds, or `time` as ISO 8601; without an offset it is India's."""
    if "time_ns" in row:
        return _shares(row, "time_ns")
    value = row["time"]
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise BadRow(f"time is no ISO 8601: {value[:40]!r}") from None
    if not isinstance(value, datetime):
        raise BadRow(f"time is no moment: {str(value)[:40]!r}")
    if value.tzinfo is None:
        value = value.replace(tzinfo=IST)
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _NS_PER_S + since.microseconds * 1_000


def _price(row: Row, name: str) -> Decimal:
    """A price in rupees, exact: a float counts as its shortest text. Raises BadRow for one finer than a paisa."""
    value = row[name]
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise BadRow(f"{name} is no price: {str(value)[:40]!r}") from None
    if not amount.is_finite() or amount <= 0 or amount > 10**9 or amount % _PAISA:
        raise BadRow(f"{name} is no price: {str(value)[:40]!r}")
    return amount


def _shares(row: Row, name: str) -> int:
    value = row[name]
    try:
        amount = Decimal(str(value).strip())
        whole = int(amount)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadRow(f"{name} is no whole number: {str(value)[:40]!r}") from None
    if whole != amount or whole < 0:
        raise BadRow(f"{name} is no whole number: {str(value)[:40]!r}")
    return whole


def _side(row: Row, side: str) -> tuple[Level, ...]:
    """The displayed levels of one side, those with a price; nobody there is an empty tuple."""
    levels = []
    for number in range(1, LEVELS + 1):
        name = f"{side}{number}"
        if row.get(name) in (None, ""):
            continue
        if row.get(f"{name}_quantity") in (None, ""):
            raise BadRow(f"{name}_quantity is empty")
        levels.append((_price(row, name), _shares(row, f"{name}_quantity")))
    return tuple(levels)


def shift_ns(first_ns: int, now_ns: int, day: date | None) -> int:
    """By how much a recording is moved so that it lies ahead of a clock: whole days in India.

    `day` is where its first moment goes; without one it is the first day from Monday to Friday that is not past.
    """
    first = datetime.fromtimestamp(first_ns // _NS_PER_S, IST)
    now = datetime.fromtimestamp(now_ns // _NS_PER_S, IST)
    if day is not None:
        return (day - first.date()).days * 86_400 * _NS_PER_S
    days = max(0, (now.date() - first.date()).days)
    while True:
        moved_ns = first_ns + days * 86_400 * _NS_PER_S
        weekday = datetime.combine(first.date(), time(), IST).weekday()
        if moved_ns >= now_ns and (weekday + days) % 7 < 5:
            return days * 86_400 * _NS_PER_S
        days += 1
