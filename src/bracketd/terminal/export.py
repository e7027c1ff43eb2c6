"""Exports: the day's orders and trades as CSV or Parquet, with the types that docs/terminal.md gives."""

import csv
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final

from bracketd.client import Order, Trade
from bracketd.terminal.book import placed_s
from bracketd.terminal.verdict import REFUSED, Verdict

PLACES: Final = Decimal("0.0001")


class Kind(Enum):
    """What a column holds: a text, shares, rupees with four decimals, or a moment in UTC to the second."""

    TEXT = "text"
    SHARES = "int64"
    RUPEES = "decimal128(18, 4)"
    MOMENT = "timestamp[ms, tz=UTC]"


ORDERS: Final[Mapping[str, Kind]] = {
    "order_id": Kind.TEXT,
    "basket_id": Kind.TEXT,
    "parent_id": Kind.TEXT,
    "leg": Kind.TEXT,
    "execution": Kind.TEXT,
    "symbol": Kind.TEXT,
    "instrument": Kind.TEXT,
    "side": Kind.TEXT,
    "order_type": Kind.TEXT,
    "product": Kind.TEXT,
    "validity": Kind.TEXT,
    "quantity": Kind.SHARES,
    "filled": Kind.SHARES,
    "remaining": Kind.SHARES,
    "price": Kind.RUPEES,
    "trigger": Kind.RUPEES,
    "average_price": Kind.RUPEES,
    "status": Kind.TEXT,
    "info": Kind.TEXT,
    "rejection": Kind.TEXT,
    "exchange_order_id": Kind.TEXT,
    "placed_at": Kind.MOMENT,
}
TRADES: Final[Mapping[str, Kind]] = {
    "trade_id": Kind.TEXT,
    "order_id": Kind.TEXT,
    "exchange_order_id": Kind.TEXT,
    "symbol": Kind.TEXT,
    "instrument": Kind.TEXT,
    "side": Kind.TEXT,
    "order_type": Kind.TEXT,
    "product": Kind.TEXT,
    "quantity": Kind.SHARES,
    "price": Kind.RUPEES,
    "traded_at": Kind.MOMENT,
    "matched_by": Kind.TEXT,
    "tick_price": Kind.RUPEES,
    "tick_id": Kind.TEXT,
}

Line = dict[str, Any]


def order_lines(orders: Iterable[Order]) -> list[Line]:
    """The orders as lines of ORDERS."""
    return [
        {
            "order_id": each.order_id,
            "basket_id": each.basket_id,
            "parent_id": each.parent_id,
            "leg": each.leg,
            "execution": _word(each.raw, "execution_type"),
            "symbol": each.symbol,
            "instrument": f"{each.exchange}:{each.token}",
            "side": each.side,
            "order_type": each.order_type,
            "product": _word(each.raw, "product"),
            "validity": _word(each.raw, "validity"),
            "quantity": each.quantity,
            "filled": each.filled,
            "remaining": each.remaining,
            "price": exact(each.price),
            "trigger": exact(each.trigger),
            "average_price": exact(each.average_price),
            "status": each.status,
            "info": each.info,
            "rejection": each.rejection,
            "exchange_order_id": each.exchange_order_id,
            "placed_at": moment(placed_s(each)),
        }
        for each in orders
    ]


def trade_lines(trades: Iterable[Trade]) -> list[Line]:
    """The trades as lines of TRADES; what a broker does not tell is empty, or 0."""
    return [
        {
            "trade_id": each.trade_id,
            "order_id": each.order_id,
            "exchange_order_id": _word(each.raw, "exchange_order_id"),
            "symbol": each.symbol,
            "instrument": f"{_word(each.raw, 'exchange')}:{_word(each.raw, 'instrument_token')}",
            "side": each.side,
            "order_type": _word(each.raw, "order_type"),
            "product": _word(each.raw, "product"),
            "quantity": each.quantity,
            "price": exact(each.price),
            "traded_at": moment(each.raw.get("trade_time")),
            "matched_by": _word(each.raw, "matched_by"),
            "tick_price": exact(each.raw.get("tick_price")),
            "tick_id": _word(each.raw, "tick_id"),
        }
        for each in trades
    ]


def exact(amount: object) -> Decimal:
    """Rupees with four decimals, which is as fine as the wire has them."""
    value = amount if isinstance(amount, Decimal | int) else 0
    return Decimal(value).quantize(PLACES, ROUND_HALF_UP)


def moment(unix_s: object) -> datetime | None:
    """A moment in UTC, None for none."""
    return datetime.fromtimestamp(unix_s, UTC) if isinstance(unix_s, int) and unix_s else None


def write(file: Path, columns: Mapping[str, Kind], lines: Sequence[Line], *, replace: bool) -> None:
    """Write a file whole or not at all: Parquet for `.parquet` and `.pq`, else CSV. Raises Verdict."""
    if file.exists() and not replace:
        raise Verdict(f"{file} is there already; --force replaces it.", REFUSED, kind="FileExists")
    try:
        descriptor, new = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}")
        os.close(descriptor)
        try:
            (write_parquet if is_parquet(file) else write_csv)(Path(new), columns, lines)
            Path(new).replace(file)
        except BaseException:
            Path(new).unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise Verdict(f"{file} cannot be written: {fault}.", REFUSED, kind="FileRefused") from fault


def is_parquet(file: Path) -> bool:
    """Whether a file is Parquet, by its name."""
    return file.suffix.lower() in (".parquet", ".pq")


def write_csv(file: Path, columns: Mapping[str, Kind], lines: Sequence[Line]) -> None:
    """UTF-8 with a header; moments as ISO 8601 in UTC, none as nothing."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for line in lines:
            writer.writerow([_cell(line[name]) for name in columns])


def write_parquet(file: Path, columns: Mapping[str, Kind], lines: Sequence[Line]) -> None:
    """One row group, with the types of Kind."""
    import pyarrow
    from pyarrow.parquet import write_table

    types = {
        Kind.TEXT: pyarrow.string(),
        Kind.SHARES: pyarrow.int64(),
        Kind.RUPEES: pyarrow.decimal128(18, 4),
        Kind.MOMENT: pyarrow.timestamp("ms", tz="UTC"),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    write_table(pyarrow.Table.from_pylist(list(lines), schema=schema), file)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _word(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return str(value) if isinstance(value, str | int) else ""
