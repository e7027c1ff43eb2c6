"""The day's orders and trades as files: what is in them is what the books say, with the documented types."""

import csv
import re
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest
from tests.e2e.process import Server
from tests.terminal.conftest import Typist

from bracketd.terminal.export import ORDERS, TRADES

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "terminal.md").read_text(encoding="utf-8")


@pytest.fixture
def filled(typist: Typist, server: Server) -> str:
    """A bracket whose entry has filled at two prices, so that its average has four decimals."""
    order_id = typist.placed("--price", "450.10")
    server.caller().tick(450.10, 1, tick_id="a,b", bids=[], asks=[])
    typist.do("modify", order_id, "--price", "450.00")
    server.caller().tick(450, 2, tick_id="c", bids=[], asks=[])
    return order_id


def test_csv_and_parquet_say_the_same(filled: str, typist: Typist, tmp_path: Path) -> None:
    """Both formats hold every order and trade exactly, CSV as text, Parquet by its types."""
    for book, columns in (("orders", ORDERS), ("trades", TRADES)):
        names = [tmp_path / f"{book}.csv", tmp_path / f"{book}.parquet"]
        rows = [typist.told("export", book, str(name))["exported"]["rows"] for name in names]
        table = pyarrow.parquet.read_table(names[1])
        with names[0].open(newline="", encoding="utf-8") as stream:
            lines = list(csv.DictReader(stream))
        assert rows == [len(lines)] * 2 == [table.num_rows] * 2
        assert list(lines[0]) == table.column_names == list(columns)
        kinds = {"text": "string"}
        types = [str(field.type) for field in table.schema]
        assert types == [kinds.get(kind.value, kind.value) for kind in columns.values()]
        assert [kind for kind in types if kind != "string" and f"| {kind} |" not in PAGE] == []
        for line, row in zip(lines, table.to_pylist(), strict=True):
            told = {name: "" if value is None else str(value).replace(" ", "T", 1) for name, value in row.items()}
            assert {name: told[name] for name in columns if name.endswith("_at")} == {
                name: line[name] for name in columns if name.endswith("_at")
            }
            assert all(Decimal(line[name]) == row[name] for name in columns if isinstance(row[name], Decimal | int))
            assert all(line[name] == row[name] for name in columns if isinstance(row[name], str))


def test_an_average_and_a_cause_are_exact(filled: str, typist: Typist, tmp_path: Path) -> None:
    """An average with four decimals and the tick of each fill are in the files as the books have them."""
    typist.do("export", "orders", str(tmp_path / "o.parquet"))
    (entry,) = (
        row for row in pyarrow.parquet.read_table(tmp_path / "o.parquet").to_pylist() if row["order_id"] == filled
    )
    assert entry["average_price"] == Decimal("450.0333")
    typist.do("export", "trades", str(tmp_path / "t.csv"))
    with (tmp_path / "t.csv").open(newline="") as stream:
        fills = [row for row in csv.DictReader(stream) if row["order_id"] == filled]
    assert [(row["tick_id"], row["matched_by"], row["price"]) for row in fills] == [
        ("a,b", "PRINT", "450.1000"),
        ("c", "PRINT", "450.0000"),
    ]


def test_a_file_that_is_there_is_not_replaced(typist: Typist, tmp_path: Path) -> None:
    """Without --force a file stays as it was; a folder that is not there is a sentence, and nothing is left behind."""
    file = tmp_path / "orders.csv"
    file.write_text("mine")
    done = typist.type("export", "orders", str(file))
    assert (done.returncode, file.read_text(), "--force" in done.stderr) == (1, "mine", True)
    typist.do("export", "orders", str(file), "--force")
    assert file.read_text() != "mine"
    assert typist.type("export", "orders", str(tmp_path / "nowhere" / "x.csv")).returncode == 1
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["orders.csv"]


@pytest.mark.parametrize(("book", "columns"), [("orders", ORDERS), ("trades", TRADES)])
def test_every_column_is_documented(book: str, columns: dict[str, object]) -> None:
    """The page lists the columns of each file, in their order."""
    row = re.search(rf"^\| `{book}` \| (.*) \|$", PAGE.partition("## Exports")[2], re.MULTILINE)
    assert row is not None
    assert re.findall(r"`(\w+)`", row[1]) == list(columns)
