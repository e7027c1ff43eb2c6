"""Every public name of the client and of the kit has an example, and every example prints what it says."""

import inspect
from types import ModuleType

import pytest
from tests.client.spoken import examples, run

import bracketd.client
import bracketd.testing

PACKAGES = [bracketd.client, bracketd.testing]
EXAMPLES = [pytest.param(name, text, id=name) for package in PACKAGES for name, text in examples(package)]


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_example_prints_what_it_says(name: str, text: str) -> None:
    """An example in a docstring runs against a paper broker and prints what it says."""
    run(name, text)


def test_a_wrong_example_is_found() -> None:
    """The runner sees an example that prints something else, raises, or raises nothing, with asyncio or without."""
    for name in ("x", "AsyncX"):
        for text in (">>> 1\n2", ">>> 1 / 0\n1", ">>> 1\nTraceback (most recent call last):\n...\nValueError: no"):
            with pytest.raises(AssertionError):
                run(name, text)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_name_has_an_example(package: ModuleType) -> None:
    """What a package exports, and every public method of a class in it, has an example."""
    shown = {name.partition(".")[2] for name, _ in examples(package)}
    missing = []
    for name in package.__all__:
        thing = getattr(package, name)
        if name not in shown:
            missing.append(name)
        if inspect.isclass(thing):
            for method, value in inspect.getmembers(thing, inspect.isroutine):
                of_ours = (getattr(value, "__module__", "") or "").startswith(package.__name__)
                owner = getattr(value, "__qualname__", "").rpartition(".")[0]
                if of_ours and not method.startswith("_") and f"{owner}.{method}" not in shown:
                    missing.append(f"{owner}.{method}")
    # A step's and an order's own judgements are read, not called.
    assert [name for name in missing if name != "Step.fault"] == []
