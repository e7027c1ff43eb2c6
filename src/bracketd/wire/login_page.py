"""The login page: one document without scripts, its style inside it, every value of a request escaped.

The content security policy lets the browser load nothing and send the form here alone; the application's place stands
in it because a browser also holds the redirect that answers a form to it.
"""

import base64
import hashlib
import html
from importlib.resources import files
from string import Template
from urllib.parse import urlsplit

from bracketd.auth.authorization import Asked
from bracketd.wire.replies import Headers, Reply

_ROOM = files("bracketd.wire")
_PAGE = Template((_ROOM / "login_page.html").read_text(encoding="utf-8"))
_FORM = Template((_ROOM / "login_form.html").read_text(encoding="utf-8"))
_STYLE = (_ROOM / "login_page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

PAGE_HEADERS: Headers = (
    (b"cache-control", b"no-store"),
    # Not no-referrer, under which browsers send `Origin: null` with the form.
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


def form_page(status: int, asked: Asked, ticket: str, notice: str = "", login_id: str = "") -> Reply:
    """The form by which a client logs in and agrees; `notice` says what was wrong with the last try."""
    content = _FORM.substitute(
        application=_text(asked.application.name),
        scope=_text(asked.scope),
        destination=_text(asked.redirect_uri),
        ticket=_text(ticket),
        notice=f'<p class="notice" role="alert">{_text(notice)}</p>' if notice else "",
        login_id=_text(login_id),
        focus_id="" if login_id else " autofocus",
        focus_password=" autofocus" if login_id else "",
    )
    return _page(status, "Log in", content, f"'self' {_source(asked.redirect_uri)}")


def fault_page(text: str) -> Reply:
    """A request that leads nowhere: the browser stays here, since where else it should go nobody can be sure of."""
    content = f"<h1>This link does not work</h1>\n<p>{_text(text)}</p>"
    content += '\n<p class="small">Nothing was allowed. Tell whoever made the program that sent you here.</p>'
    return _page(400, "Link does not work", content, "'none'")


def _page(status: int, title: str, content: str, form_action: str) -> Reply:
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {form_action};"
        " frame-ancestors 'none'; base-uri 'none'"
    )
    body = _PAGE.substitute(title=_text(title), style=_STYLE, content=content).encode()
    headers: Headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode("ascii")),
        *PAGE_HEADERS,
    )
    return Reply(status, body, headers)


def _text(value: str) -> str:
    """A value as text or inside a quoted attribute."""
    return html.escape(value, quote=True)


def _source(redirect_uri: str) -> str:
    """The source expression of a registered URI: its origin, or its scheme where an origin cannot be written."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("http", "https") or "[" in parts.netloc:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"
