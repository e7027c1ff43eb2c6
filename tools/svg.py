"""A drawing in SVG: boxes, lines and text whose width is reckoned, in colours for a light and a dark screen."""

import textwrap
from xml.etree import ElementTree

LINE_PX = 17
FONT_PX = 13

_PAPER = {
    "paper": ("#ffffff", "#14181d"),
    "ink": ("#1b1f24", "#e8ecf1"),
    "soft": ("#57606a", "#a9b3be"),
    "line": ("#8c959f", "#6b7683"),
    "box": ("#f3f5f8", "#232a32"),
    "blue": ("#cfe8ff", "#0f3f6b"),
    "green": ("#d3f3da", "#14492a"),
    "yellow": ("#fdf0bd", "#55470b"),
    "violet": ("#e8e3f8", "#3b3163"),
    "red": ("#ffdcd7", "#66231e"),
}
"""What the paper and the words are in, and grounds for words to stand on: on a light screen, on a dark one."""

_HUES = (
    ("#0a5fc2", "#6cb3ff"),
    ("#a33b00", "#ff9d5c"),
    ("#6f38c9", "#c2a2ff"),
    ("#0b6e4f", "#4fd1a1"),
    ("#b01e68", "#ff8cc4"),
    ("#7a5c00", "#e0bf4a"),
    ("#1a7f2e", "#7ee07e"),
    ("#4d5663", "#c3ccd6"),
    ("#c01e24", "#ff7a75"),
    ("#00728f", "#5fd3ee"),
)
"""Lines that have to be told apart."""

COLOURS = {**_PAPER, **{f"hue{place}": pair for place, pair in enumerate(_HUES)}}
HUES = len(_HUES)


def _palette(dark: bool) -> str:
    """The colours as properties that every shape can name."""
    return "svg { " + " ".join(f"--{name}: {pair[dark]};" for name, pair in COLOURS.items()) + " }"


_STYLE = f"""
{_palette(dark=False)}
@media (prefers-color-scheme: dark) {{ {_palette(dark=True)} }}
text {{ font: {FONT_PX}px system-ui, "DejaVu Sans", "Liberation Sans", Arial, sans-serif; fill: var(--ink); }}
.strong {{ font-weight: 600; }}
.soft {{ fill: var(--soft); }}
.status {{ font: 600 {FONT_PX}px ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace; }}
"""

_NARROW = frozenset("ijlt.,;:'|()[]f r")
_BROAD = frozenset("mwMW")


def width_px(text: str, *, wide: bool = False) -> int:
    """The width of a line of text in pixels, reckoned on the wide side of the usual sans-serif fonts.

    Wide text is bold or of fixed width.
    """
    shares = sum(
        0.42 if sign in _NARROW else 1.0 if sign in _BROAD else 0.78 if sign.isupper() or ord(sign) > 0x2000 else 0.64
        for sign in text
    )
    return round((max(0.62 * len(text), 1.1 * shares) if wide else shares) * FONT_PX)


def wrapped(text: str, room_px: int, *, wide: bool = False) -> list[str]:
    """The text in lines that are no wider than the room, unless one word alone is."""
    signs = max(room_px // 5, 1)
    while signs > 1:
        lines = textwrap.wrap(text, signs, break_long_words=False, break_on_hyphens=False)
        if all(width_px(line, wide=wide) <= room_px for line in lines):
            return lines
        signs -= 1
    return text.split()


class Drawing:
    """An SVG document that grows as things are drawn; pixels from the top left corner."""

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width} {height}",
                "width": str(width),
                "height": str(height),
                "role": "img",
            },
        )
        ElementTree.SubElement(self._root, "title").text = title
        ElementTree.SubElement(self._root, "desc").text = description
        ElementTree.SubElement(self._root, "style").text = _STYLE
        self.box(0, 0, width, height, fill="paper")

    def box(
        self,
        x: int,
        y: int,
        width: int,
        height: int,
        *,
        fill: str,
        edge: str = "",
        round_px: int = 0,
        dashed: bool = False,
    ) -> None:
        """A rectangle; fill and edge are names of COLOURS."""
        shape = {"x": str(x), "y": str(y), "width": str(width), "height": str(height), "style": f"fill: var(--{fill})"}
        if edge:
            shape["style"] += f"; stroke: var(--{edge})"
        if dashed:
            shape["stroke-dasharray"] = "5 4"
        if round_px:
            shape["rx"] = str(round_px)
        ElementTree.SubElement(self._root, "rect", shape)

    def text(self, x: int, y: int, words: str, *, look: str = "", anchor: str = "start") -> None:
        """One line of text on the base line y; looks are strong, soft and status."""
        place = {"x": str(x), "y": str(y)}
        if look:
            place["class"] = look
        if anchor != "start":
            place["text-anchor"] = anchor
        ElementTree.SubElement(self._root, "text", place).text = words

    def line(self, points: list[tuple[int, int]], *, colour: str) -> None:
        """A line from point to point."""
        way = "M" + " L".join(f"{x} {y}" for x, y in points)
        style = f"fill: none; stroke: var(--{colour}); stroke-width: 1.6; stroke-linejoin: round"
        ElementTree.SubElement(self._root, "path", {"d": way, "style": style})

    def arrowhead(self, x: int, y: int, *, leftward: bool, colour: str) -> None:
        """The head of a level arrow that ends at the point."""
        back = x + 9 if leftward else x - 9
        way = f"M{x} {y} L{back} {y - 4} L{back} {y + 4} Z"
        ElementTree.SubElement(self._root, "path", {"d": way, "style": f"fill: var(--{colour})"})

    def dot(self, x: int, y: int, radius: int, *, colour: str) -> None:
        """A filled circle around the point."""
        shape = {"cx": str(x), "cy": str(y), "r": str(radius), "style": f"fill: var(--{colour})"}
        ElementTree.SubElement(self._root, "circle", shape)

    def __str__(self) -> str:
        ElementTree.indent(self._root)
        return ElementTree.tostring(self._root, encoding="unicode") + "\n"
