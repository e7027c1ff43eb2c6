"""Sharing: a text or number that many rows have is kept once.

Decoding makes each anew, and so does every request; what rests for a day should not. It changes no value.
"""

from functools import lru_cache

DIFFERENT = 8_192
"""As many different ones are remembered; beyond that the longest unused are kept as often as they come."""


@lru_cache(maxsize=DIFFERENT)
def shared(text: str) -> str:
    """The first text of those that are equal to this."""
    return text


@lru_cache(maxsize=DIFFERENT)
def shared_number(number: int) -> int:
    """The first number of those that are equal to this."""
    return number
