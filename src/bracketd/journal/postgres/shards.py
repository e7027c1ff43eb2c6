"""The shards of one database: their leases, and the map that says which account is in which.

A map is a row and is never changed: a new one has the next version, and of two that are made at once only one gets in.
"""

from bracketd.database.address import Address, read_address
from bracketd.database.link import FAULTS, Connection, Doubtful, Link, Unreachable, words
from bracketd.domain.slot import SlotMap, even_map
from bracketd.journal.postgres import tables
from bracketd.journal.postgres.journal import PostgresJournal
from bracketd.journal.postgres.reader import ask
from bracketd.journal.protocol import JournalDamaged, Unknown
from bracketd.journal.shards import Holding

_HOLDINGS = """
SELECT id, owner, epoch, owner <> '' AND expires_ns > bracketd.now_ns(), last_seq
FROM bracketd.shard WHERE id < $1 ORDER BY id
"""
# What is stored would be in a copy too. Any user may ask this, and whoever speaks to the same primary hears the same.
_IDENTITY = """
SELECT oid::text || ' ' || extract(epoch FROM pg_postmaster_start_time())::text
FROM pg_database WHERE datname = current_database()
"""
_NEWEST_MAP = "SELECT version, shards FROM bracketd.slot_map ORDER BY version DESC LIMIT 1"
_ADD_MAP = "INSERT INTO bracketd.slot_map VALUES ($1, $2) ON CONFLICT (version) DO NOTHING"


class MapReplaced(Exception):
    """Another map was put in place first: read it, and plan anew."""


async def holdings_of(link: Link, count: int) -> list[Holding]:
    """The lease of each of the first `count` shards, by the database's clock. Raises Unknown."""
    rows = await ask(link, lambda connection: connection.fetch(_HOLDINGS, count))
    found = {row[0]: Holding(*row) for row in rows}
    return [found.get(shard, Holding(shard, "", 0, False)) for shard in range(count)]


async def identity_of(link: Link) -> bytes:
    """Which database of which running server this is, by its number and the server's start. Raises Unknown."""
    found: str = await ask(link, lambda connection: connection.fetchval(_IDENTITY))
    return found.encode()


class PostgresShards:
    """A store of shards (see shards.py) in the database at `address`.

    A database without a map gets an even one of `count` shards from whoever asks for it first.
    """

    def __init__(self, address: Address | str, count: int = 1) -> None:
        self.address = read_address(address) if isinstance(address, str) else address
        self._count = count
        self._link = Link(self.address, tables.prepare)

    async def slot_map(self) -> SlotMap:
        """The map that holds. Raises Unknown, JournalDamaged for a map that is none."""

        async def newest(connection: Connection) -> tuple[int, list[int]]:
            row = await connection.fetchrow(_NEWEST_MAP)
            if row is None:
                first = even_map(self._count)
                await connection.execute(_ADD_MAP, first.version, list(first.shards))
                row = await connection.fetchrow(_NEWEST_MAP)
            return row[0], row[1]

        # To ask twice is safe: the first map is the same or somebody else's.
        version, shards = await ask(self._link, newest)
        try:
            return SlotMap(version, tuple(shards))
        except ValueError as fault:
            raise JournalDamaged(f"slot map {version} is none: {fault}") from fault

    async def put_map(self, slot_map: SlotMap) -> None:
        """Put a new map in place, whose version is the next. Raises MapReplaced, Unknown.

        Whoever follows the map learns of it when he reads it next; an owner must have stopped serving what moves.
        """
        holds = await self.slot_map()
        if slot_map.version != holds.version + 1:
            raise MapReplaced(f"map {holds.version} holds, {slot_map.version} is not the next")
        values = (slot_map.version, list(slot_map.shards))
        try:
            answer = await self._link.use(lambda connection: connection.execute(_ADD_MAP, *values))
        except (Unreachable, Doubtful, *FAULTS) as fault:
            raise Unknown(f"whether map {slot_map.version} was put in place: {words(fault)}") from fault
        if answer != "INSERT 0 1":
            raise MapReplaced(f"map {slot_map.version} was put in place by somebody else")

    async def identity(self) -> bytes:
        """The database and the start of its server: another one after a failover, for all alike. Raises Unknown."""
        return await identity_of(self._link)

    async def holdings(self) -> list[Holding]:
        """The lease of every shard of the map, by the database's clock. Raises Unknown."""
        count = (await self.slot_map()).count
        return await holdings_of(self._link, count)

    async def journal(self, shard: int) -> PostgresJournal:
        """The journal of one shard; it connects when it is first asked for something."""
        return PostgresJournal(self.address, shard)

    async def close(self) -> None:
        """End the connection; journals that were opened go on."""
        await self._link.close()
