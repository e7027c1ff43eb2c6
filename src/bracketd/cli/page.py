"""The page in front of an application, where an operator asked for it."""

import functools
from collections.abc import Callable
from typing import ParamSpec

import click

from bracketd.blotter.files import PartsMissing, load_page_files
from bracketd.blotter.pages import Blotter
from bracketd.runtime.http_server import App

P = ParamSpec("P")


def with_page(build: Callable[P, App], *, asked: bool) -> Callable[P, App]:
    """How an application is made that has the page in front of it, which neither wire nor runtime knows of.

    Where it was not `asked` for, just as before. Raises click.ClickException where grid and chart are not installed.
    """
    if not asked:
        return build
    try:
        files = load_page_files()
    except PartsMissing as missing:
        raise click.ClickException(f"Cannot show the page: {missing}.") from missing

    @functools.wraps(build)
    def made(*parts: P.args, **named: P.kwargs) -> App:
        return Blotter(build(*parts, **named), files)

    return made
