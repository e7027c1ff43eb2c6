"""The client with asyncio is what the blocking one says."""

import pytest
from tools.async_client import CLIENT, WORDS, written


def test_the_client_with_asyncio_is_fresh() -> None:
    """async_broker.py is what tools/async_client.py makes of broker.py; `make async-client` renews it."""
    assert (CLIENT / "async_broker.py").read_text(encoding="utf-8") == written()


def test_a_word_that_is_gone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replacement that nothing needs any more is an error, not a silence."""
    monkeypatch.setattr("tools.async_client.WORDS", (*WORDS, ("no such words", "")))
    with pytest.raises(ValueError, match="no such words"):
        written()
