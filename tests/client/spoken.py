"""Examples in docstrings, run against a paper broker: those of a class with asyncio may await."""

import ast
import asyncio
import builtins
import contextlib
import doctest
import inspect
import io
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

import bracketd.client
import bracketd.testing
from bracketd.testing import AsyncPaperBroker, PaperBroker

PARSER = doctest.DocTestParser()
CHECKER = doctest.OutputChecker()


def examples(package: ModuleType) -> Iterator[tuple[str, str]]:
    """(name, docstring) of everything in a package whose docstring has an example."""
    for path in sorted(Path(str(package.__file__)).parent.glob("*.py")):
        for name, text in _documented(ast.parse(path.read_text(encoding="utf-8"))):
            if ">>>" in text:
                yield f"{path.stem}.{name}", text


def names() -> dict[str, Any]:
    """What an example may use without importing it."""
    known: dict[str, Any] = {"httpx": httpx}
    for package in (bracketd.client, bracketd.testing):
        known |= {name: getattr(package, name) for name in package.__all__}
    return known


def run(name: str, text: str) -> None:
    """Run the examples of one docstring; raises AssertionError where one does not print what it says."""
    if re.search(r"\bAsync|async_broker", name):
        asyncio.run(_run_async(name, text))
        return
    with Kit() as kit:
        kit.say(name, text)


class Kit:
    """A paper broker `paper` and its client `broker`, to whom examples are said one after the other."""

    def __enter__(self) -> "Kit":
        self._paper = PaperBroker().__enter__()
        self._given = names() | {"paper": self._paper, "broker": self._paper.client("A")}
        return self

    def __exit__(self, *fault: Any) -> None:
        self._paper.__exit__(*fault)

    def say(self, name: str, text: str) -> None:
        """Run the examples of a text; raises AssertionError where one does not print what it says."""
        for example in PARSER.get_examples(text):
            code = compile(example.source, name, "single")
            _judge(name, example, _printed(lambda code=code: exec(code, self._given)))


async def _run_async(name: str, text: str) -> None:
    async with AsyncPaperBroker() as paper:
        given = names() | {"paper": paper, "broker": paper.client("A")}
        for example in PARSER.get_examples(text):
            code = compile(example.source, name, "single", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                try:
                    work = eval(code, given)
                    if inspect.iscoroutine(work):
                        await work
                except Exception as fault:  # noqa: BLE001  An example may show what is raised.
                    printed.write(_told(fault))
            _judge(name, example, printed.getvalue())


def _printed(work: Any) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            work()
        except Exception as fault:  # noqa: BLE001  As above.
            printed.write(_told(fault))
    builtins.__dict__.pop("_", None)
    return printed.getvalue()


def _told(fault: Exception) -> str:
    return f"Traceback: {type(fault).__name__}: {fault}\n"


def _judge(name: str, example: doctest.Example, printed: str) -> None:
    want = f"Traceback: {example.exc_msg}" if example.exc_msg else example.want
    assert CHECKER.check_output(want, printed, 0), f"{name}: {example.source}printed {printed!r}, not {want!r}"


def _documented(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, str]]:
    body = getattr(tree, "body", [])
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, ast.get_docstring(node) or ""
            if isinstance(node, ast.ClassDef):
                yield from _documented(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            target = node.targets[0]
            if isinstance(target, ast.Name) and isinstance(after.value.value, str):
                yield prefix + target.id, inspect.cleandoc(after.value.value)
