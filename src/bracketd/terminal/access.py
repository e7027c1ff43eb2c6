"""Access: which server a verb speaks to and as whom, by its options, the environment, or a profile."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from bracketd.terminal.profiles import Profiles, profiles_file
from bracketd.terminal.verdict import NO_LOGIN, USAGE, Verdict, judged, need, reported

if TYPE_CHECKING:
    from bracketd.client import Broker

TIMEOUT_S: Final = 10.0

COMMON: Final = (
    click.option("--url", envvar="BRACKETD_URL", help="The server, such as http://127.0.0.1:8000; else BRACKETD_URL."),
    click.option(
        "--token", envvar="BRACKETD_TOKEN", help="The token; else BRACKETD_TOKEN, which no process list shows."
    ),
    click.option("--client", "client_id", envvar="BRACKETD_CLIENT", help="Whose token it is; asked for if not named."),
    click.option("--profile", envvar="BRACKETD_PROFILE", help="A saved profile; the one in use if nothing is named."),
)
"""What every verb that speaks to a server takes."""

JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, and errors as JSON too.")


@dataclass(frozen=True)
class Access:
    """A server and a client of it. `token` is never printed."""

    url: str
    token: str
    client_id: str
    as_json: bool

    def __repr__(self) -> str:
        return f"<Access to {self.url}>"

    @contextmanager
    def broker(self, *, attempts: int = 4) -> Iterator["Broker"]:
        """The broker, until the end of the block. Raises BrokerError where it has to be asked whose the token is."""
        from bracketd.client import Broker

        client_id = self.client_id
        if not client_id:
            with Broker(self.url, self.token, "", timeout_s=TIMEOUT_S) as asked:
                client_id = asked.whose()
        with Broker(self.url, self.token, client_id, timeout_s=TIMEOUT_S, attempts=attempts) as broker:
            yield broker


def speaks(work: Callable[..., None]) -> Callable[..., None]:
    """A verb that speaks to a server: it takes the common options, and is handed its Access."""

    @functools.wraps(work)
    def run(**options: Any) -> None:
        named = [options.pop(name) for name in ("url", "token", "client_id", "profile")]
        as_json: bool = options.pop("as_json")
        with reported(as_json):
            need("httpx", "rich")
            access = find_access(*named, as_json=as_json)
            with judged(access.url):
                work(access, **options)

    decorated: Callable[..., None] = run
    for option in (JSON, *reversed(COMMON)):
        decorated = option(decorated)
    return decorated


def find_access(
    url: str | None, token: str | None, client_id: str | None, profile: str | None, *, as_json: bool
) -> Access:
    """The access that the options, the environment and the profiles come to. Raises Verdict.

    A profile's token goes to that profile's server only.
    """
    if url and token:
        return Access(server_url(url), token, client_id or "", as_json)
    profiles = Profiles(profiles_file())
    name = profile or profiles.current
    if not name:
        raise Verdict(
            "No server and token are named: give --url and --token, set BRACKETD_URL and BRACKETD_TOKEN, "
            "or log in once with `bracketd login`.",
            NO_LOGIN,
        )
    saved = profiles.profile(name)
    if url and server_url(url) != saved.url:
        raise Verdict(f"The token of profile {name} is for {saved.url}; give --token for another server.", NO_LOGIN)
    return Access(saved.url, token or saved.token, client_id or saved.client_id, as_json)


def server_url(url: str) -> str:
    """A server's address without a slash at its end. Raises Verdict where it is none."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.username
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise Verdict(f"{url!r} is no address of a server, such as http://127.0.0.1:8000.", USAGE)
    return url.rstrip("/")


def option_names() -> list[str]:
    """The names of the common options, --json included."""

    def nothing() -> None:
        """Only there to be decorated."""

    decorated: Any = nothing
    for option in (*COMMON, JSON):
        decorated = option(decorated)
    return sorted(name for parameter in decorated.__click_params__ for name in parameter.opts)
