"""Origins on the command line: what a browser would send, and nothing looser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from bracketd.cli.origin import Origin

PREFLIGHT = {
    "Origin": "https://desk.example",
    "Access-Control-Request-Method": "DELETE",
    "Access-Control-Request-Headers": "authorization,content-type,x-authorization-token",
}


@pytest.mark.parametrize(
    "text", ["https://desk.example", "http://127.0.0.1:3000", "http://[::1]:8080", "https://a-b.c1.example:8443"]
)
def test_origins(text: str) -> None:
    """Scheme, host and port as a browser writes them are an origin."""
    assert Origin().convert(text, None, None) == text


@pytest.mark.parametrize(
    "text",
    [
        *("*", "null", "", "desk.example", "https://", "https://desk.example/", "https://Desk.example", "ftp://desk"),
        *("https://desk.example/page", "https://*.example", "https://a b", "https://desk.example\n", "https://u@desk"),
    ],
)
def test_what_is_no_origin(text: str) -> None:
    """A wildcard, a path, capitals or a missing scheme are refused: no browser would send such a text."""
    with pytest.raises(click.BadParameter, match="is no origin"):
        Origin().convert(text, None, None)


@pytest.mark.parametrize("verb", ["serve", "demo"])
def test_named_origins_may_call(start: Callable[..., Any], tmp_path: Path, verb: str) -> None:
    """A server started with `--cors`, twice here, answers the preflight of each origin and no other's."""
    cors = ["--cors", "https://desk.example", "--cors", "http://127.0.0.1:3000"]
    server = start(verb, "--data", str(tmp_path), *cors)
    path = "/api/v1/orders/kart/20260105-2"
    for origin, status in (("https://desk.example", 200), ("http://127.0.0.1:3000", 200), ("http://evil.example", 400)):
        answered = server.head("OPTIONS", path, PREFLIGHT | {"Origin": origin})
        assert answered[0] == status
        assert answered[1].get("access-control-allow-origin") == (origin if status == 200 else None)
    status, headers = server.head("DELETE", path, {"Origin": "https://desk.example"})
    assert (status, headers["access-control-allow-origin"]) == (401, "https://desk.example")


def test_a_wildcard_is_wrong_usage(bracketd: Callable[..., Any], tmp_path: Path) -> None:
    """`--cors '*'` ends with exit code 2 before anything is made."""
    refused = bracketd("serve", "--data", str(tmp_path / "data"), "--cors", "*")
    assert refused.returncode == 2
    assert "is no origin" in refused.stderr
    assert not (tmp_path / "data").exists()
