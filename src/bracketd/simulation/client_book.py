"""A stand-in for the file of clients (auth/client_store.py), in memory; the gate in front of it is the real one."""

from random import Random
from typing import Any

from bracketd.auth.client_store import ClientRecord, ClientStore
from bracketd.auth.token import unpadded_base64

CASH_PAISE = 10**9
LEVERAGE = 5


class ClientBook(ClientStore):
    """What the gate asks of a store, with a version that moves at every change. It outlives every process."""

    def __init__(self, client_ids: tuple[str, ...], random: Random) -> None:
        # Not super().__init__: it would open a file. The gate asks for its version.
        self.file: Any = self
        self._random = random
        self._version = 1
        self._revoked: set[str] = set()
        self._clients = {
            client_id: ClientRecord(client_id, "", CASH_PAISE, LEVERAGE, self._new_client_token(), 0, False)
            for client_id in client_ids
        }

    def version(self) -> tuple[int, int]:
        """Another value after every change."""
        return self._version, 0

    def get(self, client_id: str) -> ClientRecord | None:
        """The client of this id, or None."""
        return self._clients.get(client_id)

    def rotate(self, client_id: str) -> str:
        """End every session of the client."""
        old = self._clients[client_id]
        token = self._new_client_token()
        self._clients[client_id] = ClientRecord(
            client_id, "", old.cash_paise, old.leverage, token, old.created_ns, old.disabled
        )
        self._version += 1
        return token

    def revoke(self, blacklist_key: str, exp_ms: int) -> None:
        """Refuse the token of this key from now on."""
        self._revoked.add(blacklist_key)
        self._version += 1

    def is_revoked(self, blacklist_key: str) -> bool:
        """Whether the token of this key was revoked."""
        return blacklist_key in self._revoked

    def prune(self, now_ns: int) -> int:
        """A simulated day is short: nothing is forgotten."""
        return 0

    def _new_client_token(self) -> str:
        return unpadded_base64(self._random.randbytes(16))
