"""Tables have a format, part by part, and are brought up to date by whoever first needs them.

All live in the schema `bracketd`. `bracketd.part` names each part and the format that its tables have. A newer
program takes an older part along, inside one transaction and one at a time; an older program refuses a newer part.
"""

from collections.abc import Sequence
from typing import Final

from bracketd.database.link import Connection, Unreachable

SCHEMA: Final = "bracketd"
TURN: Final = 0x6272_6163_6B65_7464
"""The advisory lock under which tables are made: eight letters of the product's name."""

_PARTS: Final = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.part (name text PRIMARY KEY, format integer NOT NULL);
"""


class TablesTooNew(Unreachable):
    """A part's tables were made by a later program, in a format this one does not know."""

    def __init__(self, part: str, found_format: int, known_format: int) -> None:
        super().__init__(f"the {part} has format {found_format}, this program knows formats up to {known_format}")
        self.found_format = found_format
        self.known_format = known_format


class NoTables(Unreachable):
    """The database holds nothing of this program."""


async def format_of(connection: Connection, part: str) -> int:
    """The format of a part's tables, 0 where there are none."""
    if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.part") is None:
        return 0
    found = await connection.fetchval(f"SELECT format FROM {SCHEMA}.part WHERE name = $1", part)
    return int(found or 0)


async def bring_up(connection: Connection, part: str, steps: Sequence[str]) -> None:
    """Bring a part's tables to the format len(steps), where step n leads from format n to n + 1.

    Raises TablesTooNew. One transaction; two programs that start together wait for one another.
    """
    if await _is_newest(connection, part, len(steps)):
        return
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", TURN)
        await connection.execute(_PARTS)
        found = await format_of(connection, part)
        for step in steps[found:]:
            await connection.execute(step)
        await connection.execute(
            f"INSERT INTO {SCHEMA}.part VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET format = excluded.format",
            part,
            len(steps),
        )


async def require(connection: Connection, part: str, known_format: int) -> None:
    """Raise NoTables or TablesTooNew unless a part's tables are there in the newest format; changes nothing."""
    if not await _is_newest(connection, part, known_format):
        raise NoTables(f"the database holds no {part} of this program")


async def _is_newest(connection: Connection, part: str, known_format: int) -> bool:
    found = await format_of(connection, part)
    if found > known_format:
        raise TablesTooNew(part, found, known_format)
    return found == known_format
