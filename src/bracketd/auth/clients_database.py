"""The tables of who may speak in PostgreSQL, shared by all gateways of a deployment, with the key that signs tokens.

The stores above ask and wait, as they do for a file; so a thread of its own speaks to the database, and each question
has a time. A counter that every change of a client or a revocation moves, in the same transaction, is read again and
again: while it stands still, what a gate remembers is good, and no request asks the database anything. So a session
that is ended at one gateway is ended at another within POLL_S and the time of two questions.

A database that does not answer lets nobody in: after STANDING_S without an answer the version is no longer told, and
every question is refused at once until the thread has been answered again.
"""

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import CancelledError
from functools import lru_cache
from typing import Any, Final, TypeVar

from bracketd.auth.client_tables import ClientsUnavailable, Statement, Version
from bracketd.auth.signing_key import KEY_BYTES, SigningKeyError
from bracketd.database.address import Address, read_address
from bracketd.database.link import FAULTS, Connection, Doubtful, Link, Unreachable, words
from bracketd.database.tables import bring_up, require

PART: Final = "clients"
POLL_S: Final = 0.2
"""How often the counter of changes is read."""

STANDING_S: Final = 3.0
"""How old the last answer may be while what was let in before is still let in."""

ANSWER_S: Final = 2.0
"""How long one question may take."""

_FORMAT_1: Final = """
CREATE TABLE bracketd.client (
    client_id text COLLATE "C" PRIMARY KEY,
    password_hash text NOT NULL,
    cash_paise bigint NOT NULL CHECK (cash_paise >= 0),
    leverage bigint NOT NULL CHECK (leverage >= 1),
    client_token text NOT NULL,
    created_ns bigint NOT NULL,
    disabled bigint NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1))
);
CREATE TABLE bracketd.revoked (blacklist_key text COLLATE "C" PRIMARY KEY, exp_ms bigint NOT NULL);
CREATE INDEX revoked_exp_ms ON bracketd.revoked (exp_ms);
CREATE TABLE bracketd.second_factor (
    client_id text COLLATE "C" PRIMARY KEY,
    pin_hash text,
    totp_secret text,
    totp_timecode bigint NOT NULL DEFAULT 0
);
CREATE TABLE bracketd.failed_login (
    login_id text COLLATE "C" PRIMARY KEY,
    failures bigint NOT NULL,
    last_ns bigint NOT NULL
);
CREATE TABLE bracketd.application (
    app_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    created_ns bigint NOT NULL
);
CREATE TABLE bracketd.redirect_uri (
    app_id text COLLATE "C" NOT NULL,
    uri text COLLATE "C" NOT NULL,
    PRIMARY KEY (app_id, uri)
);
CREATE TABLE bracketd.authorization_code (
    code_sha256 bytea PRIMARY KEY,
    app_id text NOT NULL,
    client_id text NOT NULL,
    client_token text NOT NULL,
    redirect_uri text NOT NULL,
    scope text NOT NULL,
    challenge text,
    challenge_method text,
    expires_ns bigint NOT NULL,
    taken bigint NOT NULL DEFAULT 0 CHECK (taken IN (0, 1)),
    token_sha256 bytea
);
CREATE TABLE bracketd.opaque_token (
    token_sha256 bytea PRIMARY KEY,
    blacklist_key text NOT NULL,
    client_id text NOT NULL,
    client_token text NOT NULL,
    app_id text NOT NULL,
    scope text NOT NULL,
    exp_ms bigint NOT NULL
);
CREATE INDEX opaque_token_exp_ms ON bracketd.opaque_token (exp_ms);
CREATE TABLE bracketd.signing_key (id integer PRIMARY KEY CHECK (id = 1), key bytea NOT NULL);
CREATE TABLE bracketd.clients_version (id integer PRIMARY KEY CHECK (id = 1), version bigint NOT NULL);
INSERT INTO bracketd.clients_version VALUES (1, 1);
CREATE FUNCTION bracketd.clients_changed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN UPDATE bracketd.clients_version SET version = version + 1; RETURN NULL; END $$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bracketd.client
    FOR EACH STATEMENT EXECUTE FUNCTION bracketd.clients_changed();
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bracketd.revoked
    FOR EACH STATEMENT EXECUTE FUNCTION bracketd.clients_changed();
"""

_FORMAT_2: Final = """
CREATE TABLE bracketd.pending_login (
    ticket_sha256 bytea PRIMARY KEY,
    client_id text NOT NULL,
    client_token text NOT NULL,
    password_hash text NOT NULL,
    device text NOT NULL,
    factor text NOT NULL,
    until_ns bigint NOT NULL
);
"""

STEPS: Final = (_FORMAT_1, _FORMAT_2)

TABLES: Final = (
    "client",
    "revoked",
    "second_factor",
    "failed_login",
    "application",
    "redirect_uri",
    "authorization_code",
    "opaque_token",
    "pending_login",
)
"""The tables that a data folder's file has too."""

T = TypeVar("T")


class ClientsDatabase:
    """ClientTables in the database at `address`, whose tables are made if `make` says so and they are missing.

    Raises BadAddress, and ClientsUnavailable where the database does not answer or holds no clients.
    """

    def __init__(self, address: Address | str, *, make: bool = True) -> None:
        self.address = read_address(address) if isinstance(address, str) else address
        self.on_failure: list[Callable[[str], None]] = []
        self._make = make
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="clients-database", daemon=True)
        self._thread.start()
        self._asking = Link(self.address, self._prepare)
        self._polling = Link(self.address, self._prepare)
        self._own_changes = 0
        self._version = 0
        self._answered_s = float("-inf")
        self._fault = "it was not asked yet"
        self._poller: asyncio.Task[None] | None = None
        try:
            self._wait(self._first_look(), None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End both connections and the thread; doing it twice is allowed."""
        if self._loop.is_closed():
            return
        with contextlib.suppress(ClientsUnavailable):
            self._wait(self._end(), ANSWER_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def version(self) -> Version:
        """The counter as it was at most STANDING_S ago. Raises ClientsUnavailable where that is not known."""
        if time.monotonic() - self._answered_s > STANDING_S:
            raise ClientsUnavailable(f"the clients at {self.address.shown} cannot be asked: {self._fault}")
        return self._version, self._own_changes

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query. Raises ClientsUnavailable."""
        query, bound = _numbered(sql), _bindable(values)

        async def fetch(connection: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(query, *bound)]

        return self._answer(self._asking.ask(fetch))

    def write(self, sql: str, values: tuple[Any, ...]) -> int:
        """Run one statement as one durable transaction; gives the number of rows it touched.

        Raises ClientsUnavailable; the change may stand then.
        """
        query, bound = _numbered(sql), _bindable(values)

        async def execute(connection: Connection) -> int:
            answer: str = await connection.execute(query, *bound)
            return int(answer.rpartition(" ")[2])

        try:
            return self._answer(self._asking.use(execute))
        finally:
            self._own_changes += 1

    def write_all(self, statements: Iterable[Statement]) -> None:
        """Run several statements as one durable transaction: all or none. Raises ClientsUnavailable."""
        bound = [(_numbered(sql), _bindable(values)) for sql, values in statements]

        async def execute(connection: Connection) -> None:
            async with connection.transaction():
                for query, values in bound:
                    await connection.execute(query, *values)

        try:
            self._answer(self._asking.use(execute))
        finally:
            self._own_changes += 1

    def signing_key(self, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
        """The key that signs every gateway's tokens, made by whoever asks first. Raises ClientsUnavailable.

        Raises SigningKeyError for one that is not KEY_BYTES long.
        """
        query = "SELECT key FROM signing_key"
        if not (rows := self.read(query)):
            self.write("INSERT INTO signing_key VALUES (1, ?) ON CONFLICT DO NOTHING", (random_bytes(KEY_BYTES),))
            rows = self.read(query)
        key: bytes = rows[0][0]
        if len(key) != KEY_BYTES:
            raise SigningKeyError(f"the key at {self.address.shown} is not {KEY_BYTES} bytes long")
        return key

    async def _prepare(self, connection: Connection) -> None:
        if self._make:
            await bring_up(connection, PART, STEPS)
        else:
            await require(connection, PART, len(STEPS))
        await connection.execute("SET search_path TO bracketd")

    def _answer(self, question: Coroutine[Any, Any, T]) -> T:
        """Wait for an answer, unless it is known that none will come."""
        if time.monotonic() - self._answered_s > STANDING_S:
            question.close()
            raise ClientsUnavailable(f"the clients at {self.address.shown} cannot be asked: {self._fault}")
        return self._wait(question, ANSWER_S)

    def _wait(self, question: Coroutine[Any, Any, T], timeout_s: float | None) -> T:
        """Have the thread do something, and wait for it; whatever leaves it undone or in doubt is one error."""
        future = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError as fault:
            future.cancel()
            raise ClientsUnavailable(f"the clients at {self.address.shown} do not answer") from fault
        except CancelledError as fault:
            raise ClientsUnavailable(f"the clients at {self.address.shown} were closed") from fault
        except Unreachable as fault:
            raise ClientsUnavailable(str(fault)) from fault
        except (Doubtful, *FAULTS) as fault:
            raise ClientsUnavailable(f"the clients at {self.address.shown}: {words(fault)}") from fault

    async def _first_look(self) -> None:
        await self._look()
        self._poller = asyncio.ensure_future(self._poll())

    async def _look(self) -> None:
        """Read the counter; what it vouches for is as old as the question."""
        asked_s = time.monotonic()
        version = await self._polling.use(lambda c: c.fetchval("SELECT version FROM clients_version"))
        # The version first: whoever sees the newer time must not see the older version.
        self._version = version
        self._answered_s = asked_s

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._look()
            except (Unreachable, Doubtful, *FAULTS) as fault:
                self._fault = words(fault)

    async def _end(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
        await self._asking.close()
        await self._polling.close()


@lru_cache(256)
def _numbered(sql: str) -> str:
    """A statement with $1, $2 … in place of its question marks; none of ours has one in a text."""
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))


def _bindable(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Values as PostgreSQL takes them: flags as numbers, and no text that it cannot hold.

    A name with a zero byte or half a character in it is nobody's; it is looked for, and counted, under another.
    """
    return tuple(
        int(value)
        if isinstance(value, bool)
        else value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
        if isinstance(value, str)
        else value
        for value in values
    )
