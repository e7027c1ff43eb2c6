"""An invariant that is always on: Python's assert vanishes under -O, and this must not."""


class InvariantBroken(Exception):
    """The engine found itself in a state that must not exist; it stops rather than goes on wrong."""


def invariant(condition: object, text: str, *values: object) -> None:
    """Raise InvariantBroken, with the text and the values, unless the condition holds."""
    if not condition:
        raise broken(text, *values)


def broken(text: str, *values: object) -> InvariantBroken:
    """What `invariant` raises, for where the condition was looked at already: at every event that costs less."""
    return InvariantBroken(" ".join((text, *map(repr, values))))
