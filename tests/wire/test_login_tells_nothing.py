"""A login that failed tells nothing: for whatever was wrong the same bytes, after the same number of Argon2 hashes.

Hashes are counted and not timed: each takes tens of milliseconds, which is all that a clock could tell apart.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argon2
import pytest
from tests.auth.cheap_passwords import CHEAP
from tests.wire.doorstep import PASSWORD, PIN, Doorstep
from tests.wire.test_login import LOGIN, TOTP, TWOFA, second

from bracketd.auth.lockout import FAILURES_MAX
from bracketd.auth.second_factor import SecondFactors
from bracketd.wire import replies


class Hashes:
    """How many Argon2 hashes were verified since `count` was last asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        verify: Callable[..., bool] = argon2.PasswordHasher.verify
        self._made = 0

        def counted(hasher: argon2.PasswordHasher, kept: str, password: Any) -> bool:
            # What cannot be parsed is refused without any work: no client may have such a hash.
            assert kept.startswith("$argon2id$")
            self._made += 1
            return verify(hasher, kept, password)

        monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)

    def count(self) -> int:
        """So many, and from nought again."""
        made, self._made = self._made, 0
        return made


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Hashes:
    """The count."""
    return Hashes(monkeypatch)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Doorstep]:
    """Client A at the door; besides SHUT, who is disabled, BARE, who has no second factor, and CODED, without a PIN."""
    made = Doorstep(tmp_path)
    for client in ("SHUT", "BARE", "CODED"):
        made.store.add(client, CHEAP.hash(PASSWORD), 0, 5, 0)
    made.store.set_disabled("SHUT", True)
    factors = SecondFactors(made.store.file)
    factors.set_pin_hash("SHUT", CHEAP.hash(PIN))
    factors.set_totp_secret("CODED", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    yield made
    made.close()


Told = tuple[int, bytes, tuple[tuple[bytes, bytes], ...], int]
"""Status, body, headers and hashes."""


async def told(door: Doorstep, hashes: Hashes, target: str, fields: dict[str, Any]) -> Told:
    """All that one try tells."""
    hashes.count()
    answer = await door.counter.call("POST", target, fields, token=None)
    return answer.status, answer.body, tuple(sorted(answer.headers.items())), hashes.count()


async def test_first_step(door: Doorstep, hashes: Hashes) -> None:
    """Nobody, a wrong password, a disabled client, one without a second factor: the same 401 after one hash."""
    tries = [
        ("NOBODY", "wrong"),
        ("NOBODY", PASSWORD),
        ("not an id at all", PASSWORD),
        ("A", "wrong"),
        ("A", PIN),
        ("SHUT", "wrong"),
        ("SHUT", PASSWORD),
        ("BARE", "wrong"),
        ("BARE", PASSWORD),
    ]
    heard = [await told(door, hashes, LOGIN, {"login_id": each, "password": typed}) for each, typed in tries]
    assert {(status, body, made) for status, body, _, made in heard} == {(401, replies.LOGIN_FAILED.body, 1)}
    assert len(set(heard)) == 1


async def test_second_step(door: Doorstep, hashes: Hashes) -> None:
    """A wrong PIN, a PIN that is right for one disabled meanwhile, a code for a PIN: the same 401 after one hash."""

    async def ticket(client: str) -> str:
        body = {"login_id": client, "password": PASSWORD}
        return str((await door.counter.call("POST", LOGIN, body, token=None)).json()["data"]["twofa"]["twofa_token"])

    heard = [await told(door, hashes, TWOFA, second(await ticket("A"), "0000"))]
    heard.append(await told(door, hashes, TWOFA, second(await ticket("A"), door.code)))
    heard.append(await told(door, hashes, TWOFA, second(await ticket("A"), "0000", type="")))
    heard.append(await told(door, hashes, TWOFA, second(await ticket("CODED"), PIN, login_id="CODED")))
    given = await ticket("A")
    door.store.set_disabled("A", True)
    heard.append(await told(door, hashes, TWOFA, second(given, PIN)))
    heard.append(await told(door, hashes, TWOFA, second(given, "0000")))
    assert {(status, body, made) for status, body, _, made in heard} == {(401, replies.LOGIN_FAILED.body, 1)}
    assert len(set(heard)) == 1


async def test_ticket_that_is_not_ones_own(door: Doorstep, hashes: Hashes) -> None:
    """Without a ticket of that login no PIN or code is looked at: right and wrong ones are one 401 and no hash."""
    tries = [second("never given", answer, login_id=client) for answer in (PIN, "0000") for client in ("A", "NOBODY")]
    heard = [await told(door, hashes, TWOFA, body) for body in tries]
    codes = [{"login_id": "A", "twofa_token": "never given", "totp": code} for code in (door.code, "000000")]
    heard += [await told(door, hashes, TOTP, body) for body in codes]
    assert {(status, body, made) for status, body, _, made in heard} == {(401, replies.LOGIN_FAILED.body, 0)}


async def test_locked(door: Doorstep, hashes: Hashes) -> None:
    """Locked, somebody and nobody, a right password and a wrong one are the same 429, and nothing is hashed."""
    for client in ("A", "NOBODY", "SHUT"):
        for _ in range(FAILURES_MAX):
            await told(door, hashes, LOGIN, {"login_id": client, "password": "wrong"})
    tries = [(client, typed) for client in ("A", "NOBODY", "SHUT") for typed in (PASSWORD, "wrong")]
    heard = [await told(door, hashes, LOGIN, {"login_id": each, "password": typed}) for each, typed in tries]
    assert {(status, body, made) for status, body, _, made in heard} == {(429, replies.TOO_MANY.body, 0)}
    assert len(set(heard)) == 1


async def test_form(door: Doorstep, hashes: Hashes) -> None:
    """On the page client, password, PIN and code may be wrong: the same page, after two hashes each time."""
    page = await door.page("GET", door.target())
    tries = [
        {"password": "wrong"},
        {"answer": "0000"},
        {"password": "wrong", "answer": "0000"},
        {"password": "wrong", "answer": door.code},
        {"login_id": "NOBODY"},
        {"login_id": "NOBODY", "password": "wrong"},
        {"login_id": "SHUT"},
        {"login_id": "SHUT", "answer": "0000"},
        {"login_id": "BARE"},
        {"login_id": "CODED"},
    ]
    heard = []
    for typed in tries:
        if typed.get("login_id", "A") == "A":
            # So many tries of one client's would lock it.
            await door.entrance.at_once("A", PASSWORD, PIN, door.now_ns)
        hashes.count()
        failed = await door.submit(page, **typed)
        shown = failed.text.replace(f'name="login_id" value="{typed.get("login_id", "A")}"', 'name="login_id"')
        heard.append((failed.status, shown, hashes.count()))
    assert {(status, made) for status, _, made in heard} == {(403, 2)}
    assert len(set(heard)) == 1
