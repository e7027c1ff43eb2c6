"""Descriptors: how many connections the process may hold before the kernel takes its files away.

A process without a free descriptor accepts nobody and cannot open its files either. So the soft limit is raised as far
as it may be, and connections are bounded below it.
"""

import resource
from typing import Final

CONNECTIONS_MAX: Final = 4_096
"""Connections of all kinds together, if the process may have so many files."""

_SPARE: Final = 128
"""Descriptors for the journal, the clients' file, the log, and what the libraries open."""


def connections_max() -> int:
    """Raise the process's own limit of open files if need be; returns how many connections it leaves, at least 1."""
    wanted = CONNECTIONS_MAX + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS_MAX if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft) - _SPARE)
