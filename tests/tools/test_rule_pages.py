"""The pages and pictures of the rules' tables: fresh, complete, and legible however the tables grow."""

from collections.abc import Mapping
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import hypothesis.strategies as st
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from tests.tools.test_order_life import TABLES
from tools import legends, rule_pages
from tools.cancel_diagram import draw_cancel_table
from tools.legends import NoLegend
from tools.life_diagram import draw_life
from tools.order_life import life_of
from tools.rule_pages import BEGIN, END, ROOT, NoPlace, between_marks, pages, stale
from tools.svg import COLOURS, FONT_PX, width_px

from bracketd.domain.order import Status
from bracketd.engine.cancel_table import CANCEL_TABLE, Named, Verdict
from bracketd.engine.transitions import TRANSITIONS, Happening

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = ["docs/order-life.md", "docs/order-life.svg", "docs/cancel.md", "docs/cancel-table.svg"]


class Area(NamedTuple):
    """A rectangle of a drawing, and what stands there."""

    left: float
    top: float
    right: float
    bottom: float
    what: str

    def meets(self, other: "Area") -> bool:
        """Whether two areas have a point in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def words_of(picture: ElementTree.Element) -> list[Area]:
    """The area that each line of text takes."""
    areas = []
    for text in picture.iter(f"{SVG}text"):
        words, x, y = text.text or "", float(text.attrib["x"]), float(text.attrib["y"])
        width = width_px(words, wide=text.get("class") in {"strong", "status"})
        left = x - {"start": 0.0, "middle": width / 2, "end": float(width)}[text.get("text-anchor", "start")]
        areas.append(Area(left, y - FONT_PX * 0.8, left + width, y + FONT_PX * 0.25, words))
    return areas


def lines_of(picture: ElementTree.Element) -> list[Area]:
    """The area of each straight line, as wide as its stroke."""
    areas = []
    for path in picture.iter(f"{SVG}path"):
        way = path.attrib["d"]
        if not way.endswith("Z"):
            points = [tuple(map(float, point.split())) for point in way.removeprefix("M").split(" L")]
            for (x1, y1), (x2, y2) in pairwise(points):
                areas.append(Area(min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2) + 1, max(y1, y2) + 1, way))
    return areas


def faults(svg: str) -> list[str]:
    """What makes a picture hard to read: words over words, lines through words, words outside."""
    picture = ElementTree.fromstring(svg)
    words = words_of(picture)
    paper = Area(0, 0, float(picture.attrib["width"]), float(picture.attrib["height"]), "the paper")
    over = [f"{one.what} over {other.what}" for one, other in combinations(words, 2) if one.meets(other)]
    through = [f"{line.what} through {one.what}" for one in words for line in lines_of(picture) if one.meets(line)]
    outside = [
        f"{one.what} leaves {paper.what}"
        for one in words
        if one.left < 0 or one.top < 0 or one.right > paper.right or one.bottom > paper.bottom
    ]
    return over + through + outside


@pytest.mark.parametrize("name", DRAWN)
def test_a_committed_page_is_what_the_data_gives(name: str) -> None:
    """Each page and picture is, byte for byte, what `make docs-tables` would write."""
    drawn = pages()
    assert list(drawn) == DRAWN
    assert (ROOT / name).read_bytes() == drawn[name].encode(), "run `make docs-tables` and commit what it writes"


def test_the_verb_renews_what_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was edited by hand between the marks, or is not there, is written again; a fresh one is left."""
    (tmp_path / "docs").mkdir()
    for name, text in pages().items():
        (tmp_path / name).write_bytes(text.encode())
    assert stale(tmp_path) == {}
    cancel = tmp_path / "docs" / "cancel.md"
    cancel.write_text(cancel.read_text(encoding="utf-8").replace("| rule X |", "| rule Y |"), encoding="utf-8")
    (tmp_path / "docs" / "order-life.svg").unlink()
    monkeypatch.setattr(rule_pages, "ROOT", tmp_path)
    done = CliRunner().invoke(rule_pages.main)
    assert (done.exit_code, done.output) == (0, "wrote docs/order-life.svg\nwrote docs/cancel.md\n")
    assert stale(tmp_path) == {}


def test_prose_around_the_marks_stays() -> None:
    """Only what stands between the marks is written again."""
    assert (
        between_marks(f"before\n{BEGIN}\nold\n{END}\nafter\n", "new\n") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    )


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}\n{BEGIN}\n{END}"])
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    """A page whose marks are lost, doubled or turned round is not guessed at."""
    with pytest.raises(NoPlace, match="each once and in this order"):
        between_marks(page, "new")


@pytest.mark.parametrize(
    ("legend", "word", "said"),
    [
        (legends.VERDICTS, Verdict.WAIT, "Verdict.WAIT has no legend: give it a sentence in VERDICTS"),
        (legends.HAPPENINGS, Happening.CLOSING, "Happening.CLOSING has no legend: give it a sentence in HAPPENINGS"),
        (legends.STATUSES, Status.PENDING, "Status.PENDING has no legend: give it a sentence in STATUSES"),
        (legends.KINDS, legends.Kind.ACTS, "Kind.ACTS has no legend: give it a sentence in KINDS"),
    ],
)
def test_a_word_without_a_legend_stops_the_drawing(
    legend: dict[str, object], word: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new verdict, happening, status or kind has to be explained before anything is drawn."""
    monkeypatch.delitem(legend, word)
    with pytest.raises(NoLegend, match=said):
        pages()
    done = CliRunner().invoke(rule_pages.main)
    assert done.exit_code == 1
    assert said in done.output


def test_the_page_of_an_orders_life_has_every_row() -> None:
    """Each row of the engine's table is a cell of the page, and no other cell says anything."""
    page = pages()["docs/order-life.md"].split("## The statuses")[0]
    head, _, *rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")
    ]
    said = {
        (Status(name), Happening(row[0])): cell
        for row in rows
        for name, cell in zip(head[1:], row[1:], strict=True)
        if cell
    }
    meant = {
        pair: "returns" if following is None else "stays" if following is pair[0] else str(following)
        for pair, following in TRANSITIONS.items()
    }
    assert said == meant


def test_the_cancel_page_has_every_row() -> None:
    """The documented decision table is the engine's own, row by row."""
    page = pages()["docs/cancel.md"]
    rows = [["State", *Named], *([situation, *verdicts] for situation, verdicts in CANCEL_TABLE.items())]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "| --- | --- | --- | --- |")
    assert "\n".join(lines) in page


@pytest.mark.parametrize("name", [name for name in DRAWN if name.endswith(".svg")])
def test_a_picture_is_legible(name: str) -> None:
    """In the pictures no words lie over others, no line goes through words, and none leave the paper."""
    assert faults(pages()[name]) == []


@settings(max_examples=40, deadline=None)
@given(TABLES)
def test_the_life_stays_legible_as_it_grows(table: dict[tuple[Status, Happening], Status | None]) -> None:
    """Whatever the table of an order's life comes to be, its picture is legible."""
    assert faults(draw_life(life_of(table))) == []


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text("abc XYZ,>_", min_size=1, max_size=120).filter(str.strip),
        st.tuples(*[st.sampled_from(Verdict)] * len(Named)),
        min_size=1,
        max_size=30,
    )
)
def test_the_decision_table_stays_legible_as_it_grows(table: Mapping[str, tuple[Verdict, ...]]) -> None:
    """Whatever rows the decision table comes to have, its picture is legible."""
    short = {" ".join(word[:20] for word in said.split()): cells for said, cells in table.items()}
    assert faults(draw_cancel_table(short)) == []


@pytest.mark.parametrize("ground", ["paper", "box", "blue", "green", "yellow", "violet", "red"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_stand_out_from_their_ground(ground: str, dark: bool) -> None:
    """The ink has a contrast of at least 7 to 1 on every ground, on a light and on a dark screen (WCAG 1.4.6)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted(luminance(COLOURS[name][dark]) for name in ("ink", ground))
    assert (lighter + 0.05) / (darker + 0.05) >= 7
