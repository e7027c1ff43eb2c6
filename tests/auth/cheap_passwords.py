"""Passwords with the least costs of Argon2, and a count of the hashes that were verified."""

from bracketd.auth.password import Passwords

CHEAP = Passwords(time_cost=1, memory_kib=8, parallelism=1)


class CountedVerify:
    """Passwords.verify as a coroutine; `hashes` are those that were given to it, None for nobody's."""

    def __init__(self) -> None:
        self.hashes: list[str | None] = []

    async def __call__(self, password_hash: str | None, password: str) -> bool:
        """Verify, and count."""
        self.hashes.append(password_hash)
        return CHEAP.verify(password_hash, password)
