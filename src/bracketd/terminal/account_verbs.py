"""The verbs about who one is: login, logout, profile; and shell completion."""

import sys
from typing import Final

import click

from bracketd.terminal.access import JSON, TIMEOUT_S, find_access, server_url
from bracketd.terminal.profiles import DEFAULT_NAME, Profile, Profiles, profiles_file
from bracketd.terminal.verdict import REFUSED, USAGE, Verdict, judged, need, reported

SHELLS: Final = ("bash", "zsh", "fish")


@click.command()
@click.argument("url")
@click.argument("client_id", metavar="CLIENT")
@click.option("--profile", "name", default=DEFAULT_NAME, show_default=True, help="The name to keep the login under.")
@click.option("--totp", is_flag=True, help="Ask for an authenticator's code instead of the PIN.")
@click.option("--password-stdin", is_flag=True, help="Read password and PIN or code from standard input, a line each.")
@JSON
def login(url: str, client_id: str, name: str, totp: bool, password_stdin: bool, as_json: bool) -> None:
    """Log in at URL with CLIENT's password and PIN or code, and keep the token in a profile."""
    with reported(as_json):
        need("httpx")
        from bracketd.client.connection import Connection
        from bracketd.client.login import login as log_in

        url = server_url(url)
        # Read before anything is sent: a file that cannot be written should not cost a login.
        profiles = Profiles(profiles_file())
        second = "authenticator's code" if totp else "PIN"
        password, answer = _secrets(second, from_stdin=password_stdin)
        with judged(url):
            connection = Connection(url, "", TIMEOUT_S, None, None, None)
            try:
                token = connection.run(log_in(client_id, password, "" if totp else answer, answer if totp else ""))
            finally:
                connection.close()
        profiles.save(name, Profile(url, client_id, token))
        _said(as_json, {"profile": name, "url": url, "client": client_id}, f"Logged in as {client_id}; profile {name}.")


@click.command()
@click.option("--profile", "name", default="", help="The profile to end; the one in use if not named.")
@JSON
def logout(name: str, as_json: bool) -> None:
    """End the token of a profile, and forget the profile."""
    with reported(as_json):
        need("httpx")
        profiles = Profiles(profiles_file())
        name = name or profiles.current
        if not name:
            raise Verdict("No profile is in use.", REFUSED)
        profile = profiles.profile(name)
        access = find_access(None, None, None, name, as_json=as_json)
        with judged(profile.url):
            from bracketd.client import Unauthorised

            try:
                with access.broker() as broker:
                    broker.logout()
            except Unauthorised:
                # It is dead already, which is what is wanted.
                pass
        profiles.remove(name)
        _said(as_json, {"profile": name}, f"Logged out; profile {name} is forgotten.")


@click.group()
def profile() -> None:
    """The saved logins; a token is never printed."""


@profile.command("save")
@click.argument("name")
@click.option("--url", envvar="BRACKETD_URL", required=True, help="The server; else BRACKETD_URL.")
@click.option(
    "--client", "client_id", envvar="BRACKETD_CLIENT", required=True, help="The client; else BRACKETD_CLIENT."
)
@click.option("--token", envvar="BRACKETD_TOKEN", help="The token; else BRACKETD_TOKEN, else standard input.")
@JSON
def profile_save(name: str, url: str, client_id: str, token: str | None, as_json: bool) -> None:
    """Keep a token that was got elsewhere, such as by `bracketd token`, and use it from now on."""
    with reported(as_json):
        token = token or sys.stdin.readline().strip()
        if not token:
            raise Verdict("There is no token: give it by BRACKETD_TOKEN or on standard input.", USAGE)
        url = server_url(url)
        Profiles(profiles_file()).save(name, Profile(url, client_id, token))
        _said(as_json, {"profile": name, "url": url, "client": client_id}, f"Saved and in use: {name}.")


@profile.command("list")
@JSON
def profile_list(as_json: bool) -> None:
    """List the profiles: name, client, server; a star marks the one in use."""
    with reported(as_json):
        profiles = Profiles(profiles_file())
        rows = [
            {"profile": name, "client": each.client_id, "url": each.url, "current": name == profiles.current}
            for name, each in sorted(profiles.named.items())
        ]
        lines = [f"{'*' if row['current'] else ' '} {row['profile']}  {row['client']}  {row['url']}" for row in rows]
        _said(as_json, {"profiles": rows}, "\n".join(lines) or "No profiles.")


@profile.command("use")
@click.argument("name")
@JSON
def profile_use(name: str, as_json: bool) -> None:
    """Use this profile where none is named."""
    with reported(as_json):
        Profiles(profiles_file()).use(name)
        _said(as_json, {"profile": name}, f"In use: {name}.")


@profile.command("remove")
@click.argument("name")
@JSON
def profile_remove(name: str, as_json: bool) -> None:
    """Forget a profile; its token stays good until it expires."""
    with reported(as_json):
        Profiles(profiles_file()).remove(name)
        _said(as_json, {"profile": name}, f"Forgotten: {name}.")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete `bracketd`: eval "$(bracketd completion bash)"."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise Verdict(f"Nothing is known of {shell}.", USAGE)
    click.echo(kind(ctx.find_root().command, {}, "bracketd", "_BRACKETD_COMPLETE").source())


def _secrets(second: str, *, from_stdin: bool) -> tuple[str, str]:
    """(password, PIN or code): read from standard input, or asked for without an echo. Raises Verdict."""
    if from_stdin:
        password, answer = (sys.stdin.readline().rstrip("\r\n") for _ in range(2))
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, err=True)
        answer = click.prompt(second[0].upper() + second[1:], hide_input=True, err=True)
    else:
        raise Verdict("Nobody is there to be asked: give --password-stdin.", USAGE)
    if not password or not answer:
        raise Verdict(f"A login needs a password and a {second}.", USAGE)
    return password, answer


def _said(as_json: bool, document: dict[str, object], sentence: str) -> None:
    from bracketd.terminal.screen import say_json

    if as_json:
        say_json(document)
    else:
        click.echo(sentence)
