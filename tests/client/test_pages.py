"""docs/client.md and docs/testing.md: nothing of what there is is missing."""

import inspect
from pathlib import Path

from bracketd import client, testing
from bracketd.client import BrokerError
from bracketd.testing import SCENARIOS, Do, Step, When
from bracketd.testing.script_pages import METHODS

DOCS = Path(__file__).resolve().parents[2] / "docs"
CLIENT = (DOCS / "client.md").read_text(encoding="utf-8")
TESTING = (DOCS / "testing.md").read_text(encoding="utf-8")


def test_every_error_and_method_is_on_the_client_s_page() -> None:
    """The page names each class of an error, and each public method of a broker and a bracket."""
    errors = [name for name in client.__all__ if isinstance(getattr(client, name), type)]
    errors = [name for name in errors if issubclass(getattr(client, name), BrokerError)]
    assert [name for name in errors if f"`{name}`" not in CLIENT] == []
    methods = [name for kind in (client.Broker, client.Bracket) for name, _ in inspect.getmembers(kind, callable)]
    shown = [name for name in methods if not name.startswith("_") and name != "login"]
    assert [name for name in shown if f"`{name}(" not in CLIENT] == []


def test_everything_of_the_kit_is_on_its_page() -> None:
    """The page names each scenario with its complaint, each step, field, word and route, and each public method."""
    rows = [line for line in TESTING.splitlines() if line.startswith("| `")]
    for scenario in SCENARIOS.values():
        assert any(row.startswith(f"| `{scenario.name}` | {scenario.complaint} |") for row in rows), scenario.name
    words = [*Do, *When, *Step.__struct_fields__]
    assert [word for word in words if f"`{word}`" not in TESTING] == []
    functions = [name for name in testing.__all__ if inspect.isfunction(getattr(testing, name))]
    methods = [name for name, _ in inspect.getmembers(testing.PaperBroker, callable) if not name.startswith("_")]
    assert [name for name in [*functions, *methods] if f"`{name}(" not in TESTING and name != "close"] == []
    routes = [f"| `{method} {path}` |" for path, methods in METHODS.items() for method in methods]
    assert [route for route in routes if route not in TESTING] == []
