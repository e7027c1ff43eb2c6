"""The life of an order as a picture: the statuses below one another, arrows beside them.

An arrow that leads down runs on the right, one that leads up on the left. All arrows that lead to a status on one side
share one upright line, a lane, in the colour of that status; words stand between the boxes and the first lane, each on
its own height, so that nothing is written over, however long the table grows.
"""

from dataclasses import dataclass, field

from bracketd.domain.order import Status
from bracketd.engine.transitions import Happening
from tools.order_life import ANY, RETURNS, STAYS, Life
from tools.svg import HUES, LINE_PX, Drawing, width_px, wrapped

_MARGIN_PX = 24
_FIRST_PX = 76
"""Where the first box stands, below the heading."""

_GAP_PX = 22
_HEAD_PX = 30
_LANE_PX = 14
_PAD_PX = 12
_IN_PX = 16
"""How far below the top of a box the arrows arrive that lead to it."""


@dataclass
class _Box:
    """A status, or ANY: its place, what it says inside, and the arrows that leave it on either side."""

    name: str
    inside: list[str]
    right: list[tuple[Status, tuple[Happening, ...]]] = field(default_factory=list)
    left: list[tuple[Status, tuple[Happening, ...]]] = field(default_factory=list)
    top: int = 0

    @property
    def height(self) -> int:
        """Pixels from the top to the bottom, enough for the words inside and for each arrow's."""
        sides = [sum(_port_px(happenings) for _, happenings in side) for side in (self.left, self.right)]
        return _HEAD_PX + max(len(self.inside) * LINE_PX + (6 if self.inside else 0), *sides)

    @property
    def width(self) -> int:
        """Pixels that the name and the words inside need."""
        return max(width_px(self.name, wide=True), *map(width_px, [*self.inside, ""])) + 2 * _PAD_PX


@dataclass
class _Side:
    """One side of the boxes: where its lanes stand, and the heights between which each is drawn."""

    leftward: bool
    edge: int = 0
    """Where the boxes end on this side."""

    first_lane: int = 0
    spans: dict[Status, list[int]] = field(default_factory=dict)
    lanes: dict[Status, int] = field(default_factory=dict)

    def x(self, target: Status) -> int:
        """Where the lane of a status stands."""
        return self.first_lane + (-_LANE_PX if self.leftward else _LANE_PX) * self.lanes[target]

    @property
    def x_outermost(self) -> int:
        """Where the lane stands that is farthest from the boxes."""
        return max((self.x(target) for target in self.lanes), default=self.first_lane)

    def give_lanes(self) -> None:
        """Give short ways the inner lanes; two share one where neither passes the other."""
        taken: list[list[tuple[int, int]]] = []
        for target, heights in sorted(self.spans.items(), key=lambda item: (max(item[1]) - min(item[1]), item[0])):
            top, bottom = min(heights) - _IN_PX, max(heights) + _IN_PX
            passed = (lane for lane, ways in enumerate(taken) if all(bottom < low or high < top for low, high in ways))
            lane = next(passed, len(taken))
            taken += [[]] if lane == len(taken) else []
            taken[lane].append((top, bottom))
            self.lanes[target] = lane


def draw_life(life: Life) -> str:
    """The SVG of an order's life."""
    boxes = _boxes(life)
    bottom = _stack(boxes)
    left, right = _sides(boxes)
    width = right.x_outermost + _MARGIN_PX
    key = wrapped(_key(life), width - 2 * _MARGIN_PX)
    drawing = Drawing(
        width,
        bottom + _GAP_PX + len(key) * LINE_PX + _MARGIN_PX,
        "The life of an order",
        "The statuses of an order and the happenings that lead from one to another.",
    )
    drawing.text(_MARGIN_PX, 34, "The life of an order", look="strong")
    colours = {str(status): f"hue{place % HUES}" for place, status in enumerate(Status)}
    for side in (left, right):
        _draw_ports(drawing, side, boxes, colours)
        _draw_lanes(drawing, side, boxes, colours)
    for box in boxes.values():
        _draw_box(drawing, box, left.edge, right.edge, colours.get(box.name, "line"))
    for status in life.starts:
        x, top = (left.edge + right.edge) // 2, boxes[status].top
        drawing.dot(x, top - 15, 5, colour="ink")
        drawing.line([(x, top - 15), (x, top)], colour="ink")
    for place, line in enumerate(key):
        drawing.text(_MARGIN_PX, bottom + _GAP_PX + (place + 1) * LINE_PX, line, look="soft")
    return str(drawing)


def _key(life: Life) -> str:
    """How to read the picture, in one line to be wrapped. A sign and its first word stay together."""
    return (
        "Follow an arrow by its colour, which is that of the status it leads to. "
        f"{STAYS}\N{NO-BREAK SPACE}leaves the status as it is; "
        f"{RETURNS}\N{NO-BREAK SPACE}brings back the status before the request. "
        f"An arrow of the box \u201c{ANY}\u201d leaves each of the {len(life.open)} open statuses, "
        "save the one it leads to."
    )


def _boxes(life: Life) -> dict[str, _Box]:
    """The boxes from the top down: open statuses, what holds for all of them, ends."""
    boxes = {name: _Box(name, life.inside(name)) for name in life.boxes}
    names = list(boxes)
    # The way to the uppermost leaves first, so that few lines cross.
    for (source, target), happenings in sorted(life.arrows.items(), key=lambda arrow: names.index(arrow[0][1])):
        down = names.index(source) < names.index(target)
        (boxes[source].right if down else boxes[source].left).append((target, happenings))
    return boxes


def _stack(boxes: dict[str, _Box]) -> int:
    """Give each box its place below the one before; returns where the last one ends."""
    y = _FIRST_PX
    for box in boxes.values():
        box.top = y
        y += box.height + _GAP_PX
    return y - _GAP_PX


def _sides(boxes: dict[str, _Box]) -> tuple[_Side, _Side]:
    """Both sides with their lanes. How many lanes there are on the left decides where the boxes begin."""
    left, right = _Side(leftward=True), _Side(leftward=False)
    for side in (left, right):
        for box in boxes.values():
            for y, target, _ in _ports(side, box):
                side.spans.setdefault(target, [boxes[target].top + _IN_PX]).append(y)
        side.give_lanes()
    left.first_lane = _MARGIN_PX + _LANE_PX * max(left.lanes.values(), default=0)
    left.edge = left.first_lane + _strip_px([box.left for box in boxes.values()])
    right.edge = left.edge + max(box.width for box in boxes.values())
    right.first_lane = right.edge + _strip_px([box.right for box in boxes.values()])
    return left, right


def _port_px(happenings: tuple[Happening, ...]) -> int:
    """The height that an arrow and its words take at the box it leaves."""
    return len(happenings) * LINE_PX + 10


def _ports(side: _Side, box: _Box) -> list[tuple[int, Status, tuple[Happening, ...]]]:
    """The arrows that leave a box on a side, each with the height of its line."""
    y = box.top + _HEAD_PX - 4
    ports = []
    for target, happenings in box.left if side.leftward else box.right:
        ports.append((y + len(happenings) * LINE_PX + 2, target, happenings))
        y += _port_px(happenings)
    return ports


def _strip_px(sides: list[list[tuple[Status, tuple[Happening, ...]]]]) -> int:
    """The width of the strip of words beside the boxes."""
    widths = [width_px(happening) for side in sides for _, happenings in side for happening in happenings]
    return max(widths, default=0) + 2 * _PAD_PX


def _draw_ports(drawing: Drawing, side: _Side, boxes: dict[str, _Box], colours: dict[str, str]) -> None:
    """The words of each arrow on its line, from the box to the lane that it joins."""
    words_x, anchor = (side.edge - _PAD_PX, "end") if side.leftward else (side.edge + _PAD_PX, "start")
    for box in boxes.values():
        for y, target, happenings in _ports(side, box):
            drawing.line([(side.edge, y), (side.x(target), y)], colour=colours[target])
            drawing.dot(side.x(target), y, 3, colour=colours[target])
            for place, happening in enumerate(reversed(happenings)):
                drawing.text(words_x, y - 5 - place * LINE_PX, happening, anchor=anchor)


def _draw_lanes(drawing: Drawing, side: _Side, boxes: dict[str, _Box], colours: dict[str, str]) -> None:
    """The lane to each status and the arrow from it."""
    for target, heights in side.spans.items():
        arrival = boxes[target].top + _IN_PX
        x, colour = side.x(target), colours[target]
        drawing.line([(x, min(heights)), (x, max(heights))], colour=colour)
        drawing.line([(x, arrival), (side.edge, arrival)], colour=colour)
        drawing.arrowhead(side.edge, arrival, leftward=not side.leftward, colour=colour)


def _draw_box(drawing: Drawing, box: _Box, left: int, right: int, colour: str) -> None:
    """A box with its name and what it says inside; that of ANY, which is no status, is dashed."""
    common = box.name == ANY
    drawing.box(left, box.top, right - left, box.height, fill="box", edge=colour, round_px=8, dashed=common)
    look = "strong" if common else "status"
    drawing.text((left + right) // 2, box.top + 21, box.name, look=look, anchor="middle")
    for place, line in enumerate(box.inside):
        drawing.text(left + _PAD_PX, box.top + _HEAD_PX + 12 + place * LINE_PX, line, look="soft")
