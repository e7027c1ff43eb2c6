"""OAuth2 over HTTP: the page on which a client agrees, and the endpoint at which an application gets its token.

A request to log in that names no registered place is answered here and sent nowhere; a form counts only with the
ticket and the cookie of a page that was served for that very request.
"""

import logging
from collections.abc import Iterable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.routing import Route

from bracketd.auth.authorization import Asked, AuthorizationFault, SentBack
from bracketd.auth.lockout import LockedOut
from bracketd.auth.login import LoginRefused
from bracketd.runtime.desk import Desk
from bracketd.runtime.entrance import Busy, Entrance
from bracketd.wire import replies
from bracketd.wire.fields import Fields, Unreadable
from bracketd.wire.form import read_form
from bracketd.wire.login_page import PAGE_HEADERS, fault_page, form_page
from bracketd.wire.replies import Reply
from bracketd.wire.request import REQUEST_BYTES_MAX, header, read_body
from bracketd.wire.responses import page_route

_log = logging.getLogger(__name__)

_FORM_TYPE = b"application/x-www-form-urlencoded"
_UNREADABLE = "The link cannot be read."
_STALE = "This page was open for too long, or was not the last one. Please try again."
_WRONG = "Client id, password or code is wrong. A code of the authenticator works once."
_BUSY = "Too many people are logging in just now. Please try again."

Texts = dict[str, str]


class AuthorizePages:
    """The two OAuth2 routes."""

    def __init__(self, desk: Desk, entrance: Entrance) -> None:
        self._desk = desk
        self._entrance = entrance

    def routes(self) -> list[Route]:
        """The page and the token endpoint."""
        return [
            page_route("/oauth2/auth", ["GET", "POST"], self.authorize),
            page_route("/oauth2/token", ["POST"], self.token),
        ]

    async def authorize(self, request: Request) -> Reply:
        """GET and HEAD show the form and change nothing; POST is the form, filled in."""
        if len(request.scope["query_string"]) > REQUEST_BYTES_MAX:
            return replies.TOO_LARGE
        now_ns = self._desk.now_ns()
        try:
            fields = _query(request.scope["query_string"])
            asked = self._entrance.authorizations.asked(fields, now_ns)
            if request.method == "POST":
                return await self._decide(request, fields, asked, now_ns)
            return self._form(request, fields, asked, now_ns)
        except Unreadable:
            return fault_page(_UNREADABLE)
        except AuthorizationFault as fault:
            return fault_page(str(fault))
        except SentBack as back:
            return _see_other(back.location)

    async def token(self, request: Request) -> Reply:
        """A code for a token, in the words of RFC 6749: its errors have one key of their own, not the dialect's."""
        scope = request.scope
        body = await read_body(scope, request.receive)
        declared = (header(scope["headers"], b"content-type") or _FORM_TYPE).partition(b";")[0].strip().lower()
        try:
            fields = _texts(read_form(body)) if declared == _FORM_TYPE else {}
        except Unreadable:
            fields = {}
        authorization = header(scope["headers"], b"authorization")
        reply = self._entrance.authorizations.token(
            fields, None if authorization is None else authorization.decode("latin-1"), self._desk.now_ns()
        )
        headers = tuple((name.lower().encode("ascii"), value.encode("ascii")) for name, value in reply.headers.items())
        return Reply(reply.status, reply.body.encode(), headers)

    async def _decide(self, request: Request, fields: Texts, asked: Asked, now_ns: int) -> Reply:
        """What the form says, if it is ours."""
        sent = _texts(read_form(await read_body(request.scope, request.receive)))
        login_id = sent.get("login_id", "")
        nonce = request.cookies.get(_cookie_name(request))
        ours = _from_our_page(request.scope["headers"]) and self._entrance.tickets.good(
            sent.get("ticket", ""), nonce, _canonical(fields), now_ns
        )
        if not ours:
            _log.info("login form refused: no ticket of ours")
            return self._form(request, fields, asked, now_ns, 400, _STALE)
        if sent.get("decision") != "allow":
            return _see_other(self._entrance.authorizations.denied(fields, now_ns))
        try:
            client = await self._entrance.at_once(login_id, sent.get("password", ""), sent.get("answer", ""), now_ns)
        except LockedOut as locked:
            minutes = -(-locked.wait_s // 60)
            text = f"Too many failed tries. Please wait {minutes} minute{'s' if minutes > 1 else ''}."
            reply = self._form(request, fields, asked, now_ns, 429, text, login_id)
            return reply._replace(headers=(*reply.headers, (b"retry-after", b"%d" % locked.wait_s)))
        except Busy:
            return self._form(request, fields, asked, now_ns, 429, _BUSY, login_id)
        except LoginRefused as refused:
            _log.info("login refused: %s", refused)
            return self._form(request, fields, asked, now_ns, 403, _WRONG, login_id)
        return _see_other(self._entrance.authorizations.granted(fields, client, self._desk.now_ns()))

    def _form(
        self,
        request: Request,
        fields: Texts,
        asked: Asked,
        now_ns: int,
        status: int = 200,
        notice: str = "",
        login_id: str = "",
    ) -> Reply:
        """The form with a fresh ticket, and the cookie that the ticket goes with."""
        name = _cookie_name(request)
        nonce = self._entrance.tickets.nonce(request.cookies.get(name))
        ticket = self._entrance.tickets.make(nonce, _canonical(fields), now_ns)
        reply = form_page(status, asked, ticket, notice, login_id)
        secure = "; Secure" if request.scope["scheme"] == "https" else ""
        cookie = f"{name}={nonce}; Path=/; HttpOnly; SameSite=Strict{secure}"
        return reply._replace(headers=(*reply.headers, (b"set-cookie", cookie.encode("ascii"))))


def _query(query_string: bytes) -> Texts:
    """The parameters of an authorization request, `redirect-uri` under its other name; raises Unreadable."""
    fields = _texts(read_form(query_string))
    hyphened = fields.pop("redirect-uri", None)
    if hyphened and fields.setdefault("redirect_uri", hyphened) != hyphened:
        raise Unreadable("two redirect URIs")
    return fields


def _texts(fields: Fields) -> Texts:
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _canonical(fields: Texts) -> str:
    """The request that a ticket is for, in whatever order its parameters came."""
    return urlencode(sorted(fields.items()))


def _cookie_name(request: Request) -> str:
    """Over TLS a name that browsers let nobody but this host set, and only over TLS."""
    return "__Host-bracketd-login" if request.scope["scheme"] == "https" else "bracketd-login"


def _from_our_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the browser says that the form was on a page of ours, or says nothing, as programs do.

    Sec-Fetch-Site speaks of what the browser saw, so that it also holds behind a proxy that renames hosts.
    """
    sent = dict(headers)
    site = sent.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    origin = sent.get(b"origin")
    return origin is None or origin.partition(b"://")[2] == sent.get(b"host", b"")


def _see_other(location: str) -> Reply:
    """303: the browser goes on with a GET, and the form with the password in it stays here."""
    return Reply(303, b"{}", ((b"location", location.encode("ascii")), *PAGE_HEADERS))
