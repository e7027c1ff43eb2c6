"""The authorization code grant: what is asked, granted and exchanged, and all that is not."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bracketd.auth.applications import Application, Applications
from bracketd.auth.authorization import AuthorizationFault, Authorizations, SentBack
from bracketd.auth.authorization_code import LIFETIME_NS
from bracketd.auth.client_store import ClientRecord, ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.refusal import Unauthorised

HERE = "http://127.0.0.1:65010"
STATE = "s-t/a?t&e%=#"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class World:
    """A folder with one client and two applications, and what passes between them."""

    def __init__(self, store: ClientStore, key: bytes, now_ns: int) -> None:
        self.store = store
        self.gate = Gate(store, key)
        self.now_ns = now_ns
        applications = Applications(store.file)
        self.app, self.secret = applications.add("App", [HERE, HERE + "/other"], now_ns)
        self.other, self.other_secret = applications.add("Other", [HERE], now_ns)
        self.authorizations = Authorizations(store)

    @property
    def client(self) -> ClientRecord:
        """CLIENT1 as it is now."""
        client = self.store.get("CLIENT1")
        assert client is not None
        return client

    def asking(self, **changes: str | None) -> dict[str, str]:
        """An authorization request; `changes` replace or (None) drop."""
        fields: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.app.app_id,
            "redirect_uri": HERE,
            "scope": "orders holdings",
            "state": STATE,
            "access_type": "authorization_code",
        }
        return {name: value for name, value in (fields | changes).items() if value is not None}

    def code(self, **changes: str | None) -> str:
        """A code for a request."""
        location = self.authorizations.granted(self.asking(**changes), self.client, self.now_ns)
        return parse_qs(urlsplit(location).query)["code"][0]

    def exchange(
        self, code: str, authorization: str | None = None, **changes: str | None
    ) -> tuple[int, dict[str, Any]]:
        """(status, JSON) of the token endpoint."""
        fields: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": HERE,
            "client_id": self.app.app_id,
            "client_secret": self.secret,
        }
        sent = {name: value for name, value in (fields | changes).items() if value is not None}
        reply = self.authorizations.token(sent, authorization, self.now_ns)
        assert reply.headers["Cache-Control"] == "no-store"
        assert ("WWW-Authenticate" in reply.headers) is (reply.status == 401)
        return reply.status, json.loads(reply.body)

    def basic(self, user: str | None = None, password: str | None = None) -> str:
        """A Basic header, the application's own unless told otherwise."""
        pair = f"{self.app.app_id if user is None else user}:{self.secret if password is None else password}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.fixture
def world(store: ClientStore, key: bytes, now_ns: int) -> World:
    """A folder with one client and two applications."""
    return World(store, key, now_ns)


def sent_back(world: World, **changes: str | None) -> dict[str, list[str]]:
    """What an application is told about its faulty request, at the place that it has registered."""
    with pytest.raises(SentBack) as caught:
        world.authorizations.asked(world.asking(**changes), world.now_ns)
    location = urlsplit(caught.value.location)
    assert f"{location.scheme}://{location.netloc}{location.path}" == HERE
    return parse_qs(location.query)


def test_sound_request(world: World) -> None:
    """A sound request is told by application, place, scope and state; asking changes nothing on disk."""
    before = world.store.version()
    asked = world.authorizations.asked(world.asking(), world.now_ns)
    assert isinstance(asked.application, Application)
    assert asked == (world.app, HERE, "orders holdings", STATE)
    assert world.store.version() == before


def test_granted(world: World) -> None:
    """The browser goes to the registered place with a code, the scope and the state, unharmed."""
    location = urlsplit(world.authorizations.granted(world.asking(), world.client, world.now_ns))
    answer = parse_qs(location.query)
    assert f"{location.scheme}://{location.netloc}{location.path}" == HERE
    assert (answer["scope"], answer["state"]) == (["orders holdings"], [STATE])
    assert sorted(answer) == ["code", "scope", "state"]
    assert len(answer["code"][0]) >= 22  # 128 random bits and more


def test_registered_query_stays(world: World, now_ns: int) -> None:
    """A registered URI with a query of its own keeps it beside the code."""
    uri = "https://app.example/cb?fixed=1"
    app, _ = Applications(world.store.file).add("Query", [uri], now_ns)
    location = world.authorizations.granted(world.asking(client_id=app.app_id, redirect_uri=uri), world.client, now_ns)
    assert location.startswith(f"{uri}&code=")


def test_denied(world: World) -> None:
    """A client who says no sends the application its state and access_denied, and no code."""
    location = world.authorizations.denied(world.asking(), world.now_ns)
    assert parse_qs(urlsplit(location).query) == {"error": ["access_denied"], "state": [STATE]}
    assert world.store.file.read("SELECT count(*) FROM authorization_code") == [(0,)]


def test_default_scope(world: World) -> None:
    """An application that names no scope asks for orders."""
    assert world.authorizations.asked(world.asking(scope=None), world.now_ns).scope == "orders"


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        HERE + "/",
        HERE + "?x=1",
        HERE.upper(),
        "http://localhost:65010",
        "https://127.0.0.1:65010",
        "http://127.0.0.1:650100",
        "http://127.0.0.1:65010@evil.example",
        "http://127.0.0.1:65010.evil.example",
        "https://evil.example",
        "//evil.example",
        "javascript:alert(1)",
        HERE + "/../",
        HERE + "%00",
    ],
)
def test_place_that_is_not_registered(world: World, uri: str | None) -> None:
    """A place that differs by a letter from what was registered, or none, sends the browser nowhere."""
    for more in ({}, {"response_type": "token"}, {"scope": '"'}, {"state": None}):
        fields = world.asking(redirect_uri=uri, **more)
        for ask in (
            lambda fields=fields: world.authorizations.asked(fields, world.now_ns),
            lambda fields=fields: world.authorizations.granted(fields, world.client, world.now_ns),
            lambda fields=fields: world.authorizations.denied(fields, world.now_ns),
        ):
            with pytest.raises(AuthorizationFault):
                ask()


def test_place_of_another_application(world: World) -> None:
    """What one application has registered is not another's."""
    with pytest.raises(AuthorizationFault):
        world.authorizations.asked(
            world.asking(client_id=world.other.app_id, redirect_uri=HERE + "/other"), world.now_ns
        )


@pytest.mark.parametrize("client_id", [None, "", "nobody", "a' OR 1=1"])
def test_unknown_application(world: World, client_id: str | None) -> None:
    """An application that is not registered sends the browser nowhere."""
    with pytest.raises(AuthorizationFault):
        world.authorizations.asked(world.asking(client_id=client_id), world.now_ns)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unauthorized_client"),
        ({"response_type": "code token"}, "unauthorized_client"),
        ({"response_type": None}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"state": "1234567"}, "invalid_request"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"scope": "é"}, "invalid_scope"),
        ({"scope": "x" * 300}, "invalid_scope"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S512"}, "invalid_request"),
    ],
)
def test_faults_that_the_application_is_told(world: World, changes: dict[str, str | None], error: str) -> None:
    """A fault of an application that proved its place is told there, in the words of RFC 6749."""
    assert sent_back(world, **changes)["error"] == [error]


def test_response_mode_is_not_heard(world: World) -> None:
    """A request cannot move the code into a fragment."""
    location = world.authorizations.granted(world.asking(response_mode="fragment"), world.client, world.now_ns)
    assert "#" not in location


def test_code_becomes_a_token(world: World) -> None:
    """A code gives a token that lets its client in, with lifetime and scope as the family's servers word them."""
    status, reply = world.exchange(world.code())
    token = reply.pop("access_token")
    assert (status, reply) == (200, {"expires_in": 43_199, "scope": "orders holdings", "token_type": "bearer"})
    claims = world.gate.admit(token, world.now_ns)
    assert (claims.client_id, claims.exp_ms) == ("CLIENT1", world.now_ns // 10**6 + 43_199_000)


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_basic_credentials(world: World, scheme: str) -> None:
    """Id and secret may come in the header, alone or beside the same ones in the form."""
    header = world.basic().replace("Basic", scheme)
    assert world.exchange(world.code(), header, client_id=None, client_secret=None)[0] == 200
    assert world.exchange(world.code(), header)[0] == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda world: {"client_secret": world.other_secret},
        lambda world: {"client_secret": None},
        lambda world: {"client_id": None},
        lambda world: {"client_id": "nobody"},
        lambda world: {"client_id": world.other.app_id},
        lambda world: {"authorization": world.basic(password="wrong")},
        lambda world: {"authorization": world.basic(world.other.app_id, world.other_secret)},
        lambda world: {"authorization": "Basic !!!"},
        lambda world: {"authorization": "Basic " + base64.b64encode(b"\xff:x").decode()},
        lambda world: {"authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        lambda world: {"authorization": "Bearer x"},
        lambda world: {"authorization": world.basic(password="wrong"), "client_id": None, "client_secret": None},
    ],
)
def test_application_that_does_not_prove_itself(world: World, spoil: Callable[[World], dict[str, str | None]]) -> None:
    """Without id and secret that belong together there is no token, and the code is still good for who has them."""
    code = world.code()
    assert world.exchange(code, **spoil(world)) == (401, {"error": "invalid_client"})
    assert world.exchange(code)[0] == 200


@pytest.mark.parametrize("redirect_uri", [None, HERE + "/other", HERE + "/", "https://evil.example"])
def test_place_at_the_exchange(world: World, redirect_uri: str | None) -> None:
    """The exchange names the place that the code was sent to, to the letter; another one registered is wrong too."""
    status, reply = world.exchange(world.code(), redirect_uri=redirect_uri)
    assert (status, reply["error"]) == (400, "invalid_request")


def test_code_is_used_once_whatever_came_of_it(world: World) -> None:
    """A first exchange that fails for place or verifier uses the code up: nobody gets a second guess."""
    for wrong in ({"redirect_uri": HERE + "/other"}, {"code_verifier": "w" * 43}):
        code = world.code(code_challenge=CHALLENGE, code_challenge_method="S256")
        assert world.exchange(code, **wrong)[0] == 400
        assert world.exchange(code, code_verifier=VERIFIER)[1] == {"error": "invalid_grant"}


def test_reused_code_ends_its_token(world: World) -> None:
    """A code brought a second time is refused, and the token that it became is good no more; others are."""
    code = world.code()
    token = world.exchange(code)[1]["access_token"]
    other = world.exchange(world.code())[1]["access_token"]
    world.gate.admit(token, world.now_ns)
    assert world.exchange(code) == (400, {"error": "invalid_grant"})
    with pytest.raises(Unauthorised):
        world.gate.admit(token, world.now_ns)
    world.gate.admit(other, world.now_ns)
    world.now_ns += LIFETIME_NS * 100
    world.code()
    assert world.exchange(code) == (400, {"error": "invalid_grant"})


def test_code_is_short_lived(world: World) -> None:
    """A code is good for a minute."""
    code, late = world.code(), world.code()
    world.now_ns += LIFETIME_NS - 1
    assert LIFETIME_NS == 60 * 10**9
    assert world.exchange(code)[0] == 200
    world.now_ns += 1
    assert world.exchange(late) == (400, {"error": "invalid_grant"})


def test_code_is_one_applications(world: World) -> None:
    """Another application that proves itself gets nothing for a code, and the code is spoilt by the theft."""
    code = world.code()
    stolen = world.exchange(code, client_id=world.other.app_id, client_secret=world.other_secret)
    assert stolen == (400, {"error": "invalid_grant"})
    assert world.exchange(code) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.store.rotate("CLIENT1"),
        lambda world: world.store.set_disabled("CLIENT1", True),
    ],
)
def test_client_that_changed_before_the_exchange(world: World, change: Callable[[World], object]) -> None:
    """A rotation or a disabling between the page and the exchange leaves no token behind."""
    code = world.code()
    change(world)
    assert world.exchange(code) == (400, {"error": "invalid_grant"})


def test_removed_application_gets_no_token(world: World) -> None:
    """A code of an application that was removed meanwhile gives nothing."""
    code = world.code()
    Applications(world.store.file).remove(world.app.app_id)
    assert world.exchange(code) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": "openid"}, "unauthorized_client"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"code": None}, "invalid_request"),
        ({"code": "never given"}, "invalid_grant"),
        ({"code": "\0é"}, "invalid_grant"),
    ],
)
def test_faults_of_an_exchange(world: World, changes: dict[str, str | None], error: str) -> None:
    """What is no code for a token is refused in the words of RFC 6749."""
    changes = dict(changes)
    status, reply = world.exchange(changes.pop("code", world.code()), **changes)
    assert (status, reply["error"]) == (400, error)


@pytest.mark.parametrize(
    ("method", "challenge", "verifier", "status"),
    [
        ("S256", CHALLENGE, VERIFIER, 200),
        ("S256", CHALLENGE, "w" * 43, 400),
        ("S256", CHALLENGE, None, 400),
        ("plain", VERIFIER, VERIFIER, 200),
        (None, VERIFIER, VERIFIER, 200),
        ("plain", VERIFIER, "w" * 43, 400),
        (None, None, VERIFIER, 400),
    ],
)
def test_pkce(world: World, method: str | None, challenge: str | None, verifier: str | None, status: int) -> None:
    """Who begins with a challenge shows its verifier, and a verifier without a challenge is a taken-out challenge."""
    code = world.code(code_challenge=challenge, code_challenge_method=method)
    assert world.exchange(code, code_verifier=verifier)[0] == status


def test_code_is_not_kept(world: World, tmp_path: Any) -> None:
    """The folder holds digests of codes, no codes."""
    code = world.code()
    assert code.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_old_codes_are_forgotten(world: World) -> None:
    """A code outlives its token by nothing."""
    world.code()
    world.now_ns += 13 * 3_600 * 10**9
    world.code()
    assert world.store.file.read("SELECT count(*) FROM authorization_code") == [(1,)]
