"""Descriptors: connections stay below what the process may have open, and the limit is raised where it may be."""

import resource

import pytest

from bracketd.runtime.descriptors import connections_max

INFINITE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "raised_to"),
    [
        (1_024, 1_048_576, 4_096, 4_224),
        (1_024, INFINITE, 4_096, 4_224),
        (1_024, 1_024, 896, None),
        (256, 512, 384, 512),
        (65_536, 65_536, 4_096, None),
        (INFINITE, INFINITE, 4_096, None),
        (64, 64, 1, None),
    ],
)
def test_connections_fit_the_limit(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, connections: int, raised_to: int | None
) -> None:
    """The soft limit is raised to what is wanted or allowed, and 128 descriptors are left for everything else."""
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, both: limits.append(both))
    assert connections_max() == connections
    assert limits[-1] == (raised_to or soft, hard)
