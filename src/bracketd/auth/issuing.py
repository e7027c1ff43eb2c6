"""A token is issued to a client of the store: at a login, or by the operator for as long as he says."""

import secrets
from collections.abc import Callable

from bracketd.auth.client_store import ClientStore, UnknownClient
from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.token import issue, login_expiry_ms


class ClientDisabled(ClientStoreError):
    """The client is disabled: a token would open nothing."""


def issue_for(
    store: ClientStore,
    key: bytes,
    client_id: str,
    ttl_ns: int | None,
    device: str,
    now_ns: int,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """A new token for a client, good for `ttl_ns` as said, or as long as a login's for None; it revokes no other.

    The end is rounded down to the millisecond. Raises UnknownClient, ClientDisabled, and ValueError for a lifetime
    that is not positive or does not fit in `exp`. Revoked keys long expired are forgotten on the way, so that their
    number stays bounded by the tokens of the last days.
    """
    if ttl_ns is not None and ttl_ns <= 0:
        raise ValueError("a token's lifetime must be positive")
    client = store.get(client_id)
    if client is None:
        raise UnknownClient(f"there is no client {client_id}")
    if client.disabled:
        raise ClientDisabled(f"client {client_id} is disabled")
    store.prune(now_ns)
    exp_ms = login_expiry_ms(now_ns) if ttl_ns is None else (now_ns + ttl_ns) // 1_000_000
    return issue(key, client.client_id, client.client_token, device, exp_ms, random_bytes)
