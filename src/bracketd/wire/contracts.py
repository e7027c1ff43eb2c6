"""Contracts: what the family tells of an instrument, one by its token or several by a key (wire.md 1.8, samples.md).

These routes answer in an envelope of their own, `error` and `result`. What the instrument file does not know stands
as the documents' own empty value.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from enum import IntEnum

from bracketd.domain.instrument import Instrument
from bracketd.wire.amounts import JSON, rupees
from bracketd.wire.numerals import NotNumeral, shortest_text
from bracketd.wire.replies import Reply

EXCHANGE_CODES = {"NSE": 1, "NFO": 2, "CDS": 3, "MCX": 4, "BSE": 6, "BFO": 7}
"""Exchanges by the numbers that frames and contracts show (wire.md 1.10)."""

FOUND_MAX = 50
"""A search gives at most so many rows, the best first."""

CODE_MISSING = 404


class Closeness(IntEnum):
    """How a key fits an instrument, the closer the higher."""

    PART = 1
    WORD = 2
    PREFIX = 3
    EXACT = 4


def find_contract(instruments: Mapping[str, Instrument], exchange: str, token: str) -> Instrument | None:
    """The instrument of an exchange's token: 3045, "3045" and "03045" are one. None where there is none."""
    try:
        return instruments.get(f"{exchange.upper()}:{shortest_text(token)}")
    except NotNumeral:
        return None


def enveloped(result: object) -> Reply:
    """200 in the envelope of these routes."""
    return Reply(200, JSON.encode({"error": {"code": 0, "message": ""}, "result": result}))


MISSING = Reply(404, JSON.encode({"error": {"code": CODE_MISSING, "message": "Resource Not Found"}, "result": ""}))
"""404 in the envelope of these routes: no such contract."""


def contract(instrument: Instrument) -> dict[str, object]:
    """Everything that the documents' scrip information has: prices in rupees, quantities in shares."""
    lower, upper = rupees(instrument.lower_band_paise), rupees(instrument.upper_band_paise)
    known: dict[str, object] = {
        "board_lot_quantity": instrument.lot,
        "exchange": EXCHANGE_CODES.get(instrument.exchange, 0),
        "higher_circuit_limit": upper,
        "lower_circuit_limit": lower,
        "dpr": f"{lower:.4f} - {upper:.4f}",
        "instrument_name": instrument.series,
        "instrument_token": instrument.token,
        "underlying_token": instrument.token,
        "isin": instrument.isin,
        "series": instrument.series,
        "symbol": instrument.symbol,
        "trading_symbol": instrument.trading_symbol,
        "company_name": instrument.company,
        "display_name": _display_name(instrument),
        "tick_size": rupees(instrument.tick_paise),
        "raw_tick_size": instrument.tick_paise,
        "freeze": instrument.freeze_quantity,
        "max_single_qty": instrument.freeze_quantity,
    }
    return known | _CONSTANT


def found(instruments: Collection[Instrument], key: str) -> list[dict[str, object]]:
    """The instruments that a key fits, the closest first and then in the order of the file; at most FOUND_MAX."""
    wanted = key.upper()
    fitting = [(closeness, each) for each in instruments if (closeness := _closeness(each, wanted))]
    fitting.sort(key=lambda pair: -pair[0])
    listings = _listings(instruments)
    return [_found_row(each, closeness, listings) for closeness, each in fitting[:FOUND_MAX]]


def listed(instruments: Collection[Instrument]) -> list[dict[str, object]]:
    """Every instrument as a search shows it, for clients that keep a list of their own."""
    listings = _listings(instruments)
    return [_found_row(each, Closeness.EXACT, listings) for each in instruments]


def _listings(instruments: Iterable[Instrument]) -> dict[str, list[Instrument]]:
    """The instruments of each ISIN, blank ones left out: one share may be listed at two exchanges."""
    listings: dict[str, list[Instrument]] = {}
    for each in instruments:
        if each.isin:
            listings.setdefault(each.isin, []).append(each)
    return listings


def _found_row(
    instrument: Instrument, closeness: Closeness, listings: Mapping[str, list[Instrument]]
) -> dict[str, object]:
    """One row; `alternate` is the same share at another exchange, empty where it is at none."""
    others = (each for each in listings.get(instrument.isin, ()) if each.exchange != instrument.exchange)
    other = next(others, None)
    return _named(instrument) | {
        "score": Decimal(closeness) / Decimal(Closeness.EXACT),
        "alternate": {} if other is None else _named(other),
    }


def _named(instrument: Instrument) -> dict[str, object]:
    """What an instrument is called; its token and its close are texts, as in the documents."""
    return {
        "token": str(instrument.token),
        "exchange": instrument.exchange,
        "company": instrument.company,
        "symbol": instrument.symbol,
        "trading_symbol": instrument.trading_symbol,
        "display_name": _display_name(instrument),
        "isin": instrument.isin,
        "close_price": str(rupees(instrument.base_price_paise)),
    }


def _closeness(instrument: Instrument, wanted: str) -> Closeness | None:
    """How the key fits; None where it does not."""
    symbol, company = instrument.symbol, instrument.company.upper()
    if wanted in (symbol, instrument.trading_symbol, instrument.isin, str(instrument.token)):
        return Closeness.EXACT
    if instrument.trading_symbol.startswith(wanted):
        return Closeness.PREFIX
    if any(word.startswith(wanted) for word in company.split()) or company.startswith(wanted):
        return Closeness.WORD
    return Closeness.PART if wanted in symbol or wanted in company else None


def _display_name(instrument: Instrument) -> str:
    return f"{instrument.symbol} {instrument.series}".rstrip()


_CONSTANT: dict[str, object] = {
    "multiplier": 1,
    "precision": 2,
    "tradable": True,
    "is_index": False,
    "trade_to_trade": False,
    "instrument_type": "0",
    **dict.fromkeys(
        [
            "change_in_oi",
            "open_interest",
            "expiry",
            "raw_expiry",
            "strike",
            "issue_rate",
            "max_order_size",
            "price_numerator",
            "price_denominator",
            "price_quotation",
            "trading_unit_factor",
            "delivery_unit_factor",
            "surveillance_indicator",
            "partition_id",
            "product_id",
            "month_identifier",
        ],
        0,
    ),
    **dict.fromkeys(
        [
            "option_type",
            "issue_start_date",
            "list_date",
            "comments",
            "circuit_rating",
            "expiry_string",
            "local_update_time",
            "market_type",
            "price_units",
            "trading_units",
            "last_trading_date",
            "tender_period_end_date",
            "delivery_start_date",
            "general_denominator",
            "tender_period_start_date",
            "delivery_units",
            "delivery_end_date",
            "book_closure_end_date",
            "book_closure_start_date",
            "product_category",
        ],
        "",
    ),
    **dict.fromkeys(
        ["no_delivery_date_end", "no_delivery_date_start", "re_admission_date", "record_date", "warning"],
        "0",
    ),
}
"""What the documents show and the instrument file does not know."""
