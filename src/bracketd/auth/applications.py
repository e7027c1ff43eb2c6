"""Applications: programs of others that clients may log in to (OAuth2 clients), registered by the operator.

A redirect URI is where a browser carries a code to, so it is registered to the letter and compared to the letter.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from bracketd.auth.client_tables import ClientStoreError, ClientTables
from bracketd.auth.opaque_token import digest, random_part

NAME_CHARS_MAX: Final = 64
URI_CHARS_MAX: Final = 1_024

_URI: Final = re.compile(r"[A-Za-z0-9._~:/?@!$&()*+=%\[\]-]+", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9.-]+|[0-9a-f:.]+", re.ASCII)
_REVOKE_TOKENS: Final = (
    "INSERT INTO revoked (blacklist_key, exp_ms)"
    " SELECT blacklist_key, exp_ms FROM opaque_token WHERE app_id = ? ON CONFLICT (blacklist_key) DO NOTHING"
)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class BadApplication(ClientStoreError):
    """A name or a redirect URI cannot be registered; the text says why."""


class UnknownApplication(ClientStoreError):
    """There is no application of this id."""


class Application(msgspec.Struct, frozen=True):
    """A registered application; `created_ns` in unix nanoseconds. Its secret is known to nobody here."""

    app_id: str
    name: str
    redirect_uris: tuple[str, ...]
    created_ns: int


def check_redirect_uri(uri: str) -> None:
    """Raise BadApplication unless a code may be sent there.

    https anywhere; http to this machine only, where nobody listens in; a scheme of an installed program's own, which
    has a dot in it (RFC 8252 section 7.1). No fragment, no user, nothing that needs quoting.
    """
    if len(uri) > URI_CHARS_MAX or not _URI.fullmatch(uri):
        raise BadApplication(f"{uri!r} holds what a redirect URI must not, a fragment or an unquoted character")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadApplication(f"{uri!r} is no URI") from None
    if parts.scheme in ("http", "https"):
        if not _HOST.fullmatch(host) or "@" in parts.netloc or port == 0:
            raise BadApplication(f"{uri!r} names no host, or more than a host and a port")
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise BadApplication(f"{uri!r} would carry codes in the clear; use https, or http to this machine")
    elif "." not in parts.scheme:
        raise BadApplication(f"{uri!r} is neither https, nor http to this machine, nor a scheme with a dot")


class Applications:
    """The applications of one folder."""

    def __init__(self, file: ClientTables, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Keep them in this file."""
        self._file = file
        self._random_bytes = random_bytes

    def add(self, name: str, redirect_uris: Iterable[str], now_ns: int) -> tuple[Application, str]:
        """Register an application; gives it and its secret, which is kept as a digest and never shown again.

        Raises BadApplication for a name that is blank, long or unprintable, and for a URI that may not be used.
        """
        name = name.strip()
        uris = tuple(dict.fromkeys(redirect_uris))
        if not name or len(name) > NAME_CHARS_MAX or not name.isprintable():
            raise BadApplication(f"{name!r} is no name: use 1 to {NAME_CHARS_MAX} printable characters")
        if not uris:
            raise BadApplication("an application needs a redirect URI")
        for uri in uris:
            check_redirect_uri(uri)
        application = Application(self._random_bytes(10).hex(), name, uris, now_ns)
        secret = random_part(self._random_bytes)
        self._file.write_all(
            [
                (
                    "INSERT INTO application (app_id, name, secret_sha256, created_ns) VALUES (?, ?, ?, ?)",
                    (application.app_id, name, digest(secret), now_ns),
                ),
                *(
                    ("INSERT INTO redirect_uri (app_id, uri) VALUES (?, ?)", (application.app_id, uri))
                    for uri in sorted(uris)
                ),
            ]
        )
        return application, secret

    def get(self, app_id: str) -> Application | None:
        """The application of this id, or None."""
        rows = self._file.read("SELECT app_id, name, created_ns FROM application WHERE app_id = ?", (app_id,))
        return self._application(*rows[0]) if rows else None

    def all(self) -> list[Application]:
        """Every application, the oldest first."""
        rows = self._file.read("SELECT app_id, name, created_ns FROM application ORDER BY created_ns, app_id")
        return [self._application(*row) for row in rows]

    def proven(self, app_id: str, secret: str) -> Application | None:
        """The application of this id if the secret is its own, else None; compared in constant time."""
        rows = self._file.read("SELECT secret_sha256 FROM application WHERE app_id = ?", (app_id,))
        kept = rows[0][0] if rows else bytes(32)
        return self.get(app_id) if hmac.compare_digest(kept, digest(secret)) else None

    def remove(self, app_id: str) -> None:
        """Forget an application, revoking its tokens and codes at once; raises UnknownApplication."""
        if self.get(app_id) is None:
            raise UnknownApplication(f"there is no application {app_id}")
        self._file.write_all(
            [
                # Revoked, not only forgotten: a gate that remembers a token asks for its revocation.
                (
                    _REVOKE_TOKENS,
                    (app_id,),
                ),
                *(
                    (f"DELETE FROM {table} WHERE app_id = ?", (app_id,))
                    for table in ("opaque_token", "authorization_code", "redirect_uri", "application")
                ),
            ]
        )

    def _application(self, app_id: str, name: str, created_ns: int) -> Application:
        uris = self._file.read("SELECT uri FROM redirect_uri WHERE app_id = ? ORDER BY uri", (app_id,))
        return Application(app_id, name, tuple(uri for (uri,) in uris), created_ns)
