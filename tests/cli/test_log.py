"""Log lines: text for people, JSON for programs, each with the request's id where there is one."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from bracketd.cli.log import TEXT_FORMAT, JsonLines, TextLines
from bracketd.wire.request_id import current_id


def record(message: str = "a line") -> logging.LogRecord:
    """A record as a logger makes one."""
    return logging.LogRecord("bracketd.somewhere", logging.WARNING, __file__, 1, message, None, None)


@pytest.fixture(autouse=True)
def no_request() -> Iterator[None]:
    """Outside of a request, whatever ran before."""
    kept = current_id.set("")
    yield
    current_id.reset(kept)


def test_a_json_line_is_one_object() -> None:
    """Whatever the message holds, a record is one line of JSON with these keys."""
    line = JsonLines().format(record('two\nlines and "quotes"'))
    assert "\n" not in line
    read = json.loads(line)
    assert list(read) == ["time", "level", "logger", "message"]
    assert (read["level"], read["logger"], read["message"]) == (
        "WARNING",
        "bracketd.somewhere",
        'two\nlines and "quotes"',
    )
    assert read["time"].endswith("+00:00")


def test_a_request_is_named() -> None:
    """Within a request both forms carry its id, and outside of one neither does."""
    assert not TextLines(TEXT_FORMAT).format(record()).endswith("]")
    kept = current_id.set("4711")
    try:
        assert json.loads(JsonLines().format(record()))["request_id"] == "4711"
        assert TextLines(TEXT_FORMAT).format(record()).endswith("a line [4711]")
    finally:
        current_id.reset(kept)


def test_a_trace_is_a_field() -> None:
    """A fault's trace is in the object and breaks no line."""
    made = record()
    try:
        raise LookupError("gone")
    except LookupError:
        made.exc_info = sys.exc_info()
    line = JsonLines().format(made)
    assert "\n" not in line
    assert "LookupError: gone" in json.loads(line)["trace"]
