"""The rules' tables as pages: Markdown and pictures under docs/, made of nothing but the engine's data and the legends.

`python -m tools.rule_pages` writes what `pages` returns; a test compares it byte for byte with what is committed.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from bracketd.domain.order import Status
from bracketd.engine.cancel_table import BY_STATUS, CANCEL_TABLE, Named, Verdict
from bracketd.engine.transitions import TRANSITIONS, Happening
from tools.cancel_diagram import CancelTable, draw_cancel_table
from tools.legends import HAPPENINGS, KINDS, STATUSES, VERDICTS, Kind, NoLegend, check_legends
from tools.life_diagram import draw_life
from tools.markdown import paragraph, table
from tools.order_life import ANY, RETURNS, STAYS, Life, Transitions, life_of

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- From here to the end mark `make docs-tables` writes what engine/cancel_table.py says; edit it there. -->"
END = "<!-- The end mark: from here on the page is written by hand. -->"


class NoPlace(Exception):
    """A page that is partly written by hand does not have both marks, each once and in their order."""


def pages(root: Path = ROOT) -> dict[str, str]:
    """Each page or picture by its path below the root, as the data gives it. Raises NoLegend and NoPlace."""
    check_legends()
    life = life_of(TRANSITIONS)
    cancel = (root / "docs" / "cancel.md").read_text(encoding="utf-8")
    return {
        "docs/order-life.md": order_life_page(TRANSITIONS, life),
        "docs/order-life.svg": draw_life(life),
        "docs/cancel.md": between_marks(cancel, cancel_section(CANCEL_TABLE)),
        "docs/cancel-table.svg": draw_cancel_table(CANCEL_TABLE),
    }


def between_marks(page: str, section: str) -> str:
    """The page with the section between its marks, the rest as it is. Raises NoPlace."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise NoPlace(f"docs/cancel.md needs these two lines, each once and in this order:\n{BEGIN}\n{END}")
    return f"{page[: page.index(BEGIN)]}{BEGIN}\n\n{section}\n{page[page.index(END) :]}"


def cancel_section(decisions: CancelTable) -> str:
    """The decision table, its picture and its legend in Markdown."""
    met = [verdict for verdict in Verdict if any(verdict in cells for cells in decisions.values())]
    kinds = [kind for kind in Kind if any(VERDICTS[verdict][0] is kind for verdict in met)]
    return "\n".join(
        (
            "![The decision table; the colour of a cell says what a cancel comes to](cancel-table.svg)\n",
            table(["State", *Named], ([situation, *cells] for situation, cells in decisions.items())),
            "The verdicts:\n",
            table(["Verdict", "It", "Meaning"], ([verdict, *VERDICTS[verdict]] for verdict in met)),
            "What they come to, each with its colour in the picture:\n",
            table(["It", "Meaning"], ([kind, KINDS[kind]] for kind in kinds)),
            "“By the state” means, for an order that has come to its end:\n",
            table(["Status", "Verdict"], BY_STATUS.items()),
        )
    )


def order_life_page(transitions: Transitions, life: Life) -> str:
    """The page of an order's life."""
    cells = ([happening, *(_cell(transitions, status, happening) for status in life.open)] for happening in Happening)
    return "\n".join(
        (
            "# The life of an order\n",
            "<!-- `make docs-tables` writes this page; edit engine/transitions.py and tools/legends.py. -->\n",
            paragraph(
                "Every row of the order book is an order in one of these statuses, whether it is an entry, a target or "
                "a stop-loss. What the table does not have cannot happen: the engine would rather stop than go on."
            ),
            "![The statuses of an order and the happenings that lead from one to another](order-life.svg)\n",
            "## What follows what\n",
            paragraph(
                "An empty cell cannot happen; “stays” leaves the status as it is, and “returns” brings back the one "
                f"before the request. Nothing follows {_listed(life.ends)}."
            ),
            table(["Happening", *life.open], cells),
            "## The statuses\n",
            table(["Status", "Meaning"], ([status, STATUSES[status]] for status in Status)),
            "## The happenings\n",
            table(["Happening", "Meaning"], ([happening, HAPPENINGS[happening]] for happening in Happening)),
            "## The picture as text\n",
            paragraph(
                f"The same in Mermaid, which many code hosts draw. What leaves “{ANY}” leaves each open status, save "
                f"the one it leads to; {STAYS} stays, {RETURNS} returns."
            ),
            _mermaid(life),
        )
    )


def _cell(transitions: Transitions, status: Status, happening: Happening) -> str:
    if (status, happening) not in transitions:
        return ""
    following = transitions[status, happening]
    if following is None:
        return "returns"
    return "stays" if following is status else following


def _mermaid(life: Life) -> str:
    """The state diagram in Mermaid's words, fenced. What leads to no other status stands inside: loops hide words."""
    lines = ["stateDiagram-v2"]
    lines += [f'state "{"<br>".join([name, *life.inside(name)])}" as {_mermaid_name(name)}' for name in life.boxes]
    lines += [f"[*] --> {status}" for status in life.starts]
    for (source, target), happenings in life.arrows.items():
        lines.append(f"{_mermaid_name(source)} --> {target}: {'<br>'.join(happenings)}")
    return "```mermaid\n" + "\n    ".join(lines) + "\n```\n"


def _mermaid_name(name: str) -> str:
    """A name without blanks."""
    return name.replace(" ", "_")


def _listed(words: Sequence[str]) -> str:
    """The words as a sentence has them: commas, and before the last."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def stale(root: Path) -> dict[str, str]:
    """What `pages` returns, less what stands there byte for byte already."""
    return {
        name: text
        for name, text in pages(root).items()
        if not (root / name).is_file() or (root / name).read_bytes() != text.encode()
    }


@click.command()
def main() -> None:
    """Write the pages of the rules' tables that are not what the data gives."""
    try:
        outdated = stale(ROOT)
    except (NoLegend, NoPlace) as fault:
        raise click.ClickException(str(fault)) from None
    for name, text in outdated.items():
        (ROOT / name).write_bytes(text.encode())
        click.echo(f"wrote {name}")


if __name__ == "__main__":
    main()
