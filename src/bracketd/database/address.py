"""Where a database is: a `postgresql://` address of one or more hosts, as libpq reads them.

The hosts of one address are one replicated database; whichever of them is the primary is spoken to. Each is dialled by
itself with a time of its own: one time over all of them would let a frozen host that stands first starve the rest.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct

SCHEMES: Final = ("postgresql", "postgres")
CONNECT_TIMEOUT_S: Final = 1.0
"""How long one host may take to greet, unless the address says `connect_timeout`, in seconds."""

_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@,\s]+)(?::[0-9]{1,5})?")


class BadAddress(ValueError):
    """A text is no address of a database; the text of the error says why and repeats no password."""


class Address(Struct, frozen=True):
    """An address that was read. `hosts` are addresses of one host each, which asyncpg takes as they are."""

    hosts: tuple[str, ...]
    shown: str
    """The whole address without its password, for logs and people."""
    connect_timeout_s: float = CONNECT_TIMEOUT_S

    def __str__(self) -> str:
        """What people are shown."""
        return self.shown

    def __repr__(self) -> str:
        """Keep the password out of logs."""
        return f"Address({self.shown!r})"


def is_address(text: str) -> bool:
    """Whether a text means a database rather than a folder."""
    return text.partition("://")[0] in SCHEMES and "://" in text


def read_address(text: str) -> Address:
    """Read `postgresql://user:password@host:port,host:port/database?…`; raises BadAddress.

    `connect_timeout` is each host's own; `target_session_attrs` is dropped, since it is always the primary that is
    wanted. What else follows the question mark is handed on. A password may come from PGPASSWORD or a password file
    instead, as with every program of PostgreSQL's.
    """
    if not is_address(text):
        raise BadAddress("an address of a database begins with postgresql://")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise BadAddress("the address cannot be read") from None
    if parts.fragment:
        raise BadAddress("an address has no fragment; a # in a password is written %23")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.pop("target_session_attrs", None)
    timeout_s = _timeout_s(query.pop("connect_timeout", ""))
    user, at, hosts = parts.netloc.rpartition("@")
    for host in hosts.split(",") if hosts else ():
        if not _HOST.fullmatch(host):
            raise BadAddress(f"{host!r} is no host; use name or name:port, several with a comma between")
    asked = urlencode(query)
    dsns = tuple(_joined(f"{user}{at}{host}", parts.path, asked) for host in hosts.split(","))
    # A password may also be asked for after the question mark.
    told = urlencode({name: value for name, value in query.items() if "password" not in name})
    shown = _joined(f"{user.partition(':')[0]}{at}{hosts}", parts.path, told)
    return Address(dsns, shown, timeout_s)


def _joined(place: str, path: str, query: str) -> str:
    """The parts of an address as one text; unlike urllib's, with two slashes also where no host is named."""
    return f"postgresql://{place}{path}{'?' if query else ''}{query}"


def _timeout_s(text: str) -> float:
    """The seconds that an address names."""
    if not text:
        return CONNECT_TIMEOUT_S
    try:
        timeout_s = float(text)
    except ValueError:
        timeout_s = 0.0
    if not 0 < timeout_s <= 60:
        raise BadAddress("connect_timeout is a number of seconds above 0 and at most 60")
    return timeout_s
