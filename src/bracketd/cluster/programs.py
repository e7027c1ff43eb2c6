"""The programs of a cluster, and the user that runs them: PostgreSQL refuses root's rights, and needs none.

Root starts everything as the user `postgres`, whose home or Python may be none that root's is. So the packages that
Patroni needs are copied beside the cluster's data, and whichever interpreter that user can run runs them.
"""

import os
import pwd
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

from msgspec import Struct

USER: Final = "postgres"
VERSIONS: Final = (18, 17, 16, 15)
"""PostgreSQL's versions that are looked for, the newest first."""

_EXTRAS: Final = ("etcd3",)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


class ProgramMissing(Exception):
    """Something is not installed, or cannot be run by the user that has to; the text says what to do."""


class Runner(Struct, frozen=True):
    """Who runs the programs: nobody else for a user's own account, the user `postgres` for root."""

    uid: int | None = None
    gid: int | None = None

    def popen(self) -> dict[str, object]:
        """What subprocess needs to know."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder to the user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def runner() -> Runner:
    """Who is to run things. Raises ProgramMissing where root finds no user `postgres`."""
    if os.geteuid() != 0:
        return Runner()
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        raise ProgramMissing(f"PostgreSQL does not run as root, and there is no user {USER} to run it") from None
    return Runner(entry.pw_uid, entry.pw_gid)


def postgres_folder() -> Path:
    """The folder of PostgreSQL's programs. Raises ProgramMissing."""
    for version in VERSIONS:
        folder = Path(f"/usr/lib/postgresql/{version}/bin")
        if (folder / "postgres").exists():
            return folder
    found = shutil.which("postgres")
    if found is None:
        raise ProgramMissing("PostgreSQL is not installed (on Debian: postgresql-15)")
    return Path(found).resolve().parent


def etcd_program() -> str:
    """The path of etcd. Raises ProgramMissing."""
    found = shutil.which("etcd")
    if found is None:
        raise ProgramMissing("etcd is not installed (on Debian: etcd-server)")
    return found


def patroni_command(folder: Path, who: Runner) -> tuple[list[str], dict[str, str]]:
    """How to run Patroni: the command before its configuration, and what the environment gains. Raises ProgramMissing.

    Where another user is to run it, the packages are copied into `folder` first.
    """
    try:
        metadata.distribution("patroni")
    except metadata.PackageNotFoundError:
        raise ProgramMissing("Patroni is not installed: pip install 'bracketd[cluster]'") from None
    if who.uid is None:
        return [sys.executable, "-m", "patroni"], {}
    _copy_packages(folder)
    environment = {"PYTHONPATH": str(folder)}
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for name in (sys.executable, f"/usr/bin/{own}", "/usr/bin/python3", f"/usr/local/bin/{own}"):
        if Path(name).exists() and _runs([name, "-c", "import patroni, psycopg, psutil"], environment, who):
            return [name, "-m", "patroni"], environment
    raise ProgramMissing(f"no Python that the user {USER} can run can run Patroni; on Debian, install python3")


def _runs(command: list[str], environment: dict[str, str], who: Runner) -> bool:
    """Whether the user can run a command to a good end."""
    try:
        done = subprocess.run(
            command,
            env=clean_environment() | environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            **who.popen(),  # type: ignore[call-overload]
        )
    except OSError:
        return False
    return bool(done.returncode == 0)


def clean_environment() -> dict[str, str]:
    """The environment for the programs: ours without what would lead them to other servers or packages."""
    left_out = ("PG", "PATRONI", "ETCD", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def _copy_packages(folder: Path) -> None:
    """Copy Patroni, the driver and all that they need into the folder; what is there already stays."""
    for distribution in _needed("patroni", "psycopg"):
        for file in distribution.files or ():
            if file.parts[0] == ".." or "__pycache__" in file.parts:
                continue
            target = folder.joinpath(*file.parts)
            if not target.exists():
                target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _needed(*names: str) -> list[metadata.Distribution]:
    """The distributions of these names and of whatever they ask for, as far as they are installed."""
    found: dict[str, metadata.Distribution] = {}
    wanted = list(names)
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        try:
            distribution = found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            # Asked for on another platform, or by a Python of another age.
            continue
        for requirement in distribution.requires or ():
            asked, _, condition = requirement.partition(";")
            match = _NAME.match(asked)
            if match and ("extra" not in condition or any(f'"{extra}"' in condition for extra in _EXTRAS)):
                wanted.append(match.group())
    return list(found.values())
