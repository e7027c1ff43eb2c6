"""Neighbours: who asks from this machine itself, and so may ask without a token.

A proxy on the same machine speaks for others: what it passes on comes from 127.0.0.1 and is nobody's word. It is known
by the headers that it adds.
"""

import ipaddress
from typing import Final

from starlette.types import Scope

from bracketd.wire.request import header

FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
"""Headers by which a proxy says that it speaks for somebody else."""


def is_neighbour(scope: Scope) -> bool:
    """Whether the request comes from this machine itself, and is not passed on by a proxy on it."""
    return is_loopback(scope) and not any(header(scope["headers"], name) is not None for name in FORWARDED)


def is_loopback(scope: Scope) -> bool:
    """Whether the peer is this machine; a peer without an address is not known to be."""
    peer = scope.get("client")
    if not peer:
        return False
    try:
        address = ipaddress.ip_address(peer[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
