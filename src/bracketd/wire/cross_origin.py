"""Cross-origin calls: pages of the origins that the operator named may call, by the browsers' rules (CORS).

The whole application stands behind it, the order-entry routes and every refusal included: a browser hides a reply
without these headers from the page, which would then see a network fault instead of "Order not found".
"""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from bracketd.wire import replies
from bracketd.wire.exchange import AtOnce

METHODS = ("DELETE", "GET", "HEAD", "POST", "PUT")
EXPOSED = ("Allow", "Preference-Applied", "Retry-After", "WWW-Authenticate", "X-Request-Id")
"""Headers of a reply that a page may read beside its body."""

PREFLIGHT_KEPT_S = 600

PREFLIGHT_PASSED = replies.success("Preflight passed", {})


class CrossOrigin(CORSMiddleware):
    """Starlette's middleware, with the answers to a preflight in JSON like every other.

    Every request header is let through: clients of this family send a dozen of their own (wire.md 1.2). Cookies and
    the browser's own credentials are not; who calls is told by the token.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=tuple(origins),
            allow_methods=METHODS,
            allow_headers=("*",),
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_KEPT_S,
        )
        # A reply to a request that names no origin gains one header, which a connection can add by itself.
        behind: AtOnce | None = getattr(app, "at_once", None)
        self.at_once = None if behind is None else behind._replace(headers=((b"vary", b"Origin"),))

    def preflight_response(self, request_headers: Headers) -> Response:
        """What may be asked, or 400 where the origin or the method is not let through."""
        decided = super().preflight_response(request_headers)
        reply = PREFLIGHT_PASSED if decided.status_code < 400 else replies.PREFLIGHT_REFUSED
        response = Response(reply.body, reply.status, media_type="application/json")
        own = {name for name, _ in response.raw_headers}
        response.raw_headers.extend(pair for pair in decided.raw_headers if pair[0] not in own)
        return response
