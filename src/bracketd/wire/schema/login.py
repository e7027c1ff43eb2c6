"""Logging in, as Structs: what `wire/login.py` and `wire/authorize.py` read and word (wire.md 1.9, RFC 6749)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from bracketd.wire.schema.replies import Closed, Empty
from bracketd.wire.schema.requests import Text

LoginId = Annotated[Text, Meta(description="The client's id.", examples=["DEMO1"])]
Password = Annotated[Text, Meta(description="The client's password.")]
Ticket = Annotated[Text, Meta(description="From the reply to the password; good for five minutes.")]
Device = Annotated[Text, Meta(description="What the token will name, `web` where absent.", examples=["WEB"])]
ApplicationId = Annotated[str, Meta(description="The application's id.")]
RedirectUri = Annotated[str, Meta(description="A registered redirect URI, to the letter.")]


class PasswordStep(Struct, kw_only=True):
    """The first step: `login_id` and `password`, or `channel_id` and `channel_secret`."""

    login_id: LoginId | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    channel_id: LoginId | UnsetType = UNSET
    channel_secret: Password | UnsetType = UNSET
    device: Device | UnsetType = UNSET


class SecondFactorAnswer(Struct, kw_only=True):
    """An answer; the question's id is not looked at."""

    question_id: Text | UnsetType = UNSET
    answer: Annotated[Text, Meta(description="The PIN, or the code of the authenticator.")]


class SecondStep(Struct, kw_only=True):
    """The second step: the first answer in `twofa`, or `answer`, as a form has it."""

    login_id: LoginId
    twofa_token: Ticket
    twofa: list[SecondFactorAnswer] | UnsetType = UNSET
    answer: Text | UnsetType = UNSET
    type: Annotated[Text, Meta(description="PIN or TOTP; both are tried where it is absent.")] | UnsetType = UNSET


class TotpStep(Struct, kw_only=True):
    """The second step by the authenticator."""

    login_id: LoginId
    twofa_token: Ticket
    totp: Annotated[Text, Meta(description="The code of the authenticator.", examples=["123456"])]


class Question(Closed, kw_only=True):
    """What is asked for; `"100"` means a code to one of the family's SDKs."""

    question_id: int | str
    question: str


class TwoFactor(Closed, kw_only=True):
    """The second step to come."""

    questions: list[Question]
    twofa_token: str
    type: Literal["PIN", "TOTP"]


class PasswordTakenData(Closed, kw_only=True):
    """A right password; there is no token yet."""

    twofa: TwoFactor
    auth_token: Literal[""]
    login_id: str
    twofa_enabled: bool
    alert: str
    reset_password: bool
    reset_two_fa: bool


class PasswordTaken(Closed, kw_only=True):
    """The password was right, and the second factor is asked for."""

    data: PasswordTakenData
    message: str
    status: Literal["success"]


class LoggedInData(Closed, kw_only=True):
    """The token, for any of the three headers."""

    auth_token: str
    login_id: str
    client_id: str
    alert: str
    reset_password: bool
    reset_two_fa: bool


class LoggedIn(Closed, kw_only=True):
    """Logged in."""

    data: LoggedInData
    message: str
    status: Literal["success"]


class TooMany(Closed, kw_only=True):
    """Too many failures of this login id, or too many logins at once; Retry-After says for how long."""

    status: Literal["error"]
    message: Literal["Too many requests"]
    error_code: Literal[45010]
    reason: Literal["RATE_LIMITED"]
    data: Empty


class AuthorizationQuery(Struct, kw_only=True):
    """An application asks a client to log in (RFC 6749 section 4.1.1, RFC 7636)."""

    response_type: Literal["code"]
    client_id: ApplicationId
    redirect_uri: Annotated[str, Meta(description="A registered redirect URI; also spelt `redirect-uri`.")]
    scope: str | UnsetType = UNSET
    state: Annotated[str, Meta(min_length=8)]
    code_challenge: str | UnsetType = UNSET
    code_challenge_method: Literal["S256", "plain"] | UnsetType = UNSET


class LoginForm(Struct, kw_only=True):
    """The form of the page; it counts with the page's own ticket and cookie only."""

    ticket: str
    login_id: str
    password: str
    answer: str
    decision: Literal["allow", "deny"]


class CodeExchange(Struct, kw_only=True):
    """A code for a token; id and secret may come as Basic instead."""

    grant_type: Literal["authorization_code"]
    code: str
    redirect_uri: RedirectUri
    client_id: ApplicationId | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET
    code_verifier: str | UnsetType = UNSET


class AccessToken(Closed, kw_only=True):
    """An opaque token."""

    access_token: str
    expires_in: Literal[43199]
    scope: str
    token_type: Literal["bearer"]


class OAuthProblem(Closed, kw_only=True):
    """A refusal in the words of RFC 6749 section 5.2."""

    error: str
    error_description: str | UnsetType = UNSET
