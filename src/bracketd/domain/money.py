"""Money is integer paise; this is the only place where rupees written as text become paise.

A rupee has 100 paise. No float ever touches a price: text goes to paise here, paise go to the tick grid here, and
the wire turns paise into rupees again when it words a reply.
"""

import re

PAISE_PER_RUPEE = 100
PAISE_LIMIT = 10**15
"""No single amount of this system reaches ten trillion rupees; whatever claims to is refused."""

_WHOLE_DIGITS = len(str(PAISE_LIMIT // PAISE_PER_RUPEE)) - 1
"""So many digits of rupees are never as much as the limit."""

_RUPEES = re.compile(r"([+-]?)(\d{1,18})(?:\.(\d{0,400}))?\Z", re.ASCII)


class NotMoney(ValueError):
    """The text is no plain decimal number of rupees."""


def paise_and_remainder(text: str) -> tuple[int, bool]:
    """Read rupees written as a plain decimal.

    Returns the whole paise (toward zero) and whether anything finer than a paisa was cut off, so that a caller can
    say "off the tick" rather than "not a number". Raises NotMoney for anything else, exponents and NaN included.
    """
    if len(text) <= _WHOLE_DIGITS and text.isascii() and text.isdigit():
        return int(text) * PAISE_PER_RUPEE, False
    match = _RUPEES.match(text)
    if match is None:
        raise NotMoney(text)
    sign, rupees, fraction = match.groups()
    fraction = fraction or ""
    paise = int(rupees) * PAISE_PER_RUPEE + int((fraction + "00")[:2])
    if paise >= PAISE_LIMIT:
        raise NotMoney(text)
    return (-paise if sign == "-" else paise), fraction[2:].strip("0") != ""


def parse_rupees(text: str) -> int:
    """Paise of a decimal number of rupees; raises NotMoney where it is no whole number of paise."""
    paise, finer = paise_and_remainder(text)
    if finer:
        raise NotMoney(text)
    return paise


def rupees_text(paise: int) -> str:
    """The amount in rupees with two decimals, for logs and people: 45695 is "456.95"."""
    sign = "-" if paise < 0 else ""
    return f"{sign}{abs(paise) // 100}.{abs(paise) % 100:02d}"


def floor_to_tick(paise: int, tick_paise: int) -> int:
    """The highest price on the tick grid that is not above the given one."""
    return paise - paise % tick_paise


def ceil_to_tick(paise: int, tick_paise: int) -> int:
    """The lowest price on the tick grid that is not below the given one."""
    return paise + (-paise) % tick_paise
