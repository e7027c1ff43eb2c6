"""What the clients of strangers need: the SDKs' own Python environment, and programs that a machine may not have."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

SDK_PYTHON = Path(__file__).with_name(".venv") / "bin" / "python"


def missing(what: str) -> NoReturn:
    """Skip the test for want of something; a failure where everything must run (CI=true)."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and with CI=true every test must run")
    pytest.skip(what)


def sdk_python() -> str:
    """The interpreter of the environment in which the published SDKs are installed."""
    if not SDK_PYTHON.is_file():
        missing("the published SDKs are not installed: make clients")
    return str(SDK_PYTHON)


def program(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name)
    if path is None:
        missing(f"{name} is not installed")
    return path


def surroundings() -> dict[str, str]:
    """The environment variables of a client: no proxy of the machine's stands between it and a server on it."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
