"""A lifetime as people write it: 45 (seconds), 30m, 12h or 7d."""

import re
from typing import Final

import click

NS_PER_S: Final = 1_000_000_000
LIFETIME_DAYS_MAX: Final = 3_660
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WRITTEN: Final = re.compile(r"([0-9]{1,9})([smhd]?)", re.ASCII)


def lifetime_s(text: str) -> int:
    """Seconds of a written lifetime; raises ValueError for anything else, zero, and more than ten years."""
    match = _WRITTEN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a lifetime; write seconds, or a number with s, m, h or d, such as 12h")
    seconds = int(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= LIFETIME_DAYS_MAX * 86_400:
        raise ValueError(f"a lifetime is more than 0 and at most {LIFETIME_DAYS_MAX} days, and {text!r} is not")
    return seconds


class Lifetime(click.ParamType[int]):
    """A command line option that holds a lifetime and gives it in nanoseconds."""

    name = "lifetime"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text; a value that is no lifetime is a usage error."""
        if isinstance(value, int):
            return value
        try:
            return lifetime_s(str(value)) * NS_PER_S
        except ValueError as error:
            self.fail(str(error), param, ctx)
