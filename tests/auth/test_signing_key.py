"""The signing key: made once, kept to the owner, and refused when it is not as it should be."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bracketd.auth.signing_key import FILE_NAME, SigningKeyError, load_or_create


def test_key_is_made_once(tmp_path: Path) -> None:
    """The first call makes 32 bytes, later ones read them."""
    key = load_or_create(tmp_path)
    assert len(key) == 32
    assert load_or_create(tmp_path) == key
    assert (tmp_path / FILE_NAME).read_bytes() == key


def test_folders_have_different_keys(tmp_path: Path) -> None:
    """Two data folders do not share a key."""
    assert load_or_create(tmp_path / "a") != load_or_create(tmp_path / "b")


def test_key_is_its_owners_alone(tmp_path: Path) -> None:
    """The file has mode 0600 and a folder made for it 0700, whatever the umask."""
    before = os.umask(0o277)
    try:
        (tmp_path / "a").mkdir(mode=0o700)
        (tmp_path / "a").chmod(0o700)
        load_or_create(tmp_path / "a")
        os.umask(0)
        load_or_create(tmp_path / "b")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "b" / FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o700


def test_nothing_else_is_left_behind(tmp_path: Path) -> None:
    """The draft of the key is gone once the key is there."""
    load_or_create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o700, 0o666, 0o4600])
def test_wide_permissions_are_refused(tmp_path: Path, mode: int) -> None:
    """A key file that gives more than reading and writing to its owner is refused, and the text says so."""
    load_or_create(tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(SigningKeyError, match=f"signing.key has mode {mode:04o}, wider than 0600"):
        load_or_create(tmp_path)


def test_narrow_permissions_are_accepted(tmp_path: Path) -> None:
    """A key file that its owner may only read is fine."""
    key = load_or_create(tmp_path)
    (tmp_path / FILE_NAME).chmod(0o400)
    assert load_or_create(tmp_path) == key


@pytest.mark.parametrize("length", [0, 31, 33, 4096])
def test_wrong_length_is_refused(tmp_path: Path, length: int) -> None:
    """A file that is not 32 bytes long is refused and left as it is."""
    path = tmp_path / FILE_NAME
    path.write_bytes(b"k" * length)
    path.chmod(0o600)
    with pytest.raises(SigningKeyError, match="does not hold 32 bytes"):
        load_or_create(tmp_path)
    assert path.read_bytes() == b"k" * length


def test_folder_in_the_keys_place_is_refused(tmp_path: Path) -> None:
    """Something under the key's name that cannot be read as a file is a SigningKeyError too."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(SigningKeyError, match=FILE_NAME):
        load_or_create(tmp_path)


def test_key_that_comes_meanwhile_wins(tmp_path: Path) -> None:
    """A key that another process puts down while ours is drawn is the key of both."""

    def slow(count: int) -> bytes:
        (tmp_path / FILE_NAME).write_bytes(b"f" * 32)
        (tmp_path / FILE_NAME).chmod(0o600)
        return b"s" * count

    assert load_or_create(tmp_path, slow) == b"f" * 32
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


RACER = """
import sys
from pathlib import Path
from bracketd.auth.client_store import ClientStore
from bracketd.auth.signing_key import load_or_create
print("ready", flush=True)
sys.stdin.readline()
key = load_or_create(Path(sys.argv[1]))
with ClientStore(Path(sys.argv[1])) as store:
    store.add(sys.argv[2], "a hash", 0, 5, 0)
print(key.hex(), flush=True)
"""


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Four processes that open an empty folder at one moment get one key and one store with all their clients."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path / "data"), f"C{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    keys = {racer.communicate()[0].strip() for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert keys == {load_or_create(tmp_path / "data").hex()}
