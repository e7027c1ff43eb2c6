"""Profiles: servers and tokens under names, in one file that nobody else may read."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bracketd.terminal.verdict import REFUSED, Verdict

FILE: Final = "profiles.json"
MODE: Final = 0o600
DEFAULT_NAME: Final = "default"


@dataclass(frozen=True, slots=True)
class Profile:
    """One login: where, who, and the token, which `repr` leaves out."""

    url: str
    client_id: str
    token: str

    def __repr__(self) -> str:
        return f"<Profile of {self.client_id} at {self.url}>"


class Profiles:
    """The profiles of one person. `current` is the name of the one in use, "" for none."""

    def __init__(self, file: Path) -> None:
        """Read the file; a missing one is empty. Raises Verdict where it cannot be read, is no such file, or is open.

        Open means that others than its owner may read it.
        """
        self._file = file
        self.current = ""
        self.named: dict[str, Profile] = {}
        try:
            with file.open(encoding="utf-8") as stream:
                if os.name == "posix" and os.fstat(stream.fileno()).st_mode & 0o077:
                    raise Verdict(f"{file} holds tokens and others may read it: chmod 600 {file}.", REFUSED)
                document = json.load(stream)
            self.current = str(document["current"])
            self.named = {str(name): Profile(**fields) for name, fields in document["profiles"].items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
            raise Verdict(f"The profiles in {file} cannot be read: {fault}.", REFUSED) from fault

    def save(self, name: str, profile: Profile) -> None:
        """Keep a profile under a name, in the place of one before, and use it."""
        self.named[name] = profile
        self.current = name
        self._write()

    def use(self, name: str) -> None:
        """Use a profile from now on. Raises Verdict."""
        self.profile(name)
        self.current = name
        self._write()

    def remove(self, name: str) -> None:
        """Forget a profile; its token stays good until it expires. Raises Verdict."""
        self.profile(name)
        del self.named[name]
        if self.current == name:
            self.current = ""
        self._write()

    def profile(self, name: str) -> Profile:
        """The profile of a name. Raises Verdict."""
        if name not in self.named:
            raise Verdict(f"There is no profile {name}; `bracketd profile list` shows those there are.", REFUSED)
        return self.named[name]

    def _write(self) -> None:
        """Write the file whole or not at all, its mode set before a token is in it. Raises Verdict."""
        profiles = {name: asdict(profile) for name, profile in sorted(self.named.items())}
        text = json.dumps({"current": self.current, "profiles": profiles}, indent=2)
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp makes the file with mode 0600.
            descriptor, new = tempfile.mkstemp(dir=self._file.parent, prefix=FILE)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    stream.write(text + "\n")
                    stream.flush()
                    os.fsync(stream.fileno())
                Path(new).replace(self._file)
            except BaseException:
                Path(new).unlink(missing_ok=True)
                raise
        except OSError as fault:
            raise Verdict(f"The profiles cannot be written to {self._file}: {fault}.", REFUSED) from fault


def profiles_file() -> Path:
    """Where the profiles are: `bracketd/profiles.json` under $XDG_CONFIG_HOME, or under ~/.config without it."""
    chosen = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(chosen) if chosen else Path.home() / ".config") / "bracketd" / FILE
