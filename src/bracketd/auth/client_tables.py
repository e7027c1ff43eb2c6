"""The tables of who may speak, whatever keeps them: a file beside the journal, or a database that gateways share.

What the tables mean is the business of the modules that read them. Their statements are those that SQLite and
PostgreSQL read alike, with a question mark for each value.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

Statement = tuple[str, tuple[Any, ...]]
Version = tuple[bytes | int, int]
"""What is compared for being the same, and nothing else."""


class ClientStoreError(Exception):
    """What the store refuses; the text says which client, file or database."""


class ClientsUnavailable(ClientStoreError):
    """What keeps the clients does not answer, or its disk has refused: nobody can be let in.

    What was being written may stand.
    """


class ClientTables(Protocol):
    """One opener's view of the tables, used by one thread at a time; every change is durable when its call returns.

    `on_failure` holds functions called once with the reason when the tables are shut for good: whoever serves must end,
    and open them again. A database that does not answer is not: it may answer again.
    """

    on_failure: list[Callable[[str], None]]

    def close(self) -> None:
        """End it."""
        ...

    def version(self) -> Version:
        """A value that differs after every change that can end a session, by this opener or by any other.

        Others' changes show at once in a file, and in a database after a moment whose length that one names. It is
        cheap enough to be asked for with every request. Read it before what it is to vouch for.
        """
        ...

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query."""
        ...

    def write(self, sql: str, values: tuple[Any, ...]) -> int:
        """Run one statement as one durable transaction; gives the number of rows it touched."""
        ...

    def write_all(self, statements: Iterable[Statement]) -> None:
        """Run several statements as one durable transaction: all of them or none."""
        ...
