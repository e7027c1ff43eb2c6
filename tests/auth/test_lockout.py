"""The lockout: five failures, fifteen minutes, whoever is asked for and whichever process counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bracketd.auth.client_store import ClientStore
from bracketd.auth.clients_file import ClientsFile
from bracketd.auth.lockout import FAILURES_MAX, LOCK_NS, LockedOut, Lockout


@pytest.fixture
def lockout(store: ClientStore) -> Lockout:
    """A lockout that has counted nothing."""
    return Lockout(store.file)


@pytest.fixture
def elsewhere(tmp_path: Path, store: ClientStore) -> Iterator[Lockout]:
    """The same lockout as another process has it."""
    file = ClientsFile(tmp_path)
    yield Lockout(file)
    file.close()


def fail(lockout: Lockout, times: int, now_ns: int, login_id: str = "CLIENT1") -> None:
    """Let so many attempts fail."""
    for _ in range(times):
        lockout.attempt(login_id, now_ns)


def wait_ns(lockout: Lockout, now_ns: int, login_id: str = "CLIENT1") -> int:
    """How long the id is locked for."""
    with pytest.raises(LockedOut) as caught:
        lockout.attempt(login_id, now_ns)
    return caught.value.wait_ns


def test_the_stated_numbers() -> None:
    """Five failures lock for fifteen minutes."""
    assert (FAILURES_MAX, LOCK_NS) == (5, 15 * 60 * 10**9)


def test_sixth_attempt_is_locked_out(lockout: Lockout, now_ns: int) -> None:
    """Five failures are borne; from then on, and to the end of fifteen minutes, nothing is."""
    fail(lockout, FAILURES_MAX, now_ns)
    assert wait_ns(lockout, now_ns) == LOCK_NS
    assert wait_ns(lockout, now_ns + LOCK_NS - 1) == 1


def test_attempts_while_locked_do_not_prolong_it(lockout: Lockout, now_ns: int) -> None:
    """The lock ends fifteen minutes after the fifth failure, however often it was tried against."""
    fail(lockout, FAILURES_MAX, now_ns)
    for minute in range(15):
        wait_ns(lockout, now_ns + minute * 60 * 10**9)
    fail(lockout, FAILURES_MAX, now_ns + LOCK_NS)
    wait_ns(lockout, now_ns + LOCK_NS)


def test_failures_are_forgotten_after_fifteen_quiet_minutes(lockout: Lockout, now_ns: int) -> None:
    """Four failures and fifteen minutes without one leave five more."""
    fail(lockout, FAILURES_MAX - 1, now_ns)
    fail(lockout, FAILURES_MAX, now_ns + LOCK_NS)
    wait_ns(lockout, now_ns + LOCK_NS)


def test_one_id_locks_no_other(lockout: Lockout, now_ns: int) -> None:
    """Each login id has failures of its own, in another case included."""
    fail(lockout, FAILURES_MAX, now_ns)
    fail(lockout, 1, now_ns, "client1")
    fail(lockout, 1, now_ns, "CLIENT2")


def test_nobody_is_locked_like_somebody(lockout: Lockout, now_ns: int) -> None:
    """An id that no client has, and one that none can have, is locked after as many failures for as long."""
    for login_id in ("NOBODY", "no such id " * 100, ""):
        fail(lockout, FAILURES_MAX, now_ns, login_id)
        assert wait_ns(lockout, now_ns, login_id) == LOCK_NS


def test_failures_are_counted_across_processes_and_restarts(
    lockout: Lockout, elsewhere: Lockout, tmp_path: Path, now_ns: int
) -> None:
    """Failures of two processes add up, and a third that opens the file later finds the lock."""
    fail(lockout, 3, now_ns)
    fail(elsewhere, 2, now_ns)
    wait_ns(lockout, now_ns)
    wait_ns(elsewhere, now_ns)
    file = ClientsFile(tmp_path)
    assert wait_ns(Lockout(file), now_ns) == LOCK_NS
    file.close()


def test_forgiven_attempt_leaves_the_failures_before_it(lockout: Lockout, now_ns: int) -> None:
    """A right step takes back its own attempt and none of the others."""
    fail(lockout, FAILURES_MAX - 1, now_ns)
    for _ in range(20):
        lockout.attempt("CLIENT1", now_ns)
        lockout.forgive("CLIENT1")
    fail(lockout, 1, now_ns)
    wait_ns(lockout, now_ns)


def test_cleared_id_starts_anew(lockout: Lockout, now_ns: int) -> None:
    """After a whole login, or by an operator's hand, all failures are forgotten, and only that id's."""
    fail(lockout, FAILURES_MAX, now_ns)
    fail(lockout, FAILURES_MAX, now_ns, "CLIENT2")
    lockout.clear("CLIENT1")
    fail(lockout, FAILURES_MAX, now_ns)
    wait_ns(lockout, now_ns, "CLIENT2")


def test_rows_do_not_pile_up(lockout: Lockout, store: ClientStore, now_ns: int) -> None:
    """What is older than fifteen minutes is removed by the next attempt, whoever makes it."""
    for number in range(20):
        fail(lockout, 1, now_ns, f"guess {number}")
    fail(lockout, 1, now_ns + LOCK_NS, "another")
    assert store.file.read("SELECT login_id FROM failed_login") == [("another",)]


def test_wait_is_told_in_whole_seconds() -> None:
    """A wait is rounded up: who comes back after it is not sent away again."""
    assert [LockedOut(wait).wait_s for wait in (1, 10**9, 10**9 + 1)] == [1, 1, 2]
