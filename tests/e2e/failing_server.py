"""bracketd on a disk whose syncs fail as soon as a file, its first argument, is there.

The second argument says what stands on that disk, the `journal` or the `clients`; the rest are bracketd's own.
"""

import sys
from functools import partial
from pathlib import Path

from tests.journal.failing_disk import FailingDisk

from bracketd.auth import client_store
from bracketd.auth.clients_file import ClientsFile
from bracketd.cli.main import main
from bracketd.journal.sqlite import SqliteJournal
from bracketd.runtime import data_folder

NAME = "failing-server"


class SwitchedDisk(FailingDisk):
    """Fails every sync while its switch is a file."""

    def __init__(self, switch: Path) -> None:
        self.switch = switch
        super().__init__(NAME)

    def synced(self, file: str) -> None:
        """Fail, or sync and forget it: a server lives longer than a test's list."""
        if self.switch.exists():
            self.fail_sync_at = 1
        self.calls.clear()
        super().synced(file)


if __name__ == "__main__":
    disk = SwitchedDisk(Path(sys.argv.pop(1)))
    if sys.argv.pop(1) == "journal":
        data_folder.SqliteJournal = partial(SqliteJournal, vfs=NAME)  # type: ignore[assignment,misc]
    else:
        client_store.ClientsFile = lambda folder, _: ClientsFile(folder, NAME)  # type: ignore[assignment,misc]
    main()
