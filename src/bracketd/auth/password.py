"""Passwords are kept as Argon2id hashes, and a guess at an unknown client costs what a guess at a known one does."""

import secrets
from collections.abc import Callable

import argon2
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Hashes and verifies passwords with one set of Argon2id costs; the defaults are argon2-cffi's (RFC 9106).

    One hash takes tens of milliseconds and `memory_kib` of memory: a server calls it from a thread, few at a time.
    """

    def __init__(
        self,
        *,
        time_cost: int = argon2.DEFAULT_TIME_COST,
        memory_kib: int = argon2.DEFAULT_MEMORY_COST,
        parallelism: int = argon2.DEFAULT_PARALLELISM,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Make the hash that stands in for unknown clients; this itself takes the time of one hash."""
        self._hasher = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        self._random_bytes = random_bytes
        self._nobody_hash = self.hash(random_bytes(32).hex())

    def hash(self, password: str) -> str:
        """The hash of a password in PHC text form, with its costs and a fresh 16-byte salt."""
        return self._hasher.hash(_octets(password), salt=self._random_bytes(16))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is the one that was hashed; None stands for a client that does not exist.

        For None the same work is done on a hash nobody has the password of, so that time tells nothing.
        """
        try:
            self._hasher.verify(password_hash or self._nobody_hash, _octets(password))
        except (VerificationError, InvalidHashError):
            return False
        return bool(password_hash)

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other costs than today's; rehash it at the next good login."""
        return self._hasher.check_needs_rehash(password_hash)


def _octets(password: str) -> bytes:
    """UTF-8 of a password; a lone surrogate, which JSON can carry, is a wrong password and not a fault."""
    return password.encode("utf-8", "surrogatepass")
