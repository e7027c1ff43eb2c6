"""The machine that looks for holes, listened to: the stream equals REST after every step of any day (19).

Refused legs, rescue orders, brackets without protection, turns of the session, lost and doubled letters, and crashes:
whatever the machine of tests/engine thinks of, a listener of each client folds what he is pushed.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import rule
from tests.engine.test_machine import STEPS, Machine, clients
from tests.heard_floor import HeardFloor

EXAMPLES = int(os.environ.get("BRACKETD_MACHINE_EXAMPLES", "40"))
"""Days that are listened to; `make machine` gives it 5,000."""

pytestmark = pytest.mark.timeout(7_200)


class HeardMachine(Machine):
    """The machine over a floor with listeners; connections come and go besides."""

    floor: HeardFloor

    def __init__(self) -> None:
        super().__init__()
        self.floor = HeardFloor()

    @rule(client=clients)
    def listen_anew(self, client: str) -> None:
        """A connection breaks, and its client subscribes, reads and folds from there."""
        self.floor.listen_anew(client)

    def teardown(self) -> None:
        """Whatever happened is brought to rest, and listened to until then."""
        try:
            super().teardown()
        finally:
            self.floor.close()


TestHeardMachine = HeardMachine.TestCase
TestHeardMachine.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)
