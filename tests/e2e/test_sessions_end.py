"""What ends a session ends it in a real process at once: its requests, its websockets, and whatever comes after a kill.

Each way of ending is tried on a signed token and on an opaque one, beside the running server by another process, just
before a power cut, and while no server runs; docs/login.md lists them.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.e2e.caller import UNAUTHORISED, Caller
from tests.e2e.process import HOST, Server, command
from tests.e2e.test_feeds import HEAR_S, ending, url
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bracketd.auth.applications import Applications
from bracketd.auth.client_store import ClientStore
from bracketd.auth.issuing import issue_for
from bracketd.auth.opaque_token import OpaqueTokens, new_token
from bracketd.auth.signing_key import load_or_create

pytestmark = pytest.mark.slow

HOUR_NS = 3_600 * 10**9
CLOSED_WITHIN_S = 1.0
"""What docs/feeds.md promises of close code 1008."""

WAYS = ("logout", "rotate", "passwd", "disable")


class Session(NamedTuple):
    """One token of a client of its own; `app_id` is "" for a signed one."""

    client: str
    token: str
    app_id: str


class Sessions:
    """A server, and sessions that are begun beside it."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder, clients=("STAYS",))
        self._number = 0
        self.staying = [self.begin("signed", "STAYS"), self.begin("opaque", "STAYS")]
        self.server.start()

    def begin(self, kind: str, client: str = "") -> Session:
        """A new session of that kind, of a client of its own."""
        self._number += 1
        now_ns = time.time_ns()
        with ClientStore(self.server.data) as store:
            if not client:
                client = f"S{self._number}"
                store.add(client, "no password", 10**9, 5, now_ns)
            if kind == "signed":
                key = load_or_create(self.server.data)
                return Session(client, issue_for(store, key, client, HOUR_NS, "web", now_ns), "")
            app, _ = Applications(store.file).add(f"App {self._number}", ["https://app.example/back"], now_ns)
            record = store.get(client)
            assert record is not None
            token = new_token()
            OpaqueTokens(store).keep(token, client, record.client_token, app.app_id, "orders", now_ns)
            return Session(client, token, app.app_id)

    def caller(self, session: Session) -> Caller:
        """Requests of that session."""
        return Caller(HOST, self.server.port, session.client, session.token)

    def listen(self, session: Session) -> ClientConnection:
        """A websocket of that session."""
        return connect(url(self.server, session.token))

    def end(self, session: Session, way: str) -> None:
        """End it, over HTTP or by the command line of another process."""
        if way == "logout":
            assert self.caller(session).send("POST", "/api/v1/user/logout").status == 200
        elif way == "remove":
            command("app", "remove", session.app_id, "--data", str(self.server.data))
        else:
            command("client", way, session.client, "--data", str(self.server.data))

    def check_ended(self, session: Session) -> None:
        """Neither a read, nor a placement, nor a cancel, nor a websocket is let in."""
        caller = self.caller(session)
        assert caller.get("/api/v1/orders?type=pending").body == UNAUTHORISED
        for method in ("POST", "PUT", "DELETE"):
            assert caller.send_json(method, "/api/v1/orders/kart", {}).body == UNAUTHORISED
        with pytest.raises(InvalidStatus) as refused:
            self.listen(session)
        assert (refused.value.response.status_code, refused.value.response.body) == (401, UNAUTHORISED)

    def check_staying(self) -> None:
        """Whoever was not meant is let in as before."""
        for session in self.staying:
            assert self.caller(session).book("pending") == []


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    """A process of the test's own."""
    made = Sessions(tmp_path)
    try:
        yield made
    finally:
        made.server.kill()


@pytest.mark.parametrize("kind", ["signed", "opaque"])
def test_ended_at_once_and_after_a_kill(sessions: Sessions, kind: str) -> None:
    """Each way closes the websocket within a second and refuses the next request, and a killed server knows it too."""
    ended = []
    for way in (*WAYS, "remove") if kind == "opaque" else WAYS:
        session = sessions.begin(kind)
        assert sessions.caller(session).book("pending") == []
        with sessions.listen(session) as connection, sessions.listen(sessions.staying[0]) as bystander:
            sessions.end(session, way)
            asked_s = time.monotonic()
            assert sessions.caller(session).get("/api/v1/orders?type=pending").body == UNAUTHORISED
            assert ending(connection) == (1008, "Request Unauthorised"), way
            assert time.monotonic() - asked_s < CLOSED_WITHIN_S, way
            bystander.send('{"a":"unsubscribe","m":"updates"}')
            assert bystander.recv(HEAR_S)[0] == 99
        sessions.check_ended(session)
        ended.append(session)
    sessions.check_staying()
    sessions.server.kill()
    sessions.server.start()
    for session in ended:
        sessions.check_ended(session)
    sessions.check_staying()


@pytest.mark.parametrize("kind", ["signed", "opaque"])
def test_power_cut_right_after_forgets_no_end(sessions: Sessions, kind: str) -> None:
    """What was ended in the moment before a power cut is ended after it, though no request saw it in between."""
    begun = {way: sessions.begin(kind) for way in WAYS}
    for session in begun.values():
        assert sessions.caller(session).book("pending") == []
    for way, session in begun.items():
        sessions.end(session, way)
    sessions.server.kill()
    sessions.server.start()
    for session in begun.values():
        sessions.check_ended(session)
    sessions.check_staying()


@pytest.mark.parametrize("kind", ["signed", "opaque"])
def test_ended_while_no_server_runs(sessions: Sessions, kind: str) -> None:
    """What the operator ends while nothing serves is refused from the first request on; `enable` revives no token."""
    begun = {way: sessions.begin(kind) for way in WAYS[1:]}
    sessions.server.kill()
    for way, session in begun.items():
        sessions.end(session, way)
    command("client", "enable", begun["disable"].client, "--data", str(sessions.server.data))
    sessions.server.start()
    for session in begun.values():
        sessions.check_ended(session)
    sessions.check_staying()
