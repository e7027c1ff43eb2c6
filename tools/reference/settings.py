"""The page of a server's settings: the fields of `Settings` with the texts that stand at them."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields

from bracketd.cli.main import main
from bracketd.runtime import settings
from bracketd.runtime.settings import Settings
from tools.markdown import code, table


def settings_page() -> str:
    """Every setting with its type, its option of `bracketd serve` and the value that holds without a word."""
    told = dict(attribute_texts(inspect.getsource(settings), Settings.__name__))
    options = {parameter.name: parameter.opts[-1] for parameter in main.commands["serve"].params}
    rows = [
        (
            code(field.name),
            code(options.get(field.name, "")),
            code(str(field.type).replace("pathlib.", "") if not isinstance(field.type, type) else field.type.__name__),
            "needed" if field.default is MISSING else code(_shown(field.default)),
            told[field.name],
        )
        for field in fields(Settings)
    ]
    return "\n".join(
        (
            "# Settings of a server\n",
            "Made of `runtime/settings.py`. A setting without an option is for programs that put a server together.\n",
            table(("Setting", "Option", "Type", "Without a word", "Meaning"), rows),
        )
    )


def attribute_texts(source: str, name: str) -> Iterator[tuple[str, str]]:
    """(field, text) of a class whose fields have a string below them."""
    (found,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name]
    for node, after in zip(found.body, found.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if not isinstance(after, ast.Expr) or not isinstance(after.value, ast.Constant):
                raise ValueError(f"{name}.{node.target.id} has no text below it")
            yield node.target.id, str(after.value.value)


def _shown(value: object) -> str:
    """A value as an operator would write it."""
    if value is None or value == ():
        return ""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
