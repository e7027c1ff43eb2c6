"""The cancel decision table as a picture: a row for each situation, and the colour of a cell says what comes of it."""

from collections.abc import Mapping
from typing import NamedTuple

from bracketd.engine.cancel_table import Named, Situation, Verdict
from tools.legends import KINDS, VERDICTS, Kind
from tools.svg import LINE_PX, Drawing, wrapped

CancelTable = Mapping[Situation, tuple[Verdict, ...]]

_COLOURS = {
    Kind.ACTS: "blue",
    Kind.DONE: "green",
    Kind.WAITS: "yellow",
    Kind.LOOKS: "violet",
    Kind.REFUSES: "red",
}
_MARGIN_PX = 24
_GAP_PX = 4
_PAD_PX = 10
_SITUATION_PX = 250
_CELL_PX = 200


class _Entry(NamedTuple):
    """A line of the legend: a verdict, or the kind that heads the verdicts after it."""

    words: list[str]
    sentence: list[str]
    heads: Kind | None


def draw_cancel_table(table: CancelTable) -> str:
    """The SVG of the decision table with its legend."""
    heads = [wrapped(named, _CELL_PX - 2 * _PAD_PX, wide=True) for named in Named]
    width = 2 * _MARGIN_PX + _SITUATION_PX + len(heads) * (_CELL_PX + _GAP_PX)
    rows = [
        (wrapped(situation, _SITUATION_PX - 2 * _PAD_PX), [(cell, _cell_lines(cell)) for cell in cells])
        for situation, cells in table.items()
    ]
    legend = _legend(table)
    head_px = _lines_px(heads)
    height = 64 + LINE_PX + head_px + sum(_lines_px([said, *(lines for _, lines in cells)]) for said, cells in rows)
    height += LINE_PX + sum(_entry_px(entry) for entry in legend) + _MARGIN_PX
    drawing = Drawing(
        width, height, "What a cancel means", "Rows are situations, columns how the request names its leg."
    )
    drawing.text(_MARGIN_PX, 34, "What a cancel means", look="strong")
    drawing.text(_MARGIN_PX, 34 + LINE_PX + 4, "The bracket stands like this \u2026", look="soft")
    drawing.text(_MARGIN_PX + _SITUATION_PX + _GAP_PX, 34 + LINE_PX + 4, "\u2026 and the request names", look="soft")
    y = 64
    for place, lines in enumerate(heads):
        _write(drawing, _column_x(place) + _PAD_PX, y, lines, look="strong")
    y += head_px
    for said, cells in rows:
        tall = _lines_px([said, *(lines for _, lines in cells)])
        drawing.box(_MARGIN_PX, y, _SITUATION_PX, tall - _GAP_PX, fill="box")
        _write(drawing, _MARGIN_PX + _PAD_PX, y, said)
        for place, (cell, lines) in enumerate(cells):
            drawing.box(_column_x(place), y, _CELL_PX, tall - _GAP_PX, fill=_COLOURS[VERDICTS[cell][0]])
            _write(drawing, _column_x(place) + _PAD_PX, y, lines)
        y += tall
    _draw_legend(drawing, y + LINE_PX, legend)
    return str(drawing)


def _cell_lines(verdict: Verdict) -> list[str]:
    return wrapped(verdict, _CELL_PX - 2 * _PAD_PX)


def _column_x(place: int) -> int:
    """Where a column of verdicts begins."""
    return _MARGIN_PX + _SITUATION_PX + _GAP_PX + place * (_CELL_PX + _GAP_PX)


def _lines_px(cells: list[list[str]]) -> int:
    """The height of a row whose cells have these lines, with the gap to the next row."""
    return max(map(len, cells)) * LINE_PX + 14 + _GAP_PX


def _write(drawing: Drawing, x: int, y: int, lines: list[str], look: str = "") -> None:
    for place, line in enumerate(lines):
        drawing.text(x, y + 20 + place * LINE_PX, line, look=look)


def _legend(table: CancelTable) -> list[_Entry]:
    """Each kind that the table has, followed by its verdicts."""
    met = {cell for cells in table.values() for cell in cells}
    entries = []
    for kind, meaning in KINDS.items():
        verdicts = [verdict for verdict in Verdict if verdict in met and VERDICTS[verdict][0] is kind]
        if verdicts:
            entries.append(_entry(kind, meaning, heads=kind))
            entries += [_entry(verdict, VERDICTS[verdict][1]) for verdict in verdicts]
    return entries


def _entry(words: str, sentence: str, heads: Kind | None = None) -> _Entry:
    wide = heads is not None
    room_px = len(Named) * (_CELL_PX + _GAP_PX) - _PAD_PX
    return _Entry(wrapped(words, _SITUATION_PX - 2 * _PAD_PX, wide=wide), wrapped(sentence, room_px, wide=wide), heads)


def _entry_px(entry: _Entry) -> int:
    """The height of an entry of the legend, with the gap to the next one."""
    return max(len(entry.words), len(entry.sentence)) * LINE_PX + (14 if entry.heads else 6)


def _draw_legend(drawing: Drawing, y: int, legend: list[_Entry]) -> None:
    """The legend below the table; the name of a kind stands on its colour."""
    for entry in legend:
        if entry.heads:
            y += 6
            drawing.box(_MARGIN_PX, y + 4, _SITUATION_PX, _entry_px(entry) - 8, fill=_COLOURS[entry.heads])
        _write(drawing, _MARGIN_PX + _PAD_PX, y, entry.words, look="strong" if entry.heads else "")
        _write(drawing, _column_x(0) + _PAD_PX, y, entry.sentence, look="strong" if entry.heads else "soft")
        y += _entry_px(entry) - (6 if entry.heads else 0)
