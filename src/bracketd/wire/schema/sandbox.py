"""The fields and replies of the sandbox's routes (docs/sandbox.md)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from bracketd.domain.order import Leg
from bracketd.domain.session import Stage
from bracketd.runtime.sandbox import RUN_PRINTS_MAX
from bracketd.venue.paper.fault_plan import DELAY_MS_MAX, RULES_MAX, Action, Point
from bracketd.wire.fault_rules import ID_LENGTH_MAX, TEXT_LENGTH_MAX
from bracketd.wire.schema.replies import Closed
from bracketd.wire.schema.requests import PushedTick

Milliseconds = Annotated[int, Meta(ge=0, description="Milliseconds.")]


class TimedTick(PushedTick, kw_only=True):
    """One print of a run."""

    at: Annotated[str, Meta(description="Its moment, ISO 8601 with its offset from UTC.")] | UnsetType = UNSET


class PushedRun(Struct, kw_only=True, forbid_unknown_fields=True):
    """Prints that are pushed one after the other."""

    prints: Annotated[list[TimedTick], Meta(max_length=RUN_PRINTS_MAX)]


class RunData(Closed, kw_only=True):
    """How many prints of a run were pushed."""

    pushed: int


class RunReply(Closed, kw_only=True):
    """A run of prints has been pushed, all of it or as far as the clock came."""

    data: RunData
    message: str
    status: Literal["success"]


class ClockMove(Struct, kw_only=True):
    """One of the two: by how much, or to which moment."""

    advance_ms: Milliseconds | None = None
    to: Annotated[str, Meta(description="ISO 8601 with its offset from UTC.")] | None = None


class ClockTime(Closed, kw_only=True):
    """What time it is."""

    now: Annotated[str, Meta(description="ISO 8601 in India.")]
    now_ns: Annotated[int, Meta(description="Unix nanoseconds.")]
    clock: Literal["system", "virtual"]
    day: Annotated[str, Meta(description="The trading day, YYYYMMDD.")]
    stage: Stage


class ClockReply(Closed, kw_only=True):
    """The clock, moved or as it stands."""

    data: ClockTime
    message: str
    status: Literal["success"]


class PlannedFault(Struct, kw_only=True, forbid_unknown_fields=True):
    """One rule of what goes wrong at the paper exchange."""

    on: Point
    action: Action
    delay_ms: Annotated[int, Meta(ge=0, le=DELAY_MS_MAX, description="Milliseconds.")] = 0
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    times: Annotated[int, Meta(ge=0, description="So many times at most, 0 for always.")] = 0
    leg: Leg = Leg.NONE
    order_id: Annotated[str, Meta(max_length=ID_LENGTH_MAX)] = ""
    basket_id: Annotated[str, Meta(max_length=ID_LENGTH_MAX)] = ""
    text: Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)] = ""


class PlannedFaults(Struct, kw_only=True):
    """A plan in the place of the one before."""

    rules: Annotated[list[PlannedFault], Meta(max_length=RULES_MAX)]
    seed: Annotated[int, Meta(ge=0)] = 0


class FaultsData(Closed, kw_only=True):
    """The plan as it was taken, and how many letters are under way."""

    seed: int
    rules: list[PlannedFault]
    under_way: int


class FaultsReply(Closed, kw_only=True):
    """The plan of faults."""

    data: FaultsData
    message: str
    status: Literal["success"]
