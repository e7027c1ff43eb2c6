"""Clients and revoked tokens outlive syncs that fail, on a disk that loses and forgets what it did not write."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
from tests.ill_disk import seeds_to_fault

from bracketd.auth import clients_file
from bracketd.auth.clients_file import ClientsFile
from bracketd.database.write_ahead_log import let_go
from bracketd.simulation.file_layer import FileLayer

SEEDS = range(150)


class Revocations:
    """Revoked tokens as texts in the clients file."""

    def __init__(self, layer: FileLayer, folder: Path) -> None:
        self._file = ClientsFile(folder, layer.name)

    def write(self, texts: list[str]) -> None:
        """Several in one transaction."""
        self._file.write_all([("INSERT INTO revoked VALUES (?, 1)", (text,)) for text in texts])

    def shown(self) -> list[str]:
        """All that are revoked."""
        return [text for (text,) in self._file.read("SELECT blacklist_key FROM revoked ORDER BY blacklist_key")]

    def tidy(self) -> None:
        """Copy the log."""
        self._file._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def close(self) -> None:
        """As the server does it."""
        with suppress(apsw.IOError):
            self._file.close()

    def abandon(self) -> None:
        """Its process is dead."""
        with suppress(apsw.ConnectionClosedError):
            let_go(self._file._connection)


def test_what_was_answered_is_never_lost(tmp_path: Path) -> None:
    """In no story is a change lost that was answered, and after a failure no further one is taken."""
    assert seeds_to_fault(SEEDS, tmp_path, Revocations) == (0, "")


def log_not_written_again(plant: pytest.MonkeyPatch) -> None:
    """The log is taken for what the cache shows of it."""
    plant.setattr(clients_file, "write_again", lambda log, vfs: None)


def switch_not_waited_for(plant: pytest.MonkeyPatch) -> None:
    """Whether the file has come to the disk when its log begins is not heard: the switch is not run to its end."""

    def switch(self: ClientsFile) -> None:
        cursor = self._connection.execute("PRAGMA journal_mode = WAL")
        with suppress(apsw.IOError):
            cursor.close()

    plant.setattr(ClientsFile, "_write_ahead", switch)


def goes_on(plant: pytest.MonkeyPatch) -> None:
    """An error of the disk is told, and the next change is taken."""
    plant.setattr(ClientsFile, "_judged", lambda self, error: error)


@pytest.mark.parametrize(
    "plant", [log_not_written_again, switch_not_waited_for, goes_on], ids=lambda plant: plant.__name__
)
def test_a_planted_fault_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """The same stories find what each part of the opening, and the end after a failure, are for."""
    plant(monkeypatch)
    assert seeds_to_fault(SEEDS, tmp_path, Revocations)[0]
