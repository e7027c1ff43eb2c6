"""Logins whose password was right and whose second factor is awaited, kept where any gateway finds them.

A ticket is kept as a digest, so that who reads the tables cannot go on with somebody's login.
"""

from typing import Final

import msgspec

from bracketd.auth.client_tables import ClientTables
from bracketd.auth.opaque_token import digest

PENDING_MAX: Final = 10_000
"""So many logins may wait for their second factor; the oldest goes first."""

_COLUMNS: Final = "client_id, client_token, password_hash, device, factor, until_ns"
_SURPLUS: Final = (
    "DELETE FROM pending_login WHERE ticket_sha256 IN"
    " (SELECT ticket_sha256 FROM pending_login ORDER BY until_ns DESC LIMIT 1000000 OFFSET ?)"
)


class Waiting(msgspec.Struct, frozen=True):
    """A login that waits: whose it is, as the client was then, and until when (unix nanoseconds)."""

    client_id: str
    client_token: str
    password_hash: str
    device: str
    factor: str
    until_ns: int

    def __repr__(self) -> str:
        """Name the client, and keep its token and hash out of logs."""
        return f"Waiting(client_id={self.client_id!r}, factor={self.factor!r})"


class PendingLogins:
    """The logins that wait, of one folder or database."""

    def __init__(self, tables: ClientTables) -> None:
        """Keep them there."""
        self._tables = tables

    def keep(self, ticket: str, waiting: Waiting, now_ns: int) -> None:
        """Let a login wait under a new ticket; those whose time is over are forgotten on the way."""
        self._tables.write_all(
            [
                ("DELETE FROM pending_login WHERE until_ns <= ?", (now_ns,)),
                (
                    f"INSERT INTO pending_login (ticket_sha256, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (digest(ticket), *msgspec.structs.astuple(waiting)),
                ),
                (_SURPLUS, (PENDING_MAX,)),
            ]
        )

    def get(self, ticket: str, now_ns: int) -> Waiting | None:
        """What waits under a ticket, None where nothing does any more."""
        rows = self._tables.read(f"SELECT {_COLUMNS} FROM pending_login WHERE ticket_sha256 = ?", (digest(ticket),))
        waiting = Waiting(*rows[0]) if rows else None
        return waiting if waiting is not None and now_ns < waiting.until_ns else None

    def take(self, ticket: str) -> bool:
        """Use a ticket up: true once, at whichever gateway is first."""
        return bool(self._tables.write("DELETE FROM pending_login WHERE ticket_sha256 = ?", (digest(ticket),)))
