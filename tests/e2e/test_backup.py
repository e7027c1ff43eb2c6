"""A backup taken while the server works, restored by tar, serves what was acknowledged before it was asked for."""

import subprocess
import threading
from pathlib import Path

from tests.e2e.process import Server, command


def restored(file: Path, folder: Path, original: Server) -> Server:
    """A server, not started, on the unpacked backup; its clients and tokens are the original's."""
    server = Server(folder, clients=())
    server.data.mkdir(mode=0o700)
    subprocess.run(["tar", "-x", "-f", file, "-C", server.data], check=True)
    server.tokens = original.tokens
    return server


def test_backup_beside_a_server_under_load(server: Server, tmp_path: Path) -> None:
    """Each backup taken under load is sound, serves every order acknowledged before it, and lets its tokens in."""
    placed: list[str] = []
    enough = threading.Event()

    def load(client: str) -> None:
        caller = server.caller(client)
        while not enough.is_set():
            placed.append(caller.place(quantity=1).entry_id)

    threads = [threading.Thread(target=load, args=(client,)) for client in ("C1", "C2", "C1")]
    known: list[list[str]] = []
    for thread in threads:
        thread.start()
    try:
        for number in range(4):
            known.append(list(placed))
            command("backup", "--data", str(server.data), "--to", str(tmp_path / f"{number}.tar"))
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    assert len(known[-1]) > 0
    for number, entries in enumerate(known):
        folder = tmp_path / str(number)
        folder.mkdir()
        copy = restored(tmp_path / f"{number}.tar", folder, server)
        assert copy.verify().returncode == 0, copy.verify().stderr
        copy.start()
        try:
            rows = {row["oms_order_id"] for client in ("C1", "C2") for row in copy.caller(client).rows()}
            assert set(entries) <= rows
            assert copy.caller("C1").cancel(copy.caller("C1").place().entry_id).status == 200
        finally:
            copy.kill()
    assert server.verify().returncode == 0


def test_backup_beside_none(tmp_path: Path) -> None:
    """After a kill, without a server, the backup has what the log alone held."""
    server = Server(tmp_path)
    server.start()
    entry_id = server.caller().place().entry_id
    server.kill()
    file = tmp_path / "backup.tar"
    command("backup", "--data", str(server.data), "--to", str(file))
    folder = tmp_path / "other"
    folder.mkdir()
    copy = restored(file, folder, server)
    copy.start()
    try:
        assert copy.caller().row(entry_id)["order_status"] == "CONFIRMED"
    finally:
        copy.kill()
