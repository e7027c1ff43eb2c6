"""Logging in: right with both factors, and otherwise the same refusal, work and count whatever was wrong."""

import asyncio
import contextlib

import pyotp
import pytest
from tests.auth.cheap_passwords import CHEAP, CountedVerify

from bracketd.auth.client_store import ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.lockout import FAILURES_MAX, LOCK_NS, LockedOut, Lockout
from bracketd.auth.login import PENDING_NS, Factor, LoginRefusal, LoginRefused, Logins, Pending
from bracketd.auth.pending_login import PendingLogins
from bracketd.auth.second_factor import SecondFactors
from bracketd.auth.token import login_expiry_ms

PASSWORD, PIN, SECRET = "correct horse", "2468", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture
def verify() -> CountedVerify:
    """What counts the hashes."""
    return CountedVerify()


@pytest.fixture
def logins(store: ClientStore, key: bytes, verify: CountedVerify) -> Logins:
    """The logins of a folder in which CLIENT1 has a password, a PIN and an authenticator."""
    store.set_password_hash("CLIENT1", CHEAP.hash(PASSWORD))
    factors = SecondFactors(store.file)
    factors.set_pin_hash("CLIENT1", CHEAP.hash(PIN))
    factors.set_totp_secret("CLIENT1", SECRET)
    return Logins(store, key, verify)


def code(now_ns: int) -> str:
    """What the authenticator shows."""
    return pyotp.TOTP(SECRET).at(now_ns // 10**9)


async def first(logins: Logins, now_ns: int) -> Pending:
    """The first step, right."""
    return await logins.password("CLIENT1", PASSWORD, "web", now_ns)


async def reason_of_first(
    logins: Logins, now_ns: int, login_id: str = "CLIENT1", password: str = "wrong"
) -> LoginRefusal:
    """Why the first step was refused."""
    with pytest.raises(LoginRefused) as caught:
        await logins.password(login_id, password, "web", now_ns)
    return caught.value.reason


async def reason_of_second(
    logins: Logins, ticket: str, answer: str, now_ns: int, factor: Factor = Factor.EITHER, login_id: str = "CLIENT1"
) -> LoginRefusal:
    """Why the second step was refused."""
    with pytest.raises(LoginRefused) as caught:
        await logins.second_factor(ticket, login_id, answer, factor, now_ns)
    return caught.value.reason


@pytest.mark.parametrize("factor", [Factor.PIN, Factor.EITHER])
async def test_password_and_pin(logins: Logins, store: ClientStore, key: bytes, now_ns: int, factor: Factor) -> None:
    """Password and PIN give a token of that client and device, as long as a login's."""
    pending = await logins.password("CLIENT1", PASSWORD, "mobile", now_ns)
    token = await logins.second_factor(pending.ticket, "CLIENT1", PIN, factor, now_ns + 1)
    claims = Gate(store, key).admit(token, now_ns + 1)
    assert (claims.client_id, claims.device, claims.exp_ms) == ("CLIENT1", "mobile", login_expiry_ms(now_ns + 1))


@pytest.mark.parametrize("factor", [Factor.TOTP, Factor.EITHER])
async def test_password_and_totp(logins: Logins, store: ClientStore, key: bytes, now_ns: int, factor: Factor) -> None:
    """Password and a code of the authenticator give a token."""
    pending = await first(logins, now_ns)
    token = await logins.second_factor(pending.ticket, "CLIENT1", code(now_ns), factor, now_ns)
    assert Gate(store, key).admit(token, now_ns).client_id == "CLIENT1"


async def test_type_is_held_to(logins: Logins, now_ns: int) -> None:
    """A PIN said to be a code is wrong, and so is a code said to be a PIN, which then is still unused."""
    ticket = (await first(logins, now_ns)).ticket
    assert await reason_of_second(logins, ticket, PIN, now_ns, Factor.TOTP) is LoginRefusal.WRONG_ANSWER
    assert await reason_of_second(logins, ticket, code(now_ns), now_ns, Factor.PIN) is LoginRefusal.WRONG_ANSWER
    assert await logins.second_factor(ticket, "CLIENT1", code(now_ns), Factor.TOTP, now_ns)


async def test_replayed_code(logins: Logins, store: ClientStore, key: bytes, now_ns: int) -> None:
    """A code that let somebody in lets nobody in again, in another login, in the form, or after a restart."""
    ticket = (await first(logins, now_ns)).ticket
    await logins.second_factor(ticket, "CLIENT1", code(now_ns), Factor.TOTP, now_ns)
    for again in (logins, Logins(store, key, CountedVerify())):
        ticket = (await first(again, now_ns)).ticket
        assert await reason_of_second(again, ticket, code(now_ns), now_ns) is LoginRefusal.WRONG_ANSWER
        with pytest.raises(LoginRefused):
            await again.at_once("CLIENT1", PASSWORD, code(now_ns), now_ns)


async def test_code_is_not_used_up_without_the_password(logins: Logins, now_ns: int) -> None:
    """Who has a code but not the password neither gets in nor spoils the code."""
    with pytest.raises(LoginRefused):
        await logins.at_once("CLIENT1", "wrong", code(now_ns), now_ns)
    assert (await logins.at_once("CLIENT1", PASSWORD, code(now_ns), now_ns)).client_id == "CLIENT1"


@pytest.mark.parametrize("answer", [PIN, "code"])
async def test_both_at_once(logins: Logins, now_ns: int, answer: str) -> None:
    """The form's one step takes the PIN or a code."""
    given = code(now_ns) if answer == "code" else answer
    assert (await logins.at_once("CLIENT1", PASSWORD, given, now_ns)).client_id == "CLIENT1"


async def test_unknown_client_is_a_wrong_password(logins: Logins, verify: CountedVerify, now_ns: int) -> None:
    """Nobody and a wrong password are refused for one reason, after one hash each."""
    assert await reason_of_first(logins, now_ns) is await reason_of_first(logins, now_ns, "NOBODY")
    assert len(verify.hashes) == 2
    assert verify.hashes[1] is None


async def test_form_costs_two_hashes_whatever_is_wrong(logins: Logins, verify: CountedVerify, now_ns: int) -> None:
    """In the form the client, the password or the PIN may be wrong: each time two hashes are verified."""
    tries = [("NOBODY", "x", "y"), ("CLIENT1", "wrong", PIN), ("CLIENT1", PASSWORD, "0000"), ("CLIENT1", PASSWORD, PIN)]
    counts = []
    for login_id, password, answer in tries:
        verify.hashes.clear()
        with contextlib.suppress(LoginRefused):
            await logins.at_once(login_id, password, answer, now_ns)
        counts.append(len(verify.hashes))
    assert counts == [2, 2, 2, 2]


async def test_disabled_client(logins: Logins, store: ClientStore, verify: CountedVerify, now_ns: int) -> None:
    """A disabled client is refused with the right password, after the same hash, at each step."""
    pending = await first(logins, now_ns)
    store.set_disabled("CLIENT1", True)
    verify.hashes.clear()
    assert await reason_of_first(logins, now_ns, password=PASSWORD) is LoginRefusal.DISABLED
    assert len(verify.hashes) == 1
    assert await reason_of_second(logins, pending.ticket, PIN, now_ns) is LoginRefusal.CHANGED
    with pytest.raises(LoginRefused):
        await logins.at_once("CLIENT1", PASSWORD, PIN, now_ns)


async def test_change_between_the_steps(logins: Logins, store: ClientStore, now_ns: int) -> None:
    """A rotation or a new password after the first step ends it: who knew the old one gets no token."""
    pending = await first(logins, now_ns)
    store.rotate("CLIENT1")
    assert await reason_of_second(logins, pending.ticket, PIN, now_ns) is LoginRefusal.CHANGED
    pending = await first(logins, now_ns)
    store.set_password_hash("CLIENT1", CHEAP.hash("another"))
    assert await reason_of_second(logins, pending.ticket, PIN, now_ns) is LoginRefusal.CHANGED


async def test_ticket_is_one_clients_for_five_minutes_and_once(logins: Logins, store: ClientStore, now_ns: int) -> None:
    """A ticket opens nothing for another login id, after five minutes, once used, or when it was never given."""
    store.add("CLIENT2", CHEAP.hash("x"), 0, 5, 0)
    SecondFactors(store.file).set_pin_hash("CLIENT2", CHEAP.hash(PIN))
    ticket = (await first(logins, now_ns)).ticket
    not_pending = LoginRefusal.NOT_PENDING
    assert await reason_of_second(logins, ticket, PIN, now_ns, login_id="CLIENT2") is not_pending
    assert await reason_of_second(logins, "never given", PIN, now_ns) is not_pending
    assert await logins.second_factor(ticket, "CLIENT1", PIN, Factor.PIN, now_ns + PENDING_NS - 1)
    assert await reason_of_second(logins, ticket, PIN, now_ns) is not_pending
    ticket = (await first(logins, now_ns)).ticket
    assert await reason_of_second(logins, ticket, PIN, now_ns + PENDING_NS) is not_pending


async def test_wrong_answer_may_be_corrected(logins: Logins, now_ns: int) -> None:
    """After a wrong PIN the same ticket takes the right one."""
    ticket = (await first(logins, now_ns)).ticket
    assert await reason_of_second(logins, ticket, "0000", now_ns) is LoginRefusal.WRONG_ANSWER
    assert await logins.second_factor(ticket, "CLIENT1", PIN, Factor.PIN, now_ns)


async def test_client_without_a_second_factor(logins: Logins, store: ClientStore, now_ns: int) -> None:
    """A password alone opens nothing: a client that has no second factor cannot log in, by either way."""
    store.add("PLAIN", CHEAP.hash(PASSWORD), 0, 5, 0)
    assert await reason_of_first(logins, now_ns, "PLAIN", PASSWORD) is LoginRefusal.NO_SECOND_FACTOR
    for answer in ("", "000000"):
        with pytest.raises(LoginRefused):
            await logins.at_once("PLAIN", PASSWORD, answer, now_ns)


async def test_only_an_authenticator(logins: Logins, store: ClientStore, now_ns: int) -> None:
    """A client without a PIN is asked for a code, and no PIN is right for it."""
    store.add("TOTP1", CHEAP.hash(PASSWORD), 0, 5, 0)
    SecondFactors(store.file).set_totp_secret("TOTP1", SECRET)
    pending = await logins.password("TOTP1", PASSWORD, "web", now_ns)
    assert pending.factor is Factor.TOTP
    assert await reason_of_second(logins, pending.ticket, PIN, now_ns, login_id="TOTP1") is LoginRefusal.WRONG_ANSWER
    assert await logins.second_factor(pending.ticket, "TOTP1", code(now_ns), Factor.EITHER, now_ns)


async def test_passwords_are_locked_out(logins: Logins, verify: CountedVerify, now_ns: int) -> None:
    """After five wrong passwords the right one is not even looked at, for fifteen minutes."""
    for _ in range(FAILURES_MAX):
        await reason_of_first(logins, now_ns)
    verify.hashes.clear()
    for attempt in (first(logins, now_ns), logins.at_once("CLIENT1", PASSWORD, PIN, now_ns)):
        with pytest.raises(LockedOut):
            await attempt
    assert verify.hashes == []
    assert (await first(logins, now_ns + LOCK_NS)).client.client_id == "CLIENT1"


async def test_pins_are_locked_out_whatever_the_password_step_says(logins: Logins, now_ns: int) -> None:
    """Logging in with the password again and again between wrong PINs buys no further PIN."""
    for _ in range(FAILURES_MAX):
        ticket = (await first(logins, now_ns)).ticket
        await reason_of_second(logins, ticket, "0000", now_ns)
    with pytest.raises(LockedOut):
        await logins.second_factor(ticket, "CLIENT1", PIN, Factor.PIN, now_ns)
    with pytest.raises(LockedOut):
        await first(logins, now_ns)


async def test_whole_login_forgives(logins: Logins, now_ns: int) -> None:
    """Both factors right forget the failures before, by either way."""
    for _ in range(3):
        for _ in range(FAILURES_MAX - 1):
            await reason_of_first(logins, now_ns)
        await logins.at_once("CLIENT1", PASSWORD, PIN, now_ns)
        for _ in range(FAILURES_MAX - 1):
            await reason_of_first(logins, now_ns)
        ticket = (await first(logins, now_ns)).ticket
        await logins.second_factor(ticket, "CLIENT1", PIN, Factor.PIN, now_ns)


async def test_guesses_sent_at_once_are_counted_before_they_are_judged(
    store: ClientStore, key: bytes, logins: Logins, now_ns: int
) -> None:
    """While a guess is being hashed it counts as failed already, so that guessing in parallel buys no further try."""
    seen: list[int] = []

    async def slow(password_hash: str | None, password: str) -> bool:
        with contextlib.suppress(LockedOut):
            while True:
                Lockout(store.file).attempt("CLIENT1", now_ns)
                seen.append(1)
        return False

    assert await reason_of_first(Logins(store, key, slow), now_ns) is LoginRefusal.WRONG_PASSWORD
    assert len(seen) == FAILURES_MAX - 1


async def test_pending_logins_are_bounded(logins: Logins, now_ns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for two, the login that waits longest is forgotten."""
    monkeypatch.setattr("bracketd.auth.pending_login.PENDING_MAX", 2)
    tickets = [(await first(logins, now_ns + later)).ticket for later in range(3)]
    assert await reason_of_second(logins, tickets[0], PIN, now_ns) is LoginRefusal.NOT_PENDING
    assert await logins.second_factor(tickets[1], "CLIENT1", PIN, Factor.PIN, now_ns)


async def test_steps_at_two_gateways(
    logins: Logins, store: ClientStore, key: bytes, verify: CountedVerify, now_ns: int
) -> None:
    """The second factor may be given to another process than the password was, and makes one token of a ticket."""
    elsewhere = Logins(store, key, verify)
    ticket = (await first(logins, now_ns)).ticket
    outcomes = await asyncio.gather(
        *(each.second_factor(ticket, "CLIENT1", PIN, Factor.PIN, now_ns) for each in (elsewhere, logins)),
        return_exceptions=True,
    )
    assert sorted(type(outcome) for outcome in outcomes if not isinstance(outcome, str)) == [LoginRefused]
    assert store.file.read("SELECT * FROM pending_login") == []


async def test_waiting_login_keeps_no_ticket(logins: Logins, store: ClientStore, now_ns: int) -> None:
    """Who reads the tables cannot go on with a login that waits, and its record tells a log nothing."""
    ticket = (await first(logins, now_ns)).ticket
    assert ticket not in repr(store.file.read("SELECT * FROM pending_login"))
    waiting = PendingLogins(store.file).get(ticket, now_ns)
    assert repr(waiting) == "Waiting(client_id='CLIENT1', factor='PIN')"


async def test_ticket_stays_out_of_logs(logins: Logins, now_ns: int) -> None:
    """The repr of a waiting login names the client and not the ticket."""
    assert repr(await first(logins, now_ns)) == "Pending(client_id='CLIENT1', factor=PIN)"
