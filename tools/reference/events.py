"""The page of the events: what the journal consists of."""

import inspect
from collections.abc import Iterator
from typing import get_args, get_type_hints

import msgspec
from msgspec import NODEFAULT

from bracketd.domain import events
from tools.markdown import code, paragraph, table


def events_page() -> str:
    """Every event by its number, with its fields in the order in which they are written."""
    kinds: list[type[msgspec.Struct]] = sorted(get_args(events.AnyEvent), key=_number)
    return "\n".join(
        (
            "# Events\n",
            paragraph(
                "Made of `domain/events.py`. A record of the journal is the list of events of one step, in msgpack; "
                "each is an array of its number, `at_ns` and its fields. Numbers and the order of fields never change. "
                "Times are unix nanoseconds, money is paise, quantities are shares. `bracketd verify` reads all."
            ),
            *(part for kind in kinds for part in _event(kind)),
        )
    )


def _number(kind: type[msgspec.Struct]) -> int:
    number = kind.__struct_config__.tag
    if not isinstance(number, int):
        raise TypeError(f"{kind.__name__} has no number")
    return number


def _event(kind: type[msgspec.Struct]) -> Iterator[str]:
    yield f"## {_number(kind)} {kind.__name__}\n"
    yield inspect.cleandoc(kind.__doc__ or "") + "\n"
    hints = get_type_hints(kind)
    defaults = dict(zip(reversed(kind.__struct_fields__), reversed(kind.__struct_defaults__), strict=False))
    rows = [
        (code(name), code(_type(hints[name])), code(_shown(defaults.get(name, NODEFAULT))))
        for name in kind.__struct_fields__
    ]
    yield table(("Field", "Type", "Where it is absent"), rows)


def _type(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else _short(str(hint))


def _short(text: str) -> str:
    """A type without the modules in which its parts live."""
    words = text.replace("[", " [ ").replace(",", " , ").replace("]", " ] ").split()
    return "".join(word.rpartition(".")[2] if word != "..." else word for word in words).replace(",", ", ")


def _shown(value: object) -> str:
    """A default as Python writes it; nothing where the field has none."""
    return "" if value is NODEFAULT else str(value) if isinstance(value, str) and value else repr(value)
