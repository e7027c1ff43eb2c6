"""Clients in a database: what one gateway changes another sees, and a database that does not answer lets nobody in."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.postgres_server import PostgresServer

from bracketd.auth import clients_database
from bracketd.auth.client_store import ClientStore
from bracketd.auth.client_tables import ClientsUnavailable
from bracketd.auth.clients_database import ClientsDatabase
from bracketd.auth.gate import Gate
from bracketd.auth.issuing import issue_for
from bracketd.auth.lockout import FAILURES_MAX, LockedOut, Lockout
from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.signing_key import SigningKeyError
from bracketd.auth.token import verify

HOUR_NS = 3_600 * 10**9


@pytest.fixture
def here(postgres_address: str, now_ns: int) -> Iterator[ClientStore]:
    """One gateway's store, in which CLIENT1 has an account."""
    with ClientStore(ClientsDatabase(postgres_address)) as store:
        store.add("CLIENT1", "a hash", 1_000_000_00, 5, now_ns)
        yield store


@pytest.fixture
def there(here: ClientStore, postgres_address: str) -> Iterator[ClientStore]:
    """Another gateway's store of the same clients."""
    with ClientStore(ClientsDatabase(postgres_address)) as store:
        yield store


def within(seconds: float, holds: Callable[[], bool]) -> float:
    """The seconds until something holds; fails after so many."""
    began_s = time.monotonic()
    while not holds():
        assert time.monotonic() - began_s < seconds, "it never came"
        time.sleep(0.01)
    return time.monotonic() - began_s


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda store, claims: store.revoke(claims.blacklist_key, claims.exp_ms), Refusal.REVOKED),
        (lambda store, claims: store.rotate("CLIENT1"), Refusal.CLIENT_TOKEN_ROTATED),
        (lambda store, claims: store.set_disabled("CLIENT1", True), Refusal.CLIENT_DISABLED),
    ],
)
def test_session_ended_there_is_ended_here(
    here: ClientStore, there: ClientStore, key: bytes, now_ns: int, change: Callable[..., object], refusal: Refusal
) -> None:
    """A token that one gateway remembers is refused soon after another has ended it, and the reason is the true one."""
    gate = Gate(here, key)
    token = issue_for(here, key, "CLIENT1", HOUR_NS, "web", now_ns)
    claims = gate.admit(token, now_ns)
    change(there, claims)

    def refused() -> bool:
        try:
            gate.admit(token, now_ns)
        except Unauthorised as fault:
            reasons.append(fault.reason)
        return bool(reasons)

    reasons: list[Refusal] = []
    within(5, refused)
    assert reasons == [refusal]


def test_what_ends_nobodys_session_moves_no_version(here: ClientStore, there: ClientStore, now_ns: int) -> None:
    """A failed login at one gateway makes no other look at every token again."""
    within(5, lambda: here.version()[0] == 2)
    before = here.version()
    Lockout(there.file).attempt("somebody", now_ns)
    time.sleep(2 * clients_database.POLL_S)
    assert here.version() == before


def test_one_key_for_all(postgres_address: str) -> None:
    """Gateways that start together on a new database sign with one key, and know each other's tokens."""

    def opened(_: int) -> bytes:
        tables = ClientsDatabase(postgres_address)
        try:
            return tables.signing_key()
        finally:
            tables.close()

    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(opened, range(4)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32


def test_key_that_is_none(here: ClientStore) -> None:
    """A key of another length signs nothing."""
    assert isinstance(here.file, ClientsDatabase)
    here.file.write("INSERT INTO signing_key VALUES (1, ?)", (b"short",))
    with pytest.raises(SigningKeyError):
        here.file.signing_key()


def test_token_of_one_gateway_opens_another(here: ClientStore, there: ClientStore, now_ns: int) -> None:
    """Whoever logged in at one gateway is known at all."""
    assert isinstance(here.file, ClientsDatabase)
    assert isinstance(there.file, ClientsDatabase)
    token = issue_for(here, here.file.signing_key(), "CLIENT1", HOUR_NS, "web", now_ns)
    gate = Gate(there, there.file.signing_key())
    assert gate.admit(token, now_ns).client_id == "CLIENT1"
    with pytest.raises(Unauthorised):
        verify(bytes(32), token, now_ns, gate)


@pytest.mark.parametrize("login_id", ["a\0b", "half \ud83d a face", "'; DROP TABLE client"])
def test_names_that_a_database_cannot_hold(here: ClientStore, now_ns: int, login_id: str) -> None:
    """Names with what PostgreSQL cannot store are nobody's, and are counted like any other."""
    assert here.get(login_id) is None
    lockout = Lockout(here.file)
    for _ in range(FAILURES_MAX):
        lockout.attempt(login_id, now_ns)
    with pytest.raises(LockedOut):
        lockout.attempt(login_id, now_ns)


def test_database_that_goes_and_comes(
    here: ClientStore,
    key: bytes,
    now_ns: int,
    postgres_server: PostgresServer,
    postgres_address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the database is away, who was let in before is so a moment longer, then nobody is; then it is back."""
    monkeypatch.setattr(clients_database, "STANDING_S", 1.0)
    name = postgres_address.rpartition("/")[2]
    gate = Gate(here, key)
    token = issue_for(here, key, "CLIENT1", HOUR_NS, "web", now_ns)
    gate.admit(token, now_ns)

    def let_in() -> bool:
        try:
            gate.admit(token, now_ns)
        except ClientsUnavailable:
            return False
        return True

    postgres_server.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres_server.psql(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'")
    assert let_in()
    assert within(5, lambda: not let_in()) > 0.3
    for ask in (lambda: here.get("CLIENT1"), lambda: here.rotate("CLIENT1"), here.version):
        began_s = time.monotonic()
        with pytest.raises(ClientsUnavailable):
            ask()
        assert time.monotonic() - began_s < 0.1, "known to be away, it is not waited for"
    postgres_server.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    within(10, let_in)
    assert here.get("CLIENT1") is not None


def test_wait_cut_short(here: ClientStore, postgres_server: PostgresServer, postgres_address: str) -> None:
    """A change that is on one disk alone is no change that was made: its caller hears so."""
    name = postgres_address.rpartition("/")[2]
    postgres_server.psql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    postgres_server.psql("SELECT pg_reload_conf()")
    try:
        time.sleep(0.2)
        with ThreadPoolExecutor(1) as pool:
            rotating = pool.submit(here.rotate, "CLIENT1")
            waiting = f"SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = '{name}'"
            within(5, lambda: bool(postgres_server.psql(waiting)))
            postgres_server.psql(f"SELECT pg_cancel_backend(({waiting}))")
            with pytest.raises(ClientsUnavailable):
                rotating.result(5)
    finally:
        postgres_server.psql("ALTER SYSTEM SET synchronous_standby_names = ''")
        postgres_server.psql("SELECT pg_reload_conf()")


def test_database_without_clients(postgres_address: str) -> None:
    """Where no tables may be made, a database without them is said to be one."""
    with pytest.raises(ClientsUnavailable, match="holds no clients"):
        ClientsDatabase(postgres_address, make=False)


def test_closed_twice(postgres_address: str) -> None:
    """A database may be closed twice; asked after that it refuses."""
    tables = ClientsDatabase(postgres_address)
    tables.close()
    tables.close()
