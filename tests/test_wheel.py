"""The wheel that `make dist` builds: complete, and enough to run on a machine that has no checkout."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from tests.test_house import PACKAGE, ROOT, canonical, listed_files, locked_names, pyproject

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
DEMO_COMMANDS = 3


def run(*command: str | Path, folder: Path) -> str:
    """Run a command to its end, which must be a good one; returns what it printed."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    """This process's, without what would let Python find the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the Makefile's verb with the packages that these tests run on."""
    if shutil.which("make") is None or importlib.util.find_spec("build") is None:
        pytest.skip("make or build is not installed")
    folder = tmp_path_factory.mktemp("dist")
    run("make", "-o", "install", "dist", f"BIN={BIN}", f"DIST={folder}", folder=ROOT)
    (built,) = folder.glob("bracketd-*.whl")
    return built


def test_wheel_holds_the_whole_package(wheel: Path) -> None:
    """The wheel carries every file of the package, data files included, its licence and the console script."""
    package_files = {path.relative_to(ROOT / "src").as_posix() for path in listed_files() if PACKAGE in path.parents}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (scripts,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        entry_points = archive.read(scripts).decode()
    assert package_files - names == set()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert "bracketd = bracketd.cli.main:main" in entry_points
    assert "bracketd.testing.plugin = bracketd.testing.plugin" in entry_points


def test_a_server_needs_no_client() -> None:
    """What only some need comes with an extra, none of it with a plain install, and the lock pins all of it."""
    project = pyproject()["project"]
    needed = {canonical(requirement) for requirement in project["dependencies"]}
    extras = {name: {canonical(each) for each in asked} for name, asked in project["optional-dependencies"].items()}
    assert extras == {
        "blotter": {"nicegui"},
        "client": {"httpx"},
        "cluster": {"asyncpg", "patroni", "psycopg"},
        "postgres": {"asyncpg"},
        "terminal": {"httpx", "pyarrow", "rich"},
        "testing": {"httpx", "pytest"},
    }
    optional = set().union(*extras.values())
    assert needed & optional == set()
    assert optional - locked_names() == set()


def test_wheel_alone_runs_the_demo(wheel: Path, tmp_path: Path) -> None:
    """Installed into a fresh environment, the wheel runs the demo, whose three commands work as printed."""
    fresh = tmp_path / "fresh"
    run(sys.executable, "-m", "venv", "--without-pip", fresh, folder=tmp_path)
    python = fresh / "bin" / "python"
    run(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python),
        *("install", "--quiet", "--no-index", "--no-deps", wheel),
        folder=tmp_path,
    )
    # The dependencies are those of this environment. A path named in a .pth file has its own .pth files left unread,
    # and so the checkout that is installed here stays out of sight.
    (site,) = fresh.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = "import bracketd; print(bracketd.__file__)"
    assert run(python, "-c", where, folder=tmp_path).startswith(str(site))
    with subprocess.Popen(
        [fresh / "bin" / "bracketd", "demo", "--port", "0"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as demo:
        try:
            commands = []
            assert demo.stdout is not None
            for line in demo.stdout:
                if line.startswith("curl "):
                    commands.append(line)
                if line.startswith("Ctrl-C"):
                    break
            assert len(commands) == DEMO_COMMANDS
            replies = [json.loads(run("bash", "-c", command, folder=tmp_path)) for command in commands]
            assert [reply["status"] for reply in replies] == ["success"] * DEMO_COMMANDS
            demo.send_signal(signal.SIGTERM)
            assert demo.wait(10) == 0
        finally:
            demo.kill()
