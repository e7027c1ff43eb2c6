"""The lockout: after five failures a login id is refused for fifteen minutes, whether or not it is anybody's.

A failure is written down before the guess is looked at and taken back when it was right, so that neither guesses sent
at once nor a restart in the middle buy a sixth try. Ids that nobody has are counted alike: a lock tells nothing.
"""

from typing import Final

from bracketd.auth.client_tables import ClientTables

FAILURES_MAX: Final = 5
"""So many wrong passwords, PINs or codes in a row are borne."""

LOCK_NS: Final = 900 * 1_000_000_000
"""Fifteen minutes after the last failure it is forgotten, and the lock with it."""

_LOGIN_ID_CHARS_MAX: Final = 64


class LockedOut(Exception):
    """Too many failures: nothing is looked at until `wait_ns` nanoseconds from now."""

    def __init__(self, wait_ns: int) -> None:
        """Keep how long the lock lasts."""
        super().__init__("locked out")
        self.wait_ns = wait_ns

    @property
    def wait_s(self) -> int:
        """The wait in whole seconds, rounded up."""
        return -(-self.wait_ns // 1_000_000_000)


class Lockout:
    """Counts failures by login id, durably and for every process on the folder."""

    def __init__(self, file: ClientTables) -> None:
        """Count in this file."""
        self._file = file

    def attempt(self, login_id: str, now_ns: int) -> None:
        """Let one attempt be made, and count it as failed until `forgive` or `clear` says otherwise.

        Raises LockedOut. Rows are forgotten after LOCK_NS, so that their number is bounded by the rate of attempts.
        """
        login_id = _key(login_id)
        if self._file.read("SELECT 1 FROM failed_login WHERE last_ns <= ? LIMIT 1", (now_ns - LOCK_NS,)):
            self._file.write("DELETE FROM failed_login WHERE last_ns <= ?", (now_ns - LOCK_NS,))
        # The bound stands in the statement, so that two processes cannot both take the last attempt.
        taken = self._file.write(
            "INSERT INTO failed_login (login_id, failures, last_ns) VALUES (?, 1, ?) ON CONFLICT (login_id)"
            " DO UPDATE SET failures = failed_login.failures + 1, last_ns = excluded.last_ns"
            " WHERE failed_login.failures < ?",
            (login_id, now_ns, FAILURES_MAX),
        )
        if not taken:
            rows = self._file.read("SELECT last_ns FROM failed_login WHERE login_id = ?", (login_id,))
            last_ns = rows[0][0] if rows else now_ns
            raise LockedOut(max(last_ns + LOCK_NS - now_ns, 1))

    def forgive(self, login_id: str) -> None:
        """Take back one attempt that was right, and leave those before it."""
        self._file.write_all(
            [
                ("UPDATE failed_login SET failures = failures - 1 WHERE login_id = ?", (_key(login_id),)),
                ("DELETE FROM failed_login WHERE login_id = ? AND failures <= 0", (_key(login_id),)),
            ]
        )

    def clear(self, login_id: str) -> None:
        """Forget every failure: somebody logged in whole, or an operator gave a new password."""
        self._file.write("DELETE FROM failed_login WHERE login_id = ?", (_key(login_id),))


def _key(login_id: str) -> str:
    """What is kept of a login id: no client's is longer, and what nobody has need not be kept whole."""
    return login_id[:_LOGIN_ID_CHARS_MAX]
