"""A gateway's application put together: the pages answered here, the relay of websockets, and the way to the owners."""

from collections.abc import Callable, Sequence

from starlette.types import ASGIApp

from bracketd.auth.gate import Gate
from bracketd.auth.token import Claims
from bracketd.runtime.desk import Desk
from bracketd.runtime.entrance import Entrance
from bracketd.runtime.link import Speaker
from bracketd.runtime.routes import Routes
from bracketd.wire import replies
from bracketd.wire.app import build_app
from bracketd.wire.cross_origin import CrossOrigin
from bracketd.wire.feed_relay import FeedRelay
from bracketd.wire.gateway import Gateway
from bracketd.wire.replies import EarlyReply


def build_gateway(
    desk: Desk,
    gate: Gate,
    entrance: Entrance | None,
    routes: Routes,
    terms: Callable[[str], tuple[int, int] | None],
    *,
    sandbox: bool,
    cors: Sequence[str] = (),
    metrics_open: bool = False,
) -> ASGIApp:
    """The application over a desk that has no shard. `terms` tells what a client's account opens with."""

    def speaker(claims: Claims) -> Speaker:
        known = terms(claims.client_id)
        if known is None:
            # The client was removed after its token was looked at.
            raise EarlyReply(replies.UNAUTHORISED)
        return Speaker(claims.client_id, claims.device, claims.exp_ms, *known)

    local = build_app(desk, gate, sandbox=None, entrance=entrance, metrics_open=metrics_open)
    relay = FeedRelay(local, desk, gate, routes, speaker)
    app = Gateway(local, desk, gate, routes, speaker, relay.attend, sandbox=sandbox, metrics_open=metrics_open)
    return CrossOrigin(app, cors) if cors else app
