"""The Structs of the requests have every field that the wire reads, and no reader knows a name that they have not."""

import ast
import contextlib
import inspect
import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import pytest
from tests.trading_floor import INSTRUMENTS

from bracketd.wire import cancellation, conversion, fault_rules, modification, placement, pushed_tick
from bracketd.wire.conversion import read_conversion
from bracketd.wire.parameters import ALIASES, Parameters
from bracketd.wire.schema.requests import (
    Cancellation,
    Conversion,
    Level,
    Modification,
    Placement,
    PushedTick,
    RegularPlacement,
)
from bracketd.wire.schema.sandbox import FaultsData, PlannedFault, PlannedFaults
from bracketd.wire.words import FieldError

BODY = {
    "client_id": "A",
    "oms_order_id": "1",
    "exchange_order_id": "2",
    "execution_type": "BO",
    "leg_order_indicator": "ENTRY",
    "exchange": "NSE",
    "instrument_token": "3045",
    "order_side": "BUY",
    "product": "MIS",
    "new_product": "CNC",
    "quantity": "1",
    "price": "450",
    "trigger_price": "450",
    "square_off_value": "1",
    "stop_loss_value": "1",
    "trailing_stop_loss": "1",
}
VARIANTS = [
    BODY | {"order_type": order_type, "execution_type": execution_type, "validity": validity}
    for order_type, execution_type, validity in itertools.product(
        ("LIMIT", "MARKET", "SL", "SL-M"), ("BO", "CO", "REGULAR", "AMO"), ("DAY", "IOC")
    )
]


class Noting(dict[str, str]):
    """Fields that note which of them are asked for."""

    def __init__(self, fields: dict[str, str], asked: set[str]) -> None:
        super().__init__(fields)
        self.asked = asked

    def get(self, name: str, default: Any = None) -> Any:
        """The field, and a note of its name."""
        self.asked.add(name)
        return super().get(name, default)


class Watched(Parameters):
    """Parameters that remember which names were asked for."""

    asked: set[str]

    @classmethod
    def sent(cls, body: dict[str, str], *, several: bool) -> "Watched":
        """The short way asks the fields themselves; as if they came from `several` places there is none."""
        asked: set[str] = set()
        return cls(None, None if several else Noting(body, asked), dict(body), {}, asked)

    def text(self, name: str) -> str | None:
        """The text, and a note of its name."""
        self.asked.add(name)
        return super().text(name)

    def conflict(self, name: str) -> bool:
        """Whether two values differ, and a note of the name."""
        self.asked.add(name)
        return super().conflict(name)

    def bad(self, name: str) -> bool:
        """Whether the value is no text, and a note of its name."""
        self.asked.add(name)
        return super().bad(name)

    def bad_anywhere(self, name: str) -> bool:
        """Whether a value is no text, and a note of its name."""
        self.asked.add(name)
        return super().bad_anywhere(name)

    def values(self, name: str) -> tuple[str, ...]:
        """The values, and a note of their name."""
        self.asked.add(name)
        return super().values(name)


READERS: dict[type[msgspec.Struct], Callable[[Parameters], object]] = {
    Placement: lambda sent: placement.read_placement(sent, "A"),
    RegularPlacement: lambda sent: placement.read_placement(sent, "A", executions=placement.REGULAR_WORDS),
    Modification: lambda sent: modification.read_modification(sent, "A"),
    Cancellation: lambda sent: cancellation.read_cancellation(sent, "A"),
    Conversion: lambda sent: read_conversion(sent, INSTRUMENTS, "A"),
}
READ_ANYWHERE = {"client_id"}
"""What the wire reads of every request before it looks which one it is."""


def names(struct: type[msgspec.Struct]) -> set[str]:
    """The wire names of a Struct's fields."""
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def asked_by(reader: Callable[[Parameters], object], body: dict[str, str]) -> set[str]:
    """The names that a reader asks for on either way, whether it is content or not."""
    asked: set[str] = set()
    for several in (False, True):
        watched = Watched.sent(body, several=several)
        with contextlib.suppress(FieldError):
            reader(watched)
        asked |= watched.asked
    return asked


def field_names(module: ModuleType) -> set[str]:
    """Every name of a field that a module writes down: a text with an underscore, or one that some Struct knows."""
    known = set().union(*(names(struct) for struct in (*READERS, PushedTick)))
    texts = {
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    }
    return {text for text in texts if text in known or ("_" in text and text.islower())}


@pytest.mark.parametrize("struct", READERS, ids=lambda struct: struct.__name__)
def test_every_field_that_is_read_is_stated(struct: type[msgspec.Struct]) -> None:
    """Whatever a reader asks a request for, its Struct has."""
    asked = set().union(*(asked_by(READERS[struct], body) for body in VARIANTS))
    assert len(asked) > 3
    assert asked - names(struct) - READ_ANYWHERE == set()


@pytest.mark.parametrize(
    ("module", "structs"),
    [
        (placement, (Placement, RegularPlacement)),
        (modification, (Modification,)),
        (cancellation, (Cancellation,)),
        (conversion, (Conversion,)),
        (pushed_tick, (PushedTick, Level)),
        (fault_rules, (PlannedFault, PlannedFaults, FaultsData)),
    ],
)
def test_every_field_that_is_written_down_is_stated(
    module: ModuleType, structs: tuple[type[msgspec.Struct], ...]
) -> None:
    """No name stands in a reader's code that its Structs have not, on whatever path it is read."""
    written = field_names(module)
    assert len(written) > 3
    assert written - set().union(*map(names, structs)) - READ_ANYWHERE == set()


def test_typos_stand_for_stated_fields() -> None:
    """Every name that a typo of the documents stands for is a field of some request."""
    stated = set().union(*(names(struct) for struct in READERS))
    assert set(ALIASES.values()) <= stated


def test_a_field_that_is_not_stated_is_seen() -> None:
    """The watch sees a name that no Struct has."""
    assert asked_by(lambda sent: sent.text("hidden_quantity"), BODY) - names(Placement) == {"hidden_quantity"}
