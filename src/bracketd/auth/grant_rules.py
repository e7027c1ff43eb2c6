"""The rules of the grant as oauthlib asks for them, one method a question (its RequestValidator).

oauthlib's request carries whatever somebody set on it, and its published types say less than it does: hence Any.
"""

from typing import Any, Final

from oauthlib.oauth2 import RequestValidator

from bracketd.auth.applications import Applications
from bracketd.auth.authorization_code import AuthorizationCodes, Grant
from bracketd.auth.opaque_token import OpaqueTokens

SCOPE_DEFAULT: Final = "orders"
SCOPE_CHARS_MAX: Final = 256


class ProvenClient:
    """An application that has shown its secret; oauthlib asks for this one attribute."""

    def __init__(self, app_id: str) -> None:
        """Name it as oauthlib does."""
        self.client_id = app_id


class GrantRules(RequestValidator):
    """Answers for one request at one moment. In oauthlib's words a client is an application of ours."""

    def __init__(
        self, applications: Applications, codes: AuthorizationCodes, tokens: OpaqueTokens, now_ns: int
    ) -> None:
        """Answer from these books, at `now_ns`."""
        self._applications = applications
        self._codes = codes
        self._tokens = tokens
        self._now_ns = now_ns
        self._grant: Grant | None = None

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Every application has a secret and shows it."""
        return True

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether id and secret belong together."""
        proven = self._applications.proven(request.client_id or "", request.client_secret or "")
        if proven is None:
            return False
        request.client = ProvenClient(proven.app_id)
        return True

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether there is such an application."""
        return self._applications.get(client_id) is not None

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether the URI is registered, letter by letter."""
        application = self._applications.get(client_id)
        return application is not None and redirect_uri in application.redirect_uris

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> str:
        """None: an application says where its code shall go, also where it has registered one place only."""
        return ""

    def validate_response_type(
        self, client_id: str, response_type: str, client: object, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """`code` and nothing else, combinations with it included."""
        return response_type == "code"

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: object, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """`authorization_code` and nothing else."""
        return grant_type == "authorization_code"

    def get_default_scopes(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """What an application that names no scope asks for."""
        return [SCOPE_DEFAULT]

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: object, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the scope is written as RFC 6749 section 3.3 has it. A scope is echoed; it narrows nothing."""
        text = " ".join(scopes)
        return len(text) <= SCOPE_CHARS_MAX and all(
            "!" <= sign <= "~" and sign not in '"\\' for sign in text if sign != " "
        )

    def save_authorization_code(self, client_id: str, code: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Keep a code that was made, for the client who logged in."""
        grant = Grant(
            app_id=client_id,
            client_id=request.user.client_id,
            client_token=request.user.client_token,
            redirect_uri=request.redirect_uri,
            scope=" ".join(request.scopes),
            challenge=request.code_challenge,
            challenge_method=request.code_challenge_method,
        )
        self._codes.keep(code["code"], grant, self._now_ns)

    def validate_code(self, client_id: str, code: str, client: object, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Take the code. It is used up even where a later check fails, so that nobody tries verifiers on it."""
        self._grant = self._codes.take(code, client_id, self._now_ns)
        if self._grant is None:
            return False
        # A verifier without a challenge means that somebody took the challenge out (RFC 9700 section 4.8.2).
        if request.code_verifier and self._grant.challenge is None:
            return False
        request.user = self._grant.client_id
        request.scopes = self._grant.scope.split()
        return True

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: object, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the URI is the one that the code was sent to."""
        return self._grant is not None and redirect_uri == self._grant.redirect_uri

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        """Not required, since half of the family's programs do not know it; whoever begins with it is held to it."""
        return False

    def get_code_challenge(self, code: str, request: Any) -> Any:
        """The challenge that came with the authorization request."""
        return None if self._grant is None else self._grant.challenge

    def get_code_challenge_method(self, code: str, request: Any) -> Any:
        """The method that came with it."""
        return None if self._grant is None else self._grant.challenge_method

    def save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Let the token in, and remember that the code became it."""
        grant = self._grant
        if grant is None:
            raise ValueError("no code was taken")
        self._tokens.keep(
            token["access_token"], grant.client_id, grant.client_token, grant.app_id, grant.scope, self._now_ns
        )
        self._codes.became(request.code, token["access_token"])

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing is left to do: a code that was taken is not good any more."""
