"""Changes of clients that belong together: all of them come to the disk in one transaction, or none does."""

from collections.abc import Callable, Iterable
from typing import Any

from bracketd.auth.client_tables import ClientTables, Statement, Version


class ChangeSet:
    """ClientTables whose writes wait for `keep`; what is read is what stands until then.

    A write cannot say how many rows it will touch, and says one: whoever changes a row has seen that it is there.
    """

    def __init__(self, tables: ClientTables) -> None:
        """Gather changes for tables that are open, and stay so."""
        self.on_failure: list[Callable[[str], None]] = tables.on_failure
        self._tables = tables
        self._statements: list[Statement] = []

    def keep(self) -> None:
        """Make the changes, durably. Raises what `ClientTables.write_all` does."""
        statements, self._statements = self._statements, []
        self._tables.write_all(statements)

    def close(self) -> None:
        """Forget what was not kept; the tables are their opener's."""
        self._statements = []

    def version(self) -> Version:
        """The tables' own."""
        return self._tables.version()

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query, as they stand."""
        return self._tables.read(sql, values)

    def write(self, sql: str, values: tuple[Any, ...]) -> int:
        """Add one statement."""
        self._statements.append((sql, values))
        return 1

    def write_all(self, statements: Iterable[Statement]) -> None:
        """Add several."""
        self._statements += statements
