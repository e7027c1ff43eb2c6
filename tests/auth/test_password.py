"""Passwords: hashed, verified, and costly to guess whether or not the client exists."""

import argon2
import pytest

from bracketd.auth.password import Passwords


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    """Hashing with the least costs, so that the tests are quick."""
    return Passwords(time_cost=1, memory_kib=8, parallelism=1)


def test_password_is_verified(passwords: Passwords) -> None:
    """The password that was hashed is accepted, another is not."""
    hashed = passwords.hash("correct horse")
    assert passwords.verify(hashed, "correct horse")
    assert not passwords.verify(hashed, "correct horsf")
    assert not passwords.verify(hashed, "")


def test_hash_is_salted_argon2id(passwords: Passwords) -> None:
    """The kept text is Argon2id, without the password and never twice the same."""
    first, second = passwords.hash("correct horse"), passwords.hash("correct horse")
    assert first != second
    assert first.startswith("$argon2id$")
    assert "horse" not in first


def test_salt_comes_from_the_given_randomness() -> None:
    """With the same random bytes the hash is the same: chance is a parameter."""
    hashes = {
        Passwords(time_cost=1, memory_kib=8, parallelism=1, random_bytes=lambda count: b"s" * count).hash("pw")
        for _ in range(2)
    }
    assert len(hashes) == 1


def test_unknown_client_costs_the_same(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a client that does not exist one hash of the same costs is verified, and the answer is no."""
    verified: list[argon2.Parameters] = []
    genuine = argon2.PasswordHasher.verify

    def watched(hasher: argon2.PasswordHasher, hashed: str, password: bytes) -> bool:
        verified.append(argon2.extract_parameters(hashed))
        return genuine(hasher, hashed, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    assert passwords.verify(passwords.hash("pw"), "pw")
    assert not passwords.verify(None, "pw")
    known, unknown = verified
    assert known == unknown


def test_unknown_client_is_refused_even_its_own_password() -> None:
    """Not even the password behind the stand-in hash opens a client that does not exist."""
    predictable = Passwords(time_cost=1, memory_kib=8, parallelism=1, random_bytes=lambda count: b"r" * count)
    assert not predictable.verify(None, (b"r" * 32).hex())


@pytest.mark.parametrize("hashed", ["", "no hash", "$argon2id$v=19$m=8,t=1,p=1$x"])
def test_broken_hash_opens_nothing(passwords: Passwords, hashed: str) -> None:
    """A kept text that is no hash matches no password."""
    assert not passwords.verify(hashed, "pw")


def test_any_text_is_a_password(passwords: Passwords) -> None:
    """Letters of any script, and even a lone surrogate, are hashed and verified like others."""
    for password in ("गुप्त शब्द", "\ud800", "x" * 10_000):
        assert passwords.verify(passwords.hash(password), password)


def test_old_costs_ask_for_a_new_hash(passwords: Passwords) -> None:
    """A hash of today's costs is kept, one of other costs asks to be made again."""
    hashed = passwords.hash("pw")
    assert not passwords.needs_rehash(hashed)
    assert Passwords(time_cost=2, memory_kib=8, parallelism=1).needs_rehash(hashed)


def test_default_costs_are_not_the_least() -> None:
    """Unless told otherwise a hash costs at least what RFC 9106 recommends for little memory: 64 MiB, three passes."""
    parameters = argon2.extract_parameters(Passwords().hash("pw"))
    assert parameters.memory_cost >= 65_536
    assert parameters.time_cost >= 3
