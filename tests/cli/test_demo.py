"""`bracketd demo`: what it prints works as printed, in a new shell, at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CANCELLED = {"status": "success", "message": "Order cancelled successfully"}


def test_printed_commands_place_show_and_cancel(start: Callable[..., Any], shell: Callable[..., Any]) -> None:
    """The three printed lines place a bracket, show it, and cancel the very order that was placed."""
    place, book, cancel = start("demo").curls()
    basket_id = shell(place)["data"]["data"]["basket_id"]
    (row,) = shell(book)["data"]["orders"]
    assert (row["basket_id"], row["order_status"]) == (basket_id, "CONFIRMED")
    assert shell(cancel) == CANCELLED
    assert shell(book)["data"]["orders"] == []


@pytest.mark.slow
def test_printed_commands_may_be_repeated(start: Callable[..., Any], shell: Callable[..., Any]) -> None:
    """The third line cancels the bracket placed last, so that the lines can be run again and again."""
    place, book, cancel = start("demo").curls()
    first, second = (shell(place)["data"]["data"]["basket_id"] for _ in range(2))
    assert shell(cancel) == CANCELLED
    assert [row["basket_id"] for row in shell(book)["data"]["orders"]] == [first]
    assert first != second
    assert shell(cancel) == CANCELLED
    assert shell(book)["data"]["orders"] == []


def test_demo_says_what_a_stranger_needs(start: Callable[..., Any]) -> None:
    """The demo prints its URL, the client id, a token and how long the token is good."""
    demo = start("demo")
    text = "\n".join(demo.lines)
    assert demo.url in demo.lines[0]
    assert "DEMO1" in text
    assert "good for 12 hours" in text
    (token,) = (line.split()[1] for line in demo.lines if line.startswith("token "))
    assert all(token in line for line in demo.curls())


def test_used_folder_is_taken_over(start: Callable[..., Any], shell: Callable[..., Any], tmp_path: Path) -> None:
    """A demo on a used folder keeps account, orders and the tokens that were printed before."""
    first = start("demo", "--data", str(tmp_path / "used"))
    shell(first.curls()[0])
    assert first.stop() == 0
    second = start("demo", "--data", str(tmp_path / "used"))
    _, book, cancel = second.curls()
    (row,) = shell(book)["data"]["orders"]
    assert row["order_status"] == "CONFIRMED"
    old_token = first.curls()[0].split("token: ")[1].split("'")[0]
    assert len(second.orders("DEMO1", old_token)) == 1
    assert shell(cancel) == CANCELLED


def test_temporary_folder_goes_with_the_demo(start: Callable[..., Any]) -> None:
    """Without a folder named, the demo's own is fresh and is removed when the demo ends."""
    demo = start("demo")
    (folder,) = (Path(line.split()[1]) for line in demo.lines if line.startswith("data "))
    assert (folder / "journal.db").is_file()
    assert demo.stop() == 0
    assert not folder.exists()
