"""The journal's records outlive syncs that fail, on a disk that loses and forgets what it did not write."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path

import apsw
import pytest
from tests.ill_disk import seeds_to_fault

from bracketd.database.write_ahead_log import let_go
from bracketd.journal import schema
from bracketd.journal.writer import Writer
from bracketd.simulation.file_layer import FileLayer
from bracketd.simulation.scheduled_journal import _nobody

SEEDS = range(80)


class Records(Writer):
    """The journal's own writer, whose jobs are done where they are asked for; a record is a text."""

    def __init__(self, layer: FileLayer, folder: Path) -> None:
        super().__init__(folder / "journal.db", layer.name, 0, _nobody)
        try:
            lease = self.acquire("owner", 0, 10**9)
        except BaseException:
            self.abandon()
            raise
        assert lease is not None
        self._lease = lease
        self._seq = lease.last_seq

    def _run(self, connect: Callable[[], apsw.Connection], opened: "Future[apsw.Connection]") -> None:
        try:
            self._connection = connect()
        except BaseException as error:  # noqa: BLE001 (as the thread does it)
            opened.set_exception(error)
            return
        opened.set_result(self._connection)

    def write(self, texts: list[str]) -> None:
        """One batch, as the writer's thread does it."""
        told: list[Exception | None] = []

        class Heard:
            """Stands where the caller's future stands."""

            def get_loop(self) -> "Heard":
                return self

            def call_soon_threadsafe(self, settle: object, future: object, result: object, fault: Exception) -> None:
                told.append(fault)

        bodies = [text.encode() for text in texts]
        self._answer(partial(self.append, self._lease, self._seq, bodies), Heard())  # type: ignore[arg-type]
        if told[0] is not None:
            raise told[0]
        self._seq += len(texts)

    def shown(self) -> list[str]:
        """All records."""
        return [
            str(body or b"nothing", "utf-8")
            for (body,) in self._connection.execute("SELECT body FROM event ORDER BY seq")
        ]

    def tidy(self) -> None:
        """Copy the log."""
        self._checkpoint()

    def close(self) -> None:  # type: ignore[override]
        """As the writer's thread does it."""
        self._finish()

    def abandon(self) -> None:
        """Its process is dead."""
        with suppress(apsw.ConnectionClosedError):
            let_go(self._connection)


def test_what_was_answered_is_never_lost(tmp_path: Path) -> None:
    """In no story is a record lost that was answered, and after a failure no further one is taken."""
    assert seeds_to_fault(SEEDS, tmp_path, Records) == (0, "")


def log_not_written_again(plant: pytest.MonkeyPatch) -> None:
    """The log is taken for what the cache shows of it."""
    plant.setattr(schema, "write_again", lambda log, vfs: None)


def goes_on(plant: pytest.MonkeyPatch) -> None:
    """A writer that has stopped takes the next batch all the same."""
    plant.setattr(Writer, "stopped", property(lambda self: None, lambda self, why: None), raising=False)


@pytest.mark.parametrize("plant", [log_not_written_again, goes_on], ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """The same stories find what the opening and the end after a failure are for."""
    plant(monkeypatch)
    assert seeds_to_fault(SEEDS, tmp_path, Records)[0]
