"""`make audit`: looks up every pinned package among the known faults, and never says "none" where it could not look.

pip-audit asks the OSV database. Alone it also ends well where the database knew nothing of a package, or of any: here
a package that was not looked up is a failure, since an unanswered question is no good news.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

LOCK: Final = Path(__file__).resolve().parents[1] / "requirements.lock"
PIP_AUDIT: Final = (
    *(sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--no-deps", "--disable-pip"),
    *("--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off", "--timeout", "15"),
)
EXIT_CLEAN: Final = 0
EXIT_FAULTY: Final = 1
EXIT_NOT_ASKED: Final = 2

NOT_ASKED: Final = "make audit: the database of known faults was not asked, so nothing is known: {why}"


def main() -> int:
    """Ask, and say what came of it in a line for each fault; returns the exit code."""
    lock = LOCK.read_text(encoding="utf-8")
    done = subprocess.run(PIP_AUDIT, capture_output=True, text=True, check=False)
    code, text = judge(lock, done.stdout, done.stderr)
    (sys.stdout if code == EXIT_CLEAN else sys.stderr).write(text + "\n")
    return code


def judge(lock: str, report: str, complaints: str) -> tuple[int, str]:
    """(exit code, text) for what pip-audit wrote on stdout and stderr about a lock."""
    pinned = locked(lock)
    try:
        dependencies: list[dict[str, Any]] = json.loads(report)["dependencies"]
        looked_up = {canonical(each["name"]) for each in dependencies if "vulns" in each}
        known = [(each, fault) for each in dependencies for fault in each.get("vulns", ())]
    except (ValueError, KeyError, TypeError):
        last = complaints.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        return EXIT_NOT_ASKED, NOT_ASKED.format(why=last[0])
    faults = [
        f"{each['name']} {each['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no release'}"
        for each, fault in known
    ]
    missing = sorted(pinned - looked_up)
    if missing:
        why = f"no answer about {len(missing)} of {len(pinned)} packages: {', '.join(missing)}"
        return EXIT_NOT_ASKED, "\n".join([*faults, NOT_ASKED.format(why=why)])
    if faults:
        return EXIT_FAULTY, "\n".join(faults)
    return EXIT_CLEAN, f"{len(pinned)} packages, none with a known fault"


def locked(lock: str) -> set[str]:
    """The packages that a lock pins."""
    return {canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}


def canonical(name: str) -> str:
    """A package's name as an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
