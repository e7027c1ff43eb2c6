"""Funds: what a client has and what of it is bound, as the family's two versions show it (wire.md 1.8, samples.md)."""

from collections.abc import Iterable, Mapping

from bracketd.domain.account import Account
from bracketd.domain.instrument import Instrument
from bracketd.domain.money import rupees_text
from bracketd.wire.parameters import Parameters
from bracketd.wire.portfolio import LastPrice
from bracketd.wire.turnover import Turnover
from bracketd.wire.words import FieldError

KINDS = ({"id": "all", "title": "ALL"},)
"""The kinds of funds that version 1 lists: one account has one purse."""


def require_kind(parameters: Parameters) -> None:
    """Let a `type` pass that is absent or names a kind; raises FieldError for any other."""
    kind = parameters.text("type")
    if parameters.bad("type") or (kind is not None and kind.lower() not in {each["id"] for each in KINDS}):
        raise FieldError("type")


def unrealised_paise(
    account: Account, turnovers: Iterable[Turnover], instruments: Mapping[str, Instrument], last_price: LastPrice
) -> int:
    """What the account would earn beyond what it has realised if all were closed at the last prices, in paise."""
    worth = 0
    for turnover in turnovers:
        instrument = instruments.get(turnover.instrument)
        for part in (turnover.before, turnover.today):
            worth += part.sold_value_paise - part.bought_value_paise
            # What the file no longer names has no price; its open part counts as nothing.
            worth += part.net * last_price(instrument) if instrument else 0
    return worth - account.realised_paise


def funds(account: Account, unrealised: int) -> dict[str, object]:
    """The purse in version 2: rows of two texts, the second rupees with two decimals. `unrealised` is paise."""
    amounts = {
        "Available Margin": account.available_paise,
        "Margin Used": account.blocked_paise,
        "Opening Balance": account.cash_paise,
        "Adhoc Deposit": 0,
        "Notion": 0,
        "Pay In": 0,
        "Pay out": 0,
        "Pledge Benefit": 0,
        "Equity Credit Sell": 0,
        "Option Credit For Sell": 0,
        "Realized MTM": account.realised_paise,
        "Unrealized MTM": unrealised,
    }
    return {
        "client_id": account.client_id,
        "headers": ["Description", ""],
        "values": [{"0": title, "1": rupees_text(paise)} for title, paise in amounts.items()],
    }
