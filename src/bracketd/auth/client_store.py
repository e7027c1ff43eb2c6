"""Clients and revoked tokens, in tables that servers and the command line use at the same time."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from bracketd.auth.client_tables import ClientStoreError, ClientTables, Version
from bracketd.auth.clients_file import ClientsFile
from bracketd.auth.token import unpadded_base64

REVOKED_KEPT_MS: Final = 86_400_000
"""A revoked key outlives its token by a day, so that a clock set back by less wakes no token."""

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_]{1,32}")
_COLUMNS: Final = "client_id, password_hash, cash_paise, leverage, client_token, created_ns, disabled"


class BadClientId(ClientStoreError):
    """A client id is not 1 to 32 letters, digits and underscores of ASCII."""


class ClientExists(ClientStoreError):
    """A client of this id is there already."""


class UnknownClient(ClientStoreError):
    """There is no client of this id."""


class ClientRecord(msgspec.Struct, frozen=True):
    """One client: cash in paise, `leverage` as a divisor of margin, `created_ns` in unix nanoseconds.

    `client_token` is the present generation of its tokens: those issued under another one are no longer good.
    """

    client_id: str
    password_hash: str
    cash_paise: int
    leverage: int
    client_token: str
    created_ns: int
    disabled: bool

    def __repr__(self) -> str:
        """Name the client, and keep its password hash and token out of logs."""
        return f"ClientRecord(client_id={self.client_id!r}, cash_paise={self.cash_paise}, disabled={self.disabled})"


class ClientStore:
    """The clients of one data folder, or of a database; every change is durable when its call returns.

    Any number of processes may have the same tables open. One instance is used by one thread at a time. Besides the
    errors named, calls raise ClientsUnavailable for a database that does not answer and for a folder whose disk has
    refused, and apsw.Error when another process blocks the file for five seconds.
    """

    def __init__(
        self,
        place: Path | ClientTables,
        vfs: str | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Open `clients.db` in a folder, making both if needed, or take tables that are open and close them at the end.

        `vfs` names an SQLite VFS other than the default.

        Raises UnknownFormat for a file of a newer bracketd or one that holds something else.
        """
        self.file: ClientTables = ClientsFile(place, vfs) if isinstance(place, Path) else place
        self._random_bytes = random_bytes

    def __enter__(self) -> Self:
        """Give the open store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the tables; the store cannot be used any more."""
        self.file.close()

    def version(self) -> Version:
        """A value that differs after every change, by whichever process: see `ClientTables.version`."""
        return self.file.version()

    def add(self, client_id: str, password_hash: str, cash_paise: int, leverage: int, now_ns: int) -> ClientRecord:
        """Open an account with a fresh client_token; clients_file.LEVERAGE_DEFAULT is the usual leverage.

        Raises BadClientId, ClientExists, and ValueError for negative cash or a leverage below 1.
        """
        if not _CLIENT_ID.fullmatch(client_id):
            raise BadClientId(f"{client_id!r} is not 1 to 32 of A-Z a-z 0-9 _")
        if cash_paise < 0 or leverage < 1:
            raise ValueError("cash must not be negative and leverage at least 1")
        record = ClientRecord(client_id, password_hash, cash_paise, leverage, self._new_client_token(), now_ns, False)
        added = self.file.write(
            f"INSERT INTO client ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (client_id) DO NOTHING",
            msgspec.structs.astuple(record),
        )
        if not added:
            raise ClientExists(f"client {client_id} exists already")
        return record

    def get(self, client_id: str) -> ClientRecord | None:
        """The client of this id, or None."""
        rows = self.file.read(f"SELECT {_COLUMNS} FROM client WHERE client_id = ?", (client_id,))
        return _record(rows[0]) if rows else None

    def all(self) -> list[ClientRecord]:
        """Every client, the oldest first."""
        return [_record(row) for row in self.file.read(f"SELECT {_COLUMNS} FROM client ORDER BY created_ns, client_id")]

    def rotate(self, client_id: str) -> str:
        """Give the client a new client_token, which ends every session of it at once; raises UnknownClient."""
        client_token = self._new_client_token()
        self._change(client_id, "client_token", client_token)
        return client_token

    def set_password_hash(self, client_id: str, password_hash: str) -> None:
        """Keep another hash; sessions stand, so a changed password is followed by `rotate`. Raises UnknownClient."""
        self._change(client_id, "password_hash", password_hash)

    def set_cash(self, client_id: str, cash_paise: int) -> None:
        """Keep another opening cash, which counts until the engine opens the account; raises UnknownClient."""
        self._change(client_id, "cash_paise", cash_paise)

    def set_disabled(self, client_id: str, disabled: bool) -> None:
        """Shut a client out, or let it in again; raises UnknownClient."""
        self._change(client_id, "disabled", disabled)

    def revoke(self, blacklist_key: str, exp_ms: int) -> None:
        """Refuse the token of this blacklist_key from now on; `exp_ms` is when it would have ended anyway."""
        self.file.write(
            "INSERT INTO revoked (blacklist_key, exp_ms) VALUES (?, ?)"
            " ON CONFLICT (blacklist_key) DO UPDATE SET exp_ms = excluded.exp_ms"
            " WHERE excluded.exp_ms > revoked.exp_ms",
            (blacklist_key, exp_ms),
        )

    def is_revoked(self, blacklist_key: str) -> bool:
        """Tell whether the token of this blacklist_key was revoked."""
        return bool(self.file.read("SELECT 1 FROM revoked WHERE blacklist_key = ?", (blacklist_key,)))

    def prune(self, now_ns: int) -> int:
        """Forget the revoked keys whose tokens ended more than a day before `now_ns`; gives how many."""
        bound_ms = now_ns // 1_000_000 - REVOKED_KEPT_MS
        # Most calls find nothing, and then a read is cheaper than a write and changes no version.
        if not self.file.read("SELECT 1 FROM revoked WHERE exp_ms < ? LIMIT 1", (bound_ms,)):
            return 0
        return self.file.write("DELETE FROM revoked WHERE exp_ms < ?", (bound_ms,))

    def _new_client_token(self) -> str:
        return unpadded_base64(self._random_bytes(16))

    def _change(self, client_id: str, column: str, value: str | bool | int) -> None:
        """Set one column of one client; `column` is a word of this module, never of a caller's."""
        if not self.file.write(f"UPDATE client SET {column} = ? WHERE client_id = ?", (value, client_id)):
            raise UnknownClient(f"there is no client {client_id}")


def _record(row: tuple[Any, ...]) -> ClientRecord:
    """A row of the client table as a record; SQLite keeps the flag as 0 or 1."""
    client_id, password_hash, cash_paise, leverage, client_token, created_ns, disabled = row
    return ClientRecord(client_id, password_hash, cash_paise, leverage, client_token, created_ns, bool(disabled))
