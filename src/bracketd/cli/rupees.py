"""Rupees as people write them: 10000000, 250000.50 or 1,00,00,000."""

import click

from bracketd.domain.money import NotMoney, parse_rupees


class Rupees(click.ParamType[int]):
    """A command line option that holds an amount of rupees, not negative, and gives it in paise."""

    name = "rupees"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text; a value that is no such amount is a usage error."""
        if isinstance(value, int):
            return value
        try:
            paise = parse_rupees(str(value).strip().replace(",", ""))
        except NotMoney:
            self.fail(f"{value!r} is not an amount of rupees", param, ctx)
        if paise < 0:
            self.fail("an account does not open with a debt", param, ctx)
        return paise
