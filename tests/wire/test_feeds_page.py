"""The page about the feeds says what the code does."""

import re
from dataclasses import astuple
from pathlib import Path

import pytest

from bracketd.runtime import listener, settings
from bracketd.runtime.listener import Ending
from bracketd.runtime.streams import StreamLimits
from bracketd.wire import websocket_protocol
from bracketd.wire.feeds import PATHS, TOKEN_PARAMETERS
from bracketd.wire.frames import EXCHANGE_CODES, Mode
from bracketd.wire.subscription import QUOTE_MODES, UPDATES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")
ENDINGS = [value for value in vars(listener).values() if isinstance(value, Ending)]


@pytest.mark.parametrize("word", sorted({*PATHS, UPDATES, *QUOTE_MODES, *TOKEN_PARAMETERS}))
def test_page_has_every_word(word: str) -> None:
    """Each word that a client can say is on the page."""
    assert word in PAGE


@pytest.mark.parametrize("mode", list(Mode))
def test_page_has_every_mode(mode: Mode) -> None:
    """Each mode of a frame is on the page."""
    assert re.search(rf"\b[Mm]odes? [\d, and]*\b{int(mode)}\b", PAGE)


def test_page_has_every_exchange() -> None:
    """Each exchange stands there with its code."""
    assert [name for name, code in EXCHANGE_CODES.items() if f"{name} {code}" not in PAGE] == []


def test_page_has_every_ending() -> None:
    """Each way in which we close a connection is on the page, code and reason."""
    assert len(ENDINGS) == 6
    assert [ending for ending in ENDINGS if f"| {ending.code} | {ending.reason} |" not in PAGE] == []


def test_page_has_every_limit() -> None:
    """Each limit stands in the table with the value that holds."""
    table = PAGE.partition("## Limits")[2].partition("## Close codes")[0]
    for limit in (*astuple(StreamLimits()), settings.WS_MESSAGE_BYTES):
        assert re.search(rf"\| {limit}( bytes)? \|", table), limit
    assert f"every {settings.WS_PING_INTERVAL_S:.0f} s" in table
    assert f"| {settings.WS_PING_TIMEOUT_S:.0f} s |" in table
    assert f"cut {websocket_protocol.CLOSE_WAIT_S:.0f} s after" in table
