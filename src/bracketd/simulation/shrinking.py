"""Shrinking: of a story that ends in a lie, the fewest deeds that still do (delta debugging)."""

import re
from collections.abc import Callable

import msgspec

from bracketd.simulation.deeds import AnyDeed, Story

TRIES_MAX = 200
"""So often a shorter story is tried; past that the shortest so far is good enough."""


def kind_of(lie: str) -> str:
    """What is the same about two lies of one cause: the words before the first number, name or value."""
    nameless = re.sub(r"\b[A-Z]?\d[\d-]*", "N", lie)
    return re.split(r"['\"<\[{]", nameless, maxsplit=1)[0].strip(" :(")


def shrunk(story: Story, lie: str, try_out: Callable[[Story], str], tries_max: int = TRIES_MAX) -> tuple[Story, str]:
    """The shortest story found that ends in a lie of the same kind, and its lie. `try_out` gives a story's lie."""
    wanted = kind_of(lie)
    kept, best = story.deeds, lie
    tries = 0
    parts = 2
    while len(kept) > 1 and tries < tries_max:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            shorter = _without(kept, start, size)
            tries += 1
            found = try_out(msgspec.structs.replace(story, deeds=shorter))
            if found and kind_of(found) == wanted:
                kept, best = shorter, found
                parts = max(parts - 1, 2)
                break
            if tries >= tries_max:
                break
        else:
            if size == 1:
                break
            parts = min(2 * parts, len(kept))
    return msgspec.structs.replace(story, deeds=kept), best


def _without(deeds: tuple[AnyDeed, ...], start: int, size: int) -> tuple[AnyDeed, ...]:
    """The deeds without some; the time that these took goes by all the same."""
    left_out = deeds[start : start + size]
    after = deeds[start + size :]
    if after:
        gap_us = after[0].gap_us + sum(deed.gap_us for deed in left_out)
        after = (msgspec.structs.replace(after[0], gap_us=gap_us), *after[1:])
    return (*deeds[:start], *after)
