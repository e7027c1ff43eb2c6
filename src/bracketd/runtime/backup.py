"""The backup: all that a data folder holds in one tar file, taken beside a running server or without one.

SQLite's own online copy reads each file at one moment, in one transaction, while the server goes on writing. The
journal is copied first: whoever has an account in it was a client before, and so is in the clients that are copied
after it. The signing key goes along, so that tokens stay good; whoever has the file can sign tokens.
"""

import os
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import apsw

from bracketd.auth import clients_file, signing_key
from bracketd.database.durable_names import sync_folder
from bracketd.journal.verify import check
from bracketd.runtime.data_folder import JOURNAL_NAME

BUSY_TIMEOUT_MS: Final = 5_000
FILES: Final = (JOURNAL_NAME, clients_file.FILE_NAME, signing_key.FILE_NAME)
"""What a backup holds, in the order of its being read."""


class BackupRefused(Exception):
    """No backup was made; the text is one sentence for the operator, without its full stop."""


def back_up(folder: Path, file: Path) -> int:
    """Write a backup of the folder to `file`, mode 0600, whole and durable or not at all; returns its records.

    The journal's copy is checked from end to end before the file gets its name. Raises BackupRefused for a folder that
    lacks something, a file that is there already and a journal that is faulty; SigningKeyError, apsw.Error, OSError.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise BackupRefused(f"{folder} holds no {name}")
    if file.exists() or file.is_symlink():
        raise BackupRefused(f"{file} is there already")
    # Made beside the file, mode 0700: the finished file gets its name by a link, which needs one file system.
    with tempfile.TemporaryDirectory(prefix=".bracketd-backup-", dir=file.parent) as made:
        copies = Path(made)
        records = _copy_folder(folder, copies)
        packed = copies / "packed.tar"
        _pack(copies, packed)
        try:
            # Unlike a rename, a link never replaces a file that is there by now.
            os.link(packed, file)
        except FileExistsError:
            raise BackupRefused(f"{file} is there already") from None
    sync_folder(file.parent)
    return records


def _copy_folder(folder: Path, copies: Path) -> int:
    """Copy everything into a folder of our own; returns how many records the copied journal holds."""
    _copy_database(folder / JOURNAL_NAME, copies / JOURNAL_NAME)
    report = check(copies / JOURNAL_NAME)
    if not report.sound:
        raise BackupRefused(f"The journal is faulty: {report.fault}")
    _copy_database(folder / clients_file.FILE_NAME, copies / clients_file.FILE_NAME)
    (copies / signing_key.FILE_NAME).write_bytes(signing_key.load_or_create(folder))
    return report.records


def _copy_database(source: Path, copy: Path) -> None:
    """Copy an SQLite file as it is at one moment; its log is left to those who write it."""
    reading = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        reading.set_busy_timeout(BUSY_TIMEOUT_MS)
        reading.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        writing = apsw.Connection(str(copy))
        try:
            # Nobody relies on the copy itself; what is synced is the file that it is packed into.
            writing.execute("PRAGMA synchronous = OFF")
            with writing.backup("main", reading, "main") as copying:
                # All at once is one read transaction: in parts, every write of the server's would start it anew.
                copying.step(-1)
        finally:
            writing.close(True)
    finally:
        reading.close(True)


def _pack(copies: Path, packed: Path) -> None:
    """Put the copies into one tar file, each readable by its owner alone, and sync it."""
    descriptor = os.open(packed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as stream:
        os.fchmod(descriptor, 0o600)
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name in FILES:
                archive.add(copies / name, name, filter=_private)
        stream.flush()
        os.fsync(descriptor)


def _private(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A file of the archive with the only mode that a signing key is accepted with."""
    member.mode = 0o600
    return member
