"""The pages: `/` and what lies below `/static/`; every other request goes on to the wire untouched.

Headers are made once. One thing is new in each reply of `/`: the nonce by which the page's own style sheets are known
(SECURITY.md says what the policy lets in, and why).
"""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from bracketd.blotter.files import PageFile, PageFiles

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

STATIC: Final = "/static/"
NONCE: Final = b"{{nonce}}"
FOLDER: Final = b"{{static}}"
NONCE_BYTES: Final = 18

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{{nonce}}'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""`data:` pictures are the grid's icons, the nonce its style sheet; no script but ours and the parts' is let in."""

SAFE: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]

FOR_GOOD: Final = (b"cache-control", b"public, max-age=31536000, immutable")


class Blotter:
    """The application with the page in front of it."""

    def __init__(self, app: App, files: PageFiles) -> None:
        """`app` answers what is not the page's."""
        self._app = app
        # The page's own requests are GET and HEAD; what a connection may answer by itself goes past it as before.
        self.at_once = getattr(app, "at_once", None)
        folder = f"{STATIC}{files.digest}/"
        self._page = files.page.replace(FOLDER, folder.encode())
        self._sent = {
            folder + name: (_Form(file, zipped=False), _Form(file, zipped=True)) for name, file in files.files.items()
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD of the page's addresses; hand on everything else."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path: str = scope["path"]
            if path == "/":
                await self._send_page(scope, send)
                return
            forms = self._sent.get(path)
            if forms is not None:
                form = forms[_takes_gzip(scope["headers"])]
                await _reply(send, form.headers, b"" if scope["method"] == "HEAD" else form.body)
                return
        await self._app(scope, receive, send)

    async def _send_page(self, scope: Message, send: Send) -> None:
        """The page, with a nonce that nobody can know beforehand."""
        nonce = secrets.token_urlsafe(NONCE_BYTES).encode()
        body = self._page.replace(NONCE, nonce)
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", POLICY.encode().replace(NONCE, nonce)),
            *SAFE,
        ]
        await _reply(send, headers, b"" if scope["method"] == "HEAD" else body)


class _Form:
    """A file in one of its two forms, ready to be sent."""

    def __init__(self, file: PageFile, *, zipped: bool) -> None:
        self.body = file.zipped if zipped else file.plain
        self.headers: Headers = [
            (b"content-type", file.media_type.encode()),
            (b"content-length", b"%d" % len(self.body)),
            FOR_GOOD,
            (b"vary", b"accept-encoding"),
            *SAFE,
        ]
        if zipped:
            self.headers.append((b"content-encoding", b"gzip"))


def _takes_gzip(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the request takes a compressed body; one that refuses it in numbers (`gzip;q=0`) gets the plain one."""
    told = b",".join(value for name, value in headers if name == b"accept-encoding").replace(b" ", b"").lower()
    return any(word in (b"gzip", b"gzip;q=1", b"gzip;q=1.0") for word in told.split(b","))


async def _reply(send: Send, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
