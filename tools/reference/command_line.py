"""The page of the command line: what `bracketd ... --help` prints, read from the same commands."""

from collections.abc import Iterator

import click

from bracketd.cli.main import main
from tools.markdown import code, table


def command_line_page() -> str:
    """Every command with its arguments and options, in the order of `--help`."""
    return "\n".join(
        (
            "# Command line\n",
            (
                "Made of the commands themselves; `bracketd COMMAND --help` prints the same. "
                "Exit codes are in [the README](../project/readme.md).\n"
            ),
            *_sections(main, "bracketd"),
        )
    )


def commands(group: click.Group, path: str = "bracketd") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        alone = not isinstance(command, click.Group) or command.invoke_without_command
        if alone and not command.hidden:
            yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def _sections(group: click.Group, path: str) -> Iterator[str]:
    for words, command in commands(group, path):
        yield f"## `{words}`\n"
        yield (command.help or "").strip() + "\n"
        context = click.Context(command, info_name=words)
        yield f"```text\n{' '.join([words, *command.collect_usage_pieces(context)])}\n```\n"
        rows = [_row(parameter, context) for parameter in command.get_params(context)]
        yield table(("Name", "Value", "Without a word", "Meaning"), rows)


def _row(parameter: click.Parameter, context: click.Context) -> tuple[str, ...]:
    if not isinstance(parameter, click.Option):
        return code(parameter.make_metavar(context)), "", "needed" if parameter.required else "", ""
    names = ", ".join(code(name) for name in [*parameter.opts, *parameter.secondary_opts])
    value = "" if parameter.is_flag else code(parameter.make_metavar(context))
    without = "needed" if parameter.required else _default(parameter, context)
    again = " May be given again." if parameter.multiple and "again" not in (parameter.help or "") else ""
    return names, value, without, (parameter.help or "") + again


def _default(option: click.Option, context: click.Context) -> str:
    """The value that holds when the option is not given, as `--help` shows it; nothing where it shows none."""
    extra = option.get_help_extra(context)
    return code(str(extra["default"])) if "default" in extra else ""
