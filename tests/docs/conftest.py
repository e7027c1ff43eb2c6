"""Servers for the tests of the documents: those of the command line's tests."""

from tests.cli.conftest import bracketd, start

__all__ = ["bracketd", "start"]
