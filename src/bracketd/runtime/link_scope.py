"""Scopes: what came over a link, as the application is called with it."""

import asyncio
from typing import Any, Final

from bracketd.auth.speaker import speaker_token
from bracketd.runtime.link import Call, Headers

_ASGI: Final = {"version": "3.0", "spec_version": "2.4"}


class Talk:
    """The messages of one websocket's client, as they come."""

    def __init__(self) -> None:
        self.refusal: tuple[int, Headers] = (403, ())
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._heard.put_nowait({"type": "websocket.connect"})

    def hear(self, text: bytes | None) -> None:
        """A message, None when the client has gone."""
        if text is None:
            self._heard.put_nowait({"type": "websocket.disconnect", "code": 1005})
        else:
            self._heard.put_nowait({"type": "websocket.receive", "bytes": text})

    async def receive(self) -> dict[str, Any]:
        """The next message, as the application awaits it."""
        return await self._heard.get()


def _scope(call: Call) -> dict[str, Any]:
    speaker = call.speaker
    headers = list(call.headers)
    if speaker.account_id:
        headers.append((b"x-authorization-token", speaker_token(speaker.account_id, speaker.device, speaker.exp_ms)))
    return {
        "asgi": _ASGI,
        "http_version": "1.1",
        "path": call.path,
        "raw_path": call.raw_path,
        "root_path": "",
        "query_string": call.query,
        "headers": headers,
        "client": (call.peer, 0) if call.peer else None,
        "server": None,
    }


def http_scope(call: Call) -> dict[str, Any]:
    """The scope of a request."""
    return _scope(call) | {"type": "http", "scheme": "http", "method": call.method}


def websocket_scope(call: Call) -> dict[str, Any]:
    """The scope of a websocket's handshake."""
    more = {"type": "websocket", "scheme": "ws", "subprotocols": [], "extensions": {"websocket.http.response": {}}}
    return _scope(call) | more
