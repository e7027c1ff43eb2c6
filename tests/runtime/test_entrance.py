"""The entrance: two hashes at a time, the rest in a queue that has an end."""

import asyncio
import threading
from pathlib import Path

import pytest
from tests.auth.cheap_passwords import CHEAP

from bracketd.auth.client_store import ClientStore
from bracketd.auth.lockout import FAILURES_MAX, LockedOut
from bracketd.auth.login import LoginRefused
from bracketd.auth.password import Passwords
from bracketd.runtime.entrance import HASHES_AT_ONCE, WAITING_MAX, Busy, Entrance


class SlowPasswords(Passwords):
    """Hashing that waits to be released, and counts how many do at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_kib=8, parallelism=1)
        self.begun = threading.Semaphore(0)
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.hashing = 0
        self.hashing_max = 0
        self.threads: set[int] = set()

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Wait, then verify."""
        with self.lock:
            self.hashing += 1
            self.hashing_max = max(self.hashing, self.hashing_max)
            self.threads.add(threading.get_ident())
        self.begun.release()
        self.released.wait(10)
        with self.lock:
            self.hashing -= 1
        return super().verify(password_hash, password)


async def test_two_hash_at_once_and_the_queue_ends(tmp_path: Path) -> None:
    """However many come, two are hashed for at a time, beside the event loop; the one too many is sent away."""
    passwords = SlowPasswords()
    with ClientStore(tmp_path) as store:
        entrance = Entrance(store, bytes(32), passwords)
        waiting = [
            asyncio.ensure_future(entrance.password(f"N{number}", "x", "web", 1)) for number in range(WAITING_MAX)
        ]
        for _ in range(HASHES_AT_ONCE):
            assert await asyncio.to_thread(passwords.begun.acquire, timeout=10)
        with pytest.raises(Busy):
            await entrance.password("LATE", "x", "web", 1)
        assert store.file.read("SELECT count(*) FROM failed_login") == [(HASHES_AT_ONCE,)]
        passwords.released.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {LoginRefused}
    assert passwords.hashing_max == HASHES_AT_ONCE
    assert threading.get_ident() not in passwords.threads


async def test_guesses_sent_at_once_are_locked_out(tmp_path: Path) -> None:
    """Of twenty guesses that come at once five are looked at."""
    with ClientStore(tmp_path) as store:
        entrance = Entrance(store, bytes(32), CHEAP)
        guesses = (entrance.at_once("NOBODY", f"guess {number}", "0000", 1) for number in range(20))
        results = await asyncio.gather(*guesses, return_exceptions=True)
    kinds = [type(result) for result in results]
    assert (kinds.count(LoginRefused), kinds.count(LockedOut)) == (FAILURES_MAX, 20 - FAILURES_MAX)
