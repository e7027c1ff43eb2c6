"""The OAuth2 authorization code grant (RFC 6749 section 4.1, with RFC 7636): oauthlib judges, this folder remembers.

Requests come as plain fields and go as plain replies. oauthlib sees only the parameters that the grant has, each once;
whatever else clients of the family send beside them (`access_type`) is left out before.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus, urlencode

from oauthlib.oauth2 import AuthorizationCodeGrant, AuthorizationEndpoint, BearerToken, TokenEndpoint
from oauthlib.oauth2.rfc6749 import errors

from bracketd.auth.applications import Application, Applications
from bracketd.auth.authorization_code import AuthorizationCodes
from bracketd.auth.client_store import ClientRecord, ClientStore
from bracketd.auth.grant_rules import GrantRules
from bracketd.auth.opaque_token import LIFETIME_S, OpaqueTokens, new_token

STATE_CHARS_MIN: Final = 8
"""A shorter `state` protects nobody: the rule of the family's servers (wire.md 1.9)."""

_AUTHORIZE: Final = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
_TOKEN: Final = ("grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier")
# oauthlib wants a whole URI and looks at its query alone.
_HERE: Final = "https://bracketd.invalid/oauth2/"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)

_UNKNOWN: Final = "No such program is registered here."
_FATAL: Final[Mapping[type[Exception], str]] = {
    errors.MissingClientIdError: "It does not say which program sent you here.",
    errors.InvalidClientIdError: _UNKNOWN,
    errors.MismatchingRedirectURIError: "The program wants its answer at an address that is not registered for it.",
    errors.InvalidRedirectURIError: "The address at which the program wants its answer is none.",
    errors.MissingRedirectURIError: "It does not say where the program wants its answer.",
}
_FATAL_OTHERWISE: Final = "It cannot be read."


class AuthorizationFault(Exception):
    """The request names no application, or a place that is not the application's: the browser is sent nowhere."""


class SentBack(Exception):
    """The request is faulty, and the application is told so; `location` is where the browser goes."""

    def __init__(self, location: str) -> None:
        """Keep where the browser goes."""
        super().__init__("sent back")
        self.location = location


class Asked(NamedTuple):
    """A sound authorization request: who asks, for what, and where the answer goes."""

    application: Application
    redirect_uri: str
    scope: str
    state: str


class TokenReply(NamedTuple):
    """The token endpoint's reply: HTTP status, headers beyond the content type, JSON text."""

    status: int
    headers: dict[str, str]
    body: str


class Authorizations:
    """The grant over one folder's clients and applications; used by the store's thread."""

    def __init__(self, store: ClientStore) -> None:
        """Grant access to the clients of this store."""
        self._store = store
        self._applications = Applications(store.file)

    def asked(self, fields: Mapping[str, str], now_ns: int) -> Asked:
        """What an authorization request asks for; raises AuthorizationFault or SentBack. Changes nothing."""
        rules = self._rules(now_ns)
        endpoint = _authorization_endpoint(rules)
        try:
            scopes, details = endpoint.validate_authorization_request(_uri("auth", _AUTHORIZE, fields))
        except errors.FatalClientError as fault:
            raise AuthorizationFault(_FATAL.get(type(fault), _FATAL_OTHERWISE)) from None
        except errors.OAuth2Error as fault:
            raise _sent_back(fault) from None
        application = self._applications.get(details["client_id"])
        if application is None:
            raise AuthorizationFault(_UNKNOWN)
        return Asked(application, details["redirect_uri"], " ".join(scopes), details["state"])

    def granted(self, fields: Mapping[str, str], client: ClientRecord, now_ns: int) -> str:
        """Where the browser goes with its code, once this client has logged in and agreed; raises as `asked`."""
        asked = self.asked(fields, now_ns)
        endpoint = _authorization_endpoint(self._rules(now_ns))
        headers, _, _ = endpoint.create_authorization_response(
            _uri("auth", _AUTHORIZE, fields), scopes=asked.scope.split(), credentials={"user": client}
        )
        return str(headers["Location"])

    def denied(self, fields: Mapping[str, str], now_ns: int) -> str:
        """Where the browser goes when the client does not agree; raises as `asked`."""
        asked = self.asked(fields, now_ns)
        return str(errors.AccessDeniedError(state=asked.state).in_uri(asked.redirect_uri))

    def token(self, fields: Mapping[str, str], authorization: str | None, now_ns: int) -> TokenReply:
        """The token endpoint: a code and the application's own credentials for an opaque token, or an error.

        `authorization` is the header of that name. Id and secret may stand there (Basic) or in the fields, not
        differently in both.
        """
        try:
            credentials = _basic(authorization)
        except ValueError:
            return _invalid_client()
        for name, value in zip(("client_id", "client_secret"), credentials or (), strict=False):
            if fields.get(name, value) != value:
                return _invalid_client()
            fields = {**fields, name: value}
        grant = AuthorizationCodeGrant(self._rules(now_ns), refresh_token=False)
        grant.register_token_modifier(_in_lower_case)
        bearer: Any = BearerToken(self._rules(now_ns), token_generator=lambda _: new_token(), expires_in=LIFETIME_S)
        endpoint = TokenEndpoint("authorization_code", bearer, {"authorization_code": grant})
        body = urlencode({name: fields[name] for name in _TOKEN if fields.get(name)})
        headers, text, status = endpoint.create_token_response(
            _HERE + "token", "POST", body, {"Content-Type": "application/x-www-form-urlencoded"}
        )
        headers.pop("Content-Type", None)
        if status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="bracketd"'
        return TokenReply(status, dict(headers), text)

    def _rules(self, now_ns: int) -> GrantRules:
        return GrantRules(self._applications, AuthorizationCodes(self._store), OpaqueTokens(self._store), now_ns)


def _authorization_endpoint(rules: GrantRules) -> AuthorizationEndpoint:
    """An endpoint of oauthlib's with one response type and our own checks before its own."""
    grant = AuthorizationCodeGrant(rules, pre_auth=[_check_state, _check_challenge])
    grant.register_code_modifier(_with_scope)
    bearer: Any = BearerToken(rules)
    return AuthorizationEndpoint("code", bearer, {"code": grant})


def _check_state(request: Any) -> dict[str, Any]:
    if len(request.state or "") < STATE_CHARS_MIN:
        raise errors.InvalidRequestError(f"state must have at least {STATE_CHARS_MIN} characters.", request=request)
    return {}


def _check_challenge(request: Any) -> dict[str, Any]:
    if request.code_challenge is not None and not _CHALLENGE.fullmatch(request.code_challenge):
        raise errors.InvalidRequestError("code_challenge is malformed.", request=request)
    return {}


def _with_scope(grant: dict[str, Any], bearer: Any, request: Any) -> dict[str, Any]:
    """The family's servers tell the scope beside the code (wire.md 1.9)."""
    return {**grant, "scope": " ".join(request.scopes)}


def _in_lower_case(token: dict[str, Any], bearer: Any, request: Any) -> dict[str, Any]:
    """The family's servers write `bearer`; the word is compared without case (RFC 6749 section 5.1)."""
    return {**token, "token_type": "bearer"}


def _uri(page: str, names: tuple[str, ...], fields: Mapping[str, str]) -> str:
    """A URI that holds the named fields, freshly encoded: blank ones are absent (RFC 6749 section 3.1)."""
    return f"{_HERE}{page}?" + urlencode({name: fields[name] for name in names if fields.get(name)})


def _sent_back(fault: errors.OAuth2Error) -> SentBack:
    return SentBack(str(fault.in_uri(fault.redirect_uri or "")))


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Id and secret of a Basic header, None where there is no header; raises ValueError for any other."""
    if not authorization:
        return None
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise ValueError("not Basic")
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as fault:
        raise ValueError("not Basic") from fault
    if not colon:
        raise ValueError("no colon")
    # Both are form-encoded first (RFC 6749 section 2.3.1); clients that do not are meant too, as ours hold no escapes.
    return unquote_plus(user), unquote_plus(password)


def _invalid_client() -> TokenReply:
    headers = {"WWW-Authenticate": 'Basic realm="bracketd"', "Cache-Control": "no-store", "Pragma": "no-cache"}
    return TokenReply(401, headers, errors.InvalidClientError().json)
