"""The deeds of a story: what clients, the market, the venue, the disk and the power company do, as plain values.

A deed names an order by a number, which picks among those there are when its turn comes, so that a story from which
others were taken away can still be told. `gap_us` is the time (microseconds) that goes by before it.
"""

import msgspec

from bracketd.domain.order import Execution, OrderType, Product
from bracketd.simulation.disk import DiskTrouble
from bracketd.venue.paper.fault_plan import FaultRule


class Deed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Anything that can happen."""

    gap_us: int


class Place(Deed, frozen=True, kw_only=True):
    """A client places a bracket, or what `execution` says instead; only orders by themselves have a product.

    `away` and `beyond` are ticks from the base price and from the last print.
    """

    client: int
    execution: Execution
    product: Product
    share: int
    buys: bool
    order_type: OrderType
    away: int
    beyond: int
    quantity: int
    target_paise: int
    stop_paise: int
    step_paise: int
    immediate: bool
    key: str
    copies: int
    way: int
    auth: int


class Cancel(Deed, frozen=True, kw_only=True):
    """A client cancels or closes by an id; `stranger` asks for another client's order."""

    client: int
    pick: int
    word: str
    copies: int
    way: int
    auth: int
    stranger: bool
    facts: bool


class Modify(Deed, frozen=True, kw_only=True):
    """A client modifies one of its working rows; None leaves a field as it is."""

    client: int
    pick: int
    away: int | None
    trigger_away: int | None
    quantity: int | None
    offset_paise: int | None
    step_paise: int
    way: int
    auth: int


class Convert(Deed, frozen=True, kw_only=True):
    """A client makes some of a position one of another product."""

    client: int
    share: int
    product: Product
    new_product: Product
    quantity: int
    way: int
    auth: int


class KillSwitch(Deed, frozen=True, kw_only=True):
    """A client cancels everything."""

    client: int


class Read(Deed, frozen=True, kw_only=True):
    """A client looks at something of its own."""

    client: int
    what: str
    auth: int


class Listen(Deed, frozen=True, kw_only=True):
    """A client opens a websocket for its updates."""

    client: int


class Print(Deed, frozen=True, kw_only=True):
    """The market prints (quantity 0: quotes). Sizes are shares of the levels of a side; None is an absent side."""

    share: int
    away: int
    quantity: int
    bids: tuple[int, ...] | None
    asks: tuple[int, ...] | None
    by_hand: bool


class Misbehave(Deed, frozen=True, kw_only=True):
    """The venue gets another plan of what goes wrong."""

    rules: tuple[FaultRule, ...]
    seed: int


class Trouble(Deed, frozen=True, kw_only=True):
    """Something is wrong with the disk from now on; None mends it."""

    what: DiskTrouble | None


class PowerCut(Deed, frozen=True, kw_only=True):
    """The process dies, or the whole `machine`: at once, or at the next of the points at which it hurts."""

    point: str
    machine: bool
    down_ms: int


class NewTokens(Deed, frozen=True, kw_only=True):
    """A client logs out, or all its tokens are rotated; then somebody tries the old one."""

    client: int
    rotates: bool


class Turn(Deed, frozen=True, kw_only=True):
    """Nothing happens until the session's next turn, or the second before it."""

    early: bool


Asked = Place | Cancel | Modify | Convert | KillSwitch | Read | Listen | NewTokens
Suffered = Print | Misbehave | Trouble | PowerCut | Turn
AnyDeed = Asked | Suffered


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A seed, the minute of the day (in India) at which it begins, and what happens.

    A client may send so many orders and cancels in a second, 0 for any number.
    """

    seed: int
    minute: int
    orders_per_s: int = 0
    cancels_per_s: int = 0
    deeds: tuple[AnyDeed, ...]


def told(deed: AnyDeed) -> str:
    """The deed in one line, without what is as usual."""
    facts = [
        f"{name}={getattr(deed, name)!s}"
        for name in deed.__struct_fields__
        if name != "gap_us" and getattr(deed, name) not in (None, False, "", ())
    ]
    return f"{type(deed).__name__}  " + ", ".join(facts)
