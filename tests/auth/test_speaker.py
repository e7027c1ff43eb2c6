"""The gate of an engine takes what a link put in, and nothing else."""

import pytest

from bracketd.auth.refusal import Unauthorised
from bracketd.auth.speaker import LinkGate, speaker_token

EXP_MS = 1_800_000_000_000


def test_a_speaker_is_who_the_link_says() -> None:
    """Account and device arrive as they were, until the token behind them ends."""
    headers = [(b"x-authorization-token", speaker_token("DEMO1", "web", EXP_MS))]
    claims = LinkGate().authenticate(headers, EXP_MS * 10**6 - 1)
    assert (claims.client_id, claims.device, claims.exp_ms) == ("DEMO1", "web", EXP_MS)
    with pytest.raises(Unauthorised):
        LinkGate().authenticate(headers, EXP_MS * 10**6)


def test_nobody_is_let_in_without_a_word() -> None:
    """Where the link put nothing, nobody speaks."""
    with pytest.raises(Unauthorised):
        LinkGate().authenticate([(b"x-device-type", b"WEB")], 0)
