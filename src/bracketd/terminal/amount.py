"""Amounts on a command line: exact rupees, as 411.25 or 1,00,000."""

from decimal import Decimal, InvalidOperation

import click


class Amount(click.ParamType[Decimal]):
    """An option that holds a price or an offset in rupees, above 0."""

    name = "rupees"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Read the text; a value that is no such amount is a usage error."""
        if isinstance(value, Decimal):
            return value
        try:
            amount = Decimal(str(value).strip().replace(",", ""))
        except InvalidOperation:
            self.fail(f"{value!r} is not an amount of rupees", param, ctx)
        if not amount.is_finite() or amount <= 0:
            self.fail(f"{value!r} is not an amount above 0", param, ctx)
        return amount


def rupees(amount: Decimal | int) -> str:
    """The amount with two decimals, or with as many as it has beyond them: 411.25, 10.0000 is 10.00."""
    shown = Decimal(amount).normalize()
    exponent = shown.as_tuple().exponent
    return f"{shown:.2f}" if not isinstance(exponent, int) or exponent > -2 else f"{shown:f}"
