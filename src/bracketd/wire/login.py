"""The login routes of the family: password, second factor, TOTP (wire.md 1.9). Their fields come in the body alone.

A query would put passwords into the logs of whatever stands between.
"""

import json
import logging
import re

from starlette.requests import Request
from starlette.routing import Route

from bracketd.auth.lockout import LockedOut
from bracketd.auth.login import Factor, LoginRefused, Pending
from bracketd.runtime.desk import Desk
from bracketd.runtime.entrance import Busy, Entrance
from bracketd.wire import replies, words
from bracketd.wire.fields import Unreadable
from bracketd.wire.parameters import Parameters, read_parameters
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.request import header, read_body
from bracketd.wire.responses import page_route
from bracketd.wire.words import FieldError

_log = logging.getLogger(__name__)

_PREFIXES = ("/api/v3/user", "/api/v1/user")
DEVICE_DEFAULT = "web"
_DEVICE = re.compile(r"[a-z0-9_-]{1,16}", re.ASCII)
_FACTORS = {"PIN": Factor.PIN, "TOTP": Factor.TOTP}
# What one of the family's SDKs sends as the type of the one, and as that of the other where it reads "100".
_QUESTIONS: dict[Factor, dict[str, object]] = {
    Factor.PIN: {"question_id": 22, "question": "Enter your PIN"},
    Factor.TOTP: {"question_id": "100", "question": "Enter the code of your authenticator"},
}


class LoginPages:
    """The routes by which a program logs in."""

    def __init__(self, desk: Desk, entrance: Entrance) -> None:
        self._desk = desk
        self._entrance = entrance

    def routes(self) -> list[Route]:
        """The three routes, each under both of the versions that clients call."""
        pages = {"login": self.login, "twofa": self.twofa, "validatetotp": self.validate_totp}
        return [page_route(f"{prefix}/{name}", ["POST"], page) for prefix in _PREFIXES for name, page in pages.items()]

    async def login(self, request: Request) -> Reply:
        """The password: `login_id` and `password`, or `channel_id` and `channel_secret`."""
        parameters, _ = await _read(request)
        login_id = _either(parameters, "login_id", "channel_id")
        password = _either(parameters, "password", "channel_secret")
        device = _device(parameters)
        try:
            pending = await self._entrance.password(login_id, password, device, self._desk.now_ns())
        except (LoginRefused, LockedOut, Busy) as refused:
            return refusal(refused)
        return replies.login_step(_asks_second_factor(pending))

    async def twofa(self, request: Request) -> Reply:
        """The second factor: `twofa_token` and an answer; `type` says which it is, and without one both are tried."""
        parameters, body = await _read(request)
        kind = (parameters.text("type") or "").upper()
        if kind and kind not in _FACTORS:
            raise FieldError("type")
        return await self._second(parameters, _answer(parameters, body), _FACTORS.get(kind, Factor.EITHER))

    async def validate_totp(self, request: Request) -> Reply:
        """The second factor as a code of the authenticator, in `totp`."""
        parameters, _ = await _read(request)
        return await self._second(parameters, words.text(parameters, "totp"), Factor.TOTP)

    async def _second(self, parameters: Parameters, answer: str, factor: Factor) -> Reply:
        login_id = _either(parameters, "login_id", "channel_id")
        ticket = words.text(parameters, "twofa_token")
        try:
            token = await self._entrance.second_factor(ticket, login_id, answer, factor, self._desk.now_ns())
        except (LoginRefused, LockedOut, Busy) as refused:
            return refusal(refused)
        return replies.login_step({"auth_token": token, "login_id": login_id, "client_id": login_id} | _NOTHING_TO_DO)


_NOTHING_TO_DO: dict[str, object] = {"alert": "", "reset_password": False, "reset_two_fa": False}


def refusal(refused: LoginRefused | LockedOut | Busy) -> Reply:
    """The reply to a login that came to nothing: the same whatever was wrong, and a time where it is too soon."""
    _log.info("login refused: %s", refused)
    if isinstance(refused, LockedOut):
        return replies.too_many(refused.wait_s)
    return replies.TOO_MANY if isinstance(refused, Busy) else replies.LOGIN_FAILED


def _asks_second_factor(pending: Pending) -> dict[str, object]:
    twofa = {"questions": [_QUESTIONS[pending.factor]], "twofa_token": pending.ticket, "type": pending.factor.value}
    return {
        "twofa": twofa,
        "auth_token": "",
        "login_id": pending.client.client_id,
        "twofa_enabled": True,
    } | _NOTHING_TO_DO


async def _read(request: Request) -> tuple[Parameters, bytes]:
    """The fields of the body, and the body; raises EarlyReply where it cannot be read."""
    scope = request.scope
    body = await read_body(scope, request.receive)
    try:
        return read_parameters(b"", header(scope["headers"], b"content-type"), body), body
    except Unreadable:
        raise EarlyReply(replies.BODY_INVALID) from None


def _either(parameters: Parameters, name: str, other: str) -> str:
    """The text of a field that goes by two names; given twice it must be the same."""
    if parameters.text(name) is None:
        if parameters.bad(name) or parameters.text(other) is None:
            raise FieldError(name, blank=not parameters.bad(name) and not parameters.bad(other))
        return words.text(parameters, other)
    if parameters.text(other) not in (None, parameters.text(name)):
        raise FieldError(other)
    return words.text(parameters, name)


def _device(parameters: Parameters) -> str:
    """The device that the token will name, in lower case."""
    device = (parameters.text("device") or parameters.text("device_type") or DEVICE_DEFAULT).lower()
    if not _DEVICE.fullmatch(device):
        raise FieldError("device")
    return device


def _answer(parameters: Parameters, body: bytes) -> str:
    """The first answer in `twofa`, a list of {"question_id", "answer"}; or a plain field `answer`, as a form has it."""
    if not parameters.bad("twofa"):
        return words.text(parameters, "answer")
    # Read again for the nested field; numbers stay texts, as everywhere.
    answers = json.loads(body, parse_float=str, parse_int=str)["twofa"]
    first = answers[0] if isinstance(answers, list) and answers else None
    answer = first.get("answer") if isinstance(first, dict) else None
    if not isinstance(answer, str) or not answer.strip():
        raise FieldError("twofa")
    return answer.strip()
