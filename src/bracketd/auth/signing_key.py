"""The key that signs tokens: 32 random bytes in the data folder, made at the first start and by nobody twice."""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bracketd.database.durable_names import sync_folder

FILE_NAME: Final = "signing.key"
KEY_BYTES: Final = 32
_MODE: Final = 0o600


class SigningKeyError(Exception):
    """The key file cannot be made, or cannot be trusted as it is; the text names the file and what to do."""


def load_or_create(data_dir: Path, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """The 32 bytes of `signing.key` in the data folder, which is made (mode 0700) if it is not there.

    Processes that start together agree on one key: each writes its own under a name of its own, and only the first
    link to the real name holds. A key is on disk, name included, before it is used. Raises SigningKeyError for a file
    that is not 32 bytes long, is no regular file, or gives anybody but its owner any right.
    """
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(path, random_bytes)
        return _load(path)
    except OSError as error:
        raise SigningKeyError(f"{path}: {error.strerror}") from error


def _load(path: Path) -> bytes:
    """Read a key from a file that is as it should be; mode and length are of the file that is read."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SigningKeyError(f"{path} is not a regular file")
        mode = stat.S_IMODE(status.st_mode)
        if mode & ~_MODE:
            raise SigningKeyError(f"{path} has mode {mode:04o}, wider than 0600: others may know the key; chmod 600 it")
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise SigningKeyError(f"{path} does not hold {KEY_BYTES} bytes; restore it, or remove it to end all sessions")
    return key


def _create(path: Path, random_bytes: Callable[[int], bytes]) -> None:
    """Put a new key under `path`, whole and durable, unless another process was first."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, _MODE)  # The umask may have taken bits of the owner's away.
            file.write(random_bytes(KEY_BYTES))
            file.flush()
            os.fsync(descriptor)
        # Unlike a rename, a link never replaces a key that is there already.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    sync_folder(path.parent)
