"""Logging in: a password, then a second factor, in two requests as the family's programs do it or in one form.

Whoever fails learns that he failed, and nothing else: an unknown client costs the same hashing, is counted by the same
lockout and gets the same answer as a wrong password. The reason is for the log.
"""

import secrets
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final

import msgspec

from bracketd.auth.client_store import ClientRecord, ClientStore
from bracketd.auth.issuing import issue_for
from bracketd.auth.lockout import Lockout
from bracketd.auth.opaque_token import random_part
from bracketd.auth.pending_login import PendingLogins, Waiting
from bracketd.auth.second_factor import SecondFactors, code_timecode

PENDING_NS: Final = 300 * 1_000_000_000
"""The second factor follows the password within five minutes."""

Verify = Callable[[str | None, str], Awaitable[bool]]
"""Passwords.verify, done where it holds nobody up."""


class Factor(StrEnum):
    """Which second factor an answer is said to be."""

    PIN = "PIN"
    TOTP = "TOTP"
    EITHER = "either"


class LoginRefusal(StrEnum):
    """Why a login failed, for the log; none of it tells what was presented."""

    WRONG_PASSWORD = "client unknown, or password wrong"
    DISABLED = "client disabled"
    NO_SECOND_FACTOR = "client has no second factor; `bracketd client passwd` makes one"
    NOT_PENDING = "no login waits under that twofa_token"
    WRONG_ANSWER = "second factor wrong, or code used before"
    CHANGED = "client was rotated, disabled or given a new password meanwhile"


class LoginRefused(Exception):
    """The login failed; the wire words it the same whatever the reason."""

    def __init__(self, reason: LoginRefusal) -> None:
        """Keep the reason; its words are also the text of the exception."""
        super().__init__(reason.value)
        self.reason = reason


class Pending(msgspec.Struct, frozen=True):
    """A login whose password was right: its ticket, whose it is, and which second factor is asked for."""

    ticket: str
    client: ClientRecord
    device: str
    factor: Factor
    until_ns: int

    def __repr__(self) -> str:
        """Name the client, and keep the ticket out of logs."""
        return f"Pending(client_id={self.client.client_id!r}, factor={self.factor.value})"


class Logins:
    """The logins of one folder or database. The two steps of one may be taken at two gateways.

    Every method raises LockedOut while too many failures of that login id are remembered.
    """

    def __init__(
        self,
        store: ClientStore,
        key: bytes,
        verify: Verify,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Log in to the clients of this store; `key` signs their tokens. Used by the store's thread."""
        self._store = store
        self._factors = SecondFactors(store.file)
        self._lockout = Lockout(store.file)
        self._key = key
        self._verify = verify
        self._random_bytes = random_bytes
        self._pending = PendingLogins(store.file)

    async def password(self, login_id: str, password: str, device: str, now_ns: int) -> Pending:
        """The first step; raises LoginRefused. A right password alone forgives none of the failures before it."""
        self._lockout.attempt(login_id, now_ns)
        client = await self._known(login_id, password)
        factor = self._factors.get(login_id)
        if factor.pin_hash is None and factor.totp_secret is None:
            raise LoginRefused(LoginRefusal.NO_SECOND_FACTOR)
        self._lockout.forgive(login_id)
        kind = Factor.TOTP if factor.pin_hash is None else Factor.PIN
        pending = Pending(random_part(self._random_bytes), client, device, kind, now_ns + PENDING_NS)
        waiting = Waiting(login_id, client.client_token, client.password_hash, device, kind.value, pending.until_ns)
        self._pending.keep(pending.ticket, waiting, now_ns)
        return pending

    async def second_factor(self, ticket: str, login_id: str, answer: str, factor: Factor, now_ns: int) -> str:
        """The second step: a signed token for a login that waits under `ticket`; raises LoginRefused.

        A wrong answer leaves it waiting, until five minutes or the lockout end it.
        """
        self._lockout.attempt(login_id, now_ns)
        pending = self._pending.get(ticket, now_ns)
        if pending is None or pending.client_id != login_id:
            raise LoginRefused(LoginRefusal.NOT_PENDING)
        if not await self._answered(login_id, answer, factor, now_ns):
            raise LoginRefused(LoginRefusal.WRONG_ANSWER)
        # Before the ticket is used up: it would tell, by the hash that the next try does not cost, that this was right.
        self._check_unchanged(login_id, pending.client_token, pending.password_hash)
        # Whoever asked twice at once gets one token.
        if not self._pending.take(ticket):
            raise LoginRefused(LoginRefusal.NOT_PENDING)
        self._lockout.clear(login_id)
        return issue_for(self._store, self._key, login_id, None, pending.device, now_ns, self._random_bytes)

    async def at_once(self, login_id: str, password: str, answer: str, now_ns: int) -> ClientRecord:
        """Both steps in one: the client that logged in; raises LoginRefused.

        Both hashes are verified whatever the first says, so that time does not tell which of the two was wrong.
        """
        self._lockout.attempt(login_id, now_ns)
        refusal: LoginRefused | None = None
        client: ClientRecord | None = None
        try:
            client = await self._known(login_id, password)
        except LoginRefused as refused:
            refusal = refused
        # A code is used up only by him who has the password too.
        factor = Factor.PIN if client is None else Factor.EITHER
        answered = await self._answered(login_id, answer, factor, now_ns)
        if client is None:
            raise refusal or LoginRefused(LoginRefusal.WRONG_PASSWORD)
        if not answered:
            raise LoginRefused(LoginRefusal.WRONG_ANSWER)
        self._check_unchanged(login_id, client.client_token, client.password_hash)
        self._lockout.clear(login_id)
        return client

    async def _known(self, login_id: str, password: str) -> ClientRecord:
        client = self._store.get(login_id)
        good = await self._verify(None if client is None else client.password_hash, password)
        if client is None or not good:
            raise LoginRefused(LoginRefusal.WRONG_PASSWORD)
        if client.disabled:
            raise LoginRefused(LoginRefusal.DISABLED)
        return client

    async def _answered(self, login_id: str, answer: str, factor: Factor, now_ns: int) -> bool:
        """Whether the answer is the PIN, or a code not used before, which then is used."""
        kept = self._factors.get(login_id)
        if factor is not Factor.TOTP and await self._verify(kept.pin_hash, answer):
            return True
        if factor is Factor.PIN or kept.totp_secret is None:
            return False
        timecode = code_timecode(kept.totp_secret, answer, now_ns)
        return timecode is not None and self._factors.use_timecode(login_id, timecode)

    def _check_unchanged(self, client_id: str, client_token: str, password_hash: str) -> None:
        """Raise LoginRefused unless the client is as it was when its password was looked at."""
        now = self._store.get(client_id)
        if now is None or now.disabled:
            raise LoginRefused(LoginRefusal.CHANGED)
        if (now.client_token, now.password_hash) != (client_token, password_hash):
            raise LoginRefused(LoginRefusal.CHANGED)
