"""`bracketd backup`: what is in the file, and what is refused rather than half done."""

import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from click.testing import CliRunner, Result
from tests.cli.test_verify import TWO_ACCOUNTS, step, verify, write_journal

from bracketd.auth.client_store import ClientStore
from bracketd.auth.signing_key import load_or_create
from bracketd.cli.main import main
from bracketd.domain.events import AccountOpened

NAMES = ["journal.db", "clients.db", "signing.key"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder as a server leaves it."""
    folder = tmp_path / "data"
    key = load_or_create(folder)
    assert len(key) == 32
    with ClientStore(folder) as store:
        store.add("A", "hash", 100, 5, 1)
    write_journal(folder, TWO_ACCOUNTS)
    return folder


def backup(data: Path, file: Path) -> Result:
    """Run the verb in this process."""
    return CliRunner().invoke(main, ["backup", "--data", str(data), "--to", str(file)])


def test_a_backup_unpacks_to_the_folder(data: Path, tmp_path: Path) -> None:
    """The tar file has three members of mode 0600, and unpacked they are the journal, the clients and the key."""
    file = tmp_path / "a.tar"
    result = backup(data, file)
    assert (result.exit_code, result.stdout) == (0, f"2 records of {data} are in {file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored = tmp_path / "restored"
    with tarfile.open(file) as archive:
        assert [(member.name, member.mode) for member in archive] == [(name, 0o600) for name in NAMES]
        archive.extractall(restored, filter="data")
    assert verify(restored).stdout == verify(data).stdout
    assert load_or_create(restored) == load_or_create(data)
    with ClientStore(restored) as store:
        assert store.get("A") is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "data", "restored"]


def test_a_file_that_is_there_is_kept(data: Path, tmp_path: Path) -> None:
    """A backup replaces nothing, a dangling link included."""
    file = tmp_path / "a.tar"
    file.write_text("yesterday")
    link = tmp_path / "b.tar"
    link.symlink_to(tmp_path / "nowhere")
    for there in (file, link):
        result = backup(data, there)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "is there already" in result.stderr
    assert file.read_text() == "yesterday"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_lacks_something_is_none(data: Path, tmp_path: Path, name: str) -> None:
    """Where one of the three is missing there is no backup, and none of them is made."""
    (data / name).unlink()
    result = backup(data, tmp_path / "a.tar")
    assert result.exit_code == 1
    assert f"holds no {name}" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    assert not (data / name).exists()


def alter(data: Path) -> None:
    """Change a record behind its digest's back."""
    connection = apsw.Connection(str(data / "journal.db"))
    connection.execute("UPDATE event SET body = ? WHERE seq = 2", (step(AccountOpened(2, "B", 10**9, 5)),))
    connection.close()


def open_key(data: Path) -> None:
    """Let others read the key."""
    (data / "signing.key").chmod(0o644)


@pytest.mark.parametrize(("spoil", "word"), [(alter, "record 2"), (open_key, "0600")])
def test_a_faulty_folder_gives_no_backup(data: Path, tmp_path: Path, spoil: Callable[[Path], None], word: str) -> None:
    """A journal that is not sound and a key that others may know are named, and no file is left behind."""
    spoil(data)
    result = backup(data, tmp_path / "a.tar")
    assert result.exit_code == 1
    assert word in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_folder_that_cannot_take_the_file_is_an_error(data: Path, tmp_path: Path) -> None:
    """A file in a folder that is not there is one sentence, not a trace."""
    result = backup(data, tmp_path / "nowhere" / "a.tar")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Cannot make a backup")
