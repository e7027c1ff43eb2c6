"""Origins on the command line: scheme and host as a browser names them."""

import click

from bracketd.runtime.settings import is_origin


class Origin(click.ParamType[str]):
    """`https://desk.example` or `http://127.0.0.1:3000`; no path, no wildcard."""

    name = "origin"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The origin as given; exit code 2 for anything else."""
        text = str(value)
        if not is_origin(text):
            self.fail(f"{text!r} is no origin; write it as a browser does, such as https://desk.example", param, ctx)
        return text
