"""Settings: what holds when nothing is chosen."""

from pathlib import Path

import pytest

from bracketd.runtime.rates import Act
from bracketd.runtime.settings import Settings


@pytest.mark.parametrize(
    ("choices", "orders", "cancels"),
    [
        ({}, 10, 50),
        ({"sandbox": True}, 200, 200),
        ({"order_rate": 3}, 3, 50),
        ({"cancel_rate": 0}, 10, 200),
        ({"sandbox": True, "order_rate": 2, "cancel_rate": 4}, 2, 4),
    ],
)
def test_rates_that_hold(choices: dict[str, object], orders: int, cancels: int) -> None:
    """Ten orders and fifty cancels a second, any number with the sandbox, and what was chosen over both."""
    rates = Settings(data=Path("x"), **choices).rates()  # type: ignore[arg-type]
    let_in = [sum(rates.take("A", act, 0) == 0 for _ in range(200)) for act in (Act.ORDER, Act.CANCEL)]
    assert let_in == [orders, cancels]


@pytest.mark.parametrize("setting", ["order_rate", "cancel_rate"])
def test_a_negative_rate_is_no_setting(setting: str) -> None:
    """A rate below 0 is refused when the settings are made."""
    with pytest.raises(ValueError, match="negative"):
        Settings(data=Path("x"), **{setting: -1})  # type: ignore[arg-type]
