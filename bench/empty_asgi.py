"""An empty plain-ASGI handler: reads the request, sends 200 and the text of a cancel. What HTTP alone costs."""

from typing import Any

BODY = b'{"status":"success","message":"Order cancelled successfully"}'
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}
_BODY = {"type": "http.response.body", "body": BODY}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer any request with the same 61 bytes."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send(_START)
        await send(_BODY)
