"""The line between a client and the application: ASGI messages without a socket, in pieces, cut when power fails."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

from starlette.types import ASGIApp

from bracketd.simulation.encodings import Headers, Written

LOCAL = ("127.0.0.1", 50_000)


class Reply(NamedTuple):
    """What the client got."""

    status: int
    body: bytes


def http_scope(method: str, written: Written, headers: Headers) -> dict[str, Any]:
    """The ASGI scope of a request."""
    path, _, query = written.target.partition("?")
    length = [(b"content-length", b"%d" % len(written.parts[0]))] if len(written.parts) == 1 else []
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [*written.headers, *headers, *length],
        "client": LOCAL,
        "server": ("127.0.0.1", 8000),
    }


async def exchange(
    app: ASGIApp,
    scope: dict[str, Any],
    parts: tuple[bytes, ...],
    leaving: Callable[[int, bytes], bool],
) -> Reply | None:
    """One request and its reply; None where none came.

    `leaving` is told status and body at the moment at which they leave; False from it means that they never did.
    """
    waiting = list(parts)
    status = 0
    body = b""
    got: Reply | None = None

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        part = waiting.pop(0)
        if len(parts) > 1:
            # Chunks come one after the other, and others' requests between them.
            await asyncio.sleep(0.00005)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        nonlocal status, body, got
        if message["type"] == "http.response.start":
            status = message["status"]
            return
        body += message.get("body", b"")
        if not message.get("more_body", False) and leaving(status, body):
            got = Reply(status, body)

    await app(scope, receive, send)
    return got
