"""What attackers send for a token, over a real socket: each is 401, changes nothing, and asks nobody else."""

import base64
import hmac
import itertools
import json
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.e2e.caller import FORBIDDEN, UNAUTHORISED, Caller, Placed, Reply, bracket_body
from tests.e2e.process import HOST, Server

from bracketd.auth.client_store import ClientStore
from bracketd.auth.opaque_token import OpaqueTokens, digest, new_token
from bracketd.auth.signing_key import load_or_create
from bracketd.auth.token import issue

ATTACK_BYTES_MAX = 60_000
LINE_CHARS_MAX = 8_100
HEADER = {"alg": "HS256", "typ": "JWT"}


class Folder(NamedTuple):
    """What an insider could read: the signing key and the two clients' tokens' secrets."""

    key: bytes
    client_tokens: dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose time stands still until it is moved."""
    folder: Path = tmp_path_factory.mktemp("attacked")
    server = Server(folder, more=("--clock", "virtual"))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def folder(server: Server) -> Folder:
    """What lies in the server's data folder."""
    with ClientStore(server.data) as store:
        known = {client: store.get(client) for client in ("C1", "C2")}
    return Folder(
        load_or_create(server.data),
        {client: record.client_token for client, record in known.items() if record is not None},
    )


@pytest.fixture(scope="module")
def standing(server: Server) -> Placed:
    """An order of C1's that every attack of this module would like to cancel."""
    return server.caller().place()


def base64url(value: bytes) -> str:
    """The unpadded url-safe base64 of a segment."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    """What anybody can read of a token."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def forged(header: dict[str, object], claims: dict[str, Any], key: bytes, algorithm: str = "sha256") -> str:
    """A token as its maker would have it, signed by HMAC under whatever key he has."""
    signing_input = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(claims).encode())}"
    return f"{signing_input}.{base64url(hmac.new(key, signing_input.encode(), algorithm).digest())}"


def handshake(server: Server, token: str) -> Reply:
    """The answer to a websocket handshake with the token in the query."""
    head = (
        f"GET /ws/v1/feeds?access_token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    return Caller(HOST, server.port, "", "").send_raw(head.encode())


def assert_refused(server: Server, standing: Placed, token: str) -> None:
    """The token reads nothing, cancels nothing, places nothing and opens no stream, and leaves no record."""
    attacker = Caller(HOST, server.port, "C1", token)
    before = server.records()
    for reply in (
        attacker.get("/api/v1/user/trading_info"),
        attacker.cancel(standing.entry_id),
        attacker.send_json("POST", "/api/v1/orders/kart", bracket_body("C1")),
        attacker.send("DELETE", "/api/v1/orders?client_id=C1"),
    ):
        assert (reply.status, reply.body) == (401, UNAUTHORISED), token[:80]
    # A request line as long as that is no handshake any more.
    assert handshake(server, token).status == (401 if len(token) < LINE_CHARS_MAX else 413)
    assert server.records() == before


NONES = ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", None, ["HS256"], {"HS256": 1}]


@pytest.mark.parametrize("algorithm", NONES, ids=map(repr, NONES))
def test_no_algorithm_but_ours(server: Server, standing: Placed, algorithm: object) -> None:
    """The claims of a good token under `alg` none, however it is spelt, with no signature, its own or another's."""
    good = server.tokens["C1"]
    head = base64url(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    _, payload, signature = good.split(".")
    for under in ("", signature, base64url(bytes(32))):
        assert_refused(server, standing, f"{head}.{payload}.{under}")
    assert_refused(server, standing, f"{head}.{payload}")


def test_public_keys_are_no_secrets(server: Server, standing: Placed) -> None:
    """RS256 and ES256 by a key of the attacker's, and HS256 with a public key taken for the secret, open nothing."""
    claims = claims_of(server.tokens["C1"])
    rsa_key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    public = rsa_key.public_key()
    pem, ssh = serialization.Encoding.PEM, serialization.Encoding.OpenSSH
    spki, openssh = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.OpenSSH
    assert_refused(server, standing, jwt.encode(claims, rsa_key, algorithm="RS256"))
    assert_refused(server, standing, jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"))
    for shown in (public.public_bytes(pem, spki), public.public_bytes(ssh, openssh)):
        for algorithm in ("HS256", "RS256"):
            assert_refused(server, standing, forged({"alg": algorithm, "typ": "JWT"}, claims, shown))


KEYS = {
    "empty": b"",
    "zeros": bytes(32),
    "a word": b"secret",
    "the client": b"C1",
    "random": secrets.token_bytes(32),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_other_keys(server: Server, standing: Placed, key: bytes) -> None:
    """A token that was signed with another key, also an empty or a likely one, is refused."""
    assert_refused(server, standing, forged(HEADER, claims_of(server.tokens["C1"]), key))


def test_the_key_for_another_algorithm(server: Server, standing: Placed, folder: Folder) -> None:
    """Not even our own key lets in what it signed by HS384 or HS512, or what calls itself RS256."""
    claims = claims_of(server.tokens["C1"])
    for algorithm, hashing in (("HS384", "sha384"), ("HS512", "sha512"), ("RS256", "sha256")):
        assert_refused(server, standing, forged({"alg": algorithm, "typ": "JWT"}, claims, folder.key, hashing))


def test_hints_at_keys_are_followed_nowhere(server: Server, standing: Placed) -> None:
    """kid, jku, x5u and jwk that name a file, a statement, a key or a server are not looked at: nobody is called."""
    claims = claims_of(server.tokens["C1"])
    with socket.create_server((HOST, 0)) as trap:
        trap.settimeout(0.2)
        url = f"http://{HOST}:{trap.getsockname()[1]}/keys"
        own = {"kty": "oct", "k": base64url(b"k" * 32)}
        hints: list[dict[str, object]] = [
            {"kid": "/dev/null"},
            {"kid": "../../../../dev/null"},
            {"kid": "x' UNION SELECT 'k' --"},
            {"kid": "|/bin/sh"},
            {"jku": url, "kid": "1"},
            {"x5u": url},
            {"jwk": own},
            {"x5c": [base64.b64encode(b"k" * 32).decode()]},
        ]
        for hint, key in itertools.product(hints, (b"", b"k", b"k" * 32)):
            assert_refused(server, standing, forged(HEADER | hint, claims, key))
        with pytest.raises(TimeoutError):
            trap.accept()


def test_swapped_clients(server: Server, standing: Placed, folder: Folder) -> None:
    """A token of C2 acts for C2 alone; its claims rewritten, or signed by our key with another's secret, for nobody."""
    stranger = server.caller("C2")
    for reply in (
        stranger.send_json("POST", "/api/v1/orders/kart", bracket_body("C1")),
        stranger.send("DELETE", "/api/v1/orders?client_id=C1"),
        stranger.get("/api/v1/orders?client_id=C1"),
    ):
        assert (reply.status, reply.body) == (403, FORBIDDEN)
    assert stranger.send("DELETE", f"/api/v1/orders/kart/{standing.entry_id}").status == 404
    own, other = server.tokens["C2"], server.tokens["C1"]
    head, _, signature = own.split(".")
    assert_refused(server, standing, f"{head}.{other.split('.')[1]}.{signature}")
    for changes in (
        {"client_id": "C1"},
        {"client_id": "C1", "blacklist_key": "C1:x"},
        {"client_id": "C1", "client_token": folder.client_tokens["C1"]},
        {"client_id": "NOBODY", "blacklist_key": "NOBODY:x"},
        {"client_id": "", "blacklist_key": ":x"},
        {"blacklist_key": claims_of(other)["blacklist_key"]},
    ):
        assert_refused(server, standing, forged(HEADER, claims_of(own) | changes, folder.key))


@pytest.mark.parametrize("size", [4_097, 16_384, ATTACK_BYTES_MAX])
def test_oversized_tokens(server: Server, standing: Placed, folder: Folder, size: int) -> None:
    """A token beyond 4,096 characters is refused however well it is signed, and of whatever it is made."""
    claims = claims_of(server.tokens["C1"])
    assert_refused(server, standing, forged(HEADER, claims | {"device": "w" * size}, folder.key)[:ATTACK_BYTES_MAX])
    for letters in ("a" * size, "." * size, "a." * (size // 2), f"{'a' * size}.b.c"):
        assert_refused(server, standing, letters[:ATTACK_BYTES_MAX])


def test_a_head_full_of_tokens_is_too_large(server: Server) -> None:
    """Headers of more than 64 KiB together are 413, whichever of them is a token."""
    good = server.tokens["C1"]
    lines = "".join(f"x-auth-token: {good}\r\n" for _ in range(400))
    head = f"GET /api/v1/user/trading_info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n"
    assert len(head) > 65_536
    assert server.caller().send_raw(head.encode()).status == 413


def test_a_revoked_token_stays_dead(server: Server, standing: Placed, folder: Folder) -> None:
    """After a logout the token is refused, and so is any other with its revocation key; the client's others live."""
    end_ms = time.time_ns() // 10**6 + 3_600_000
    leaving = issue(folder.key, "C1", folder.client_tokens["C1"], "web", end_ms)
    caller = Caller(HOST, server.port, "C1", leaving)
    assert caller.send("POST", "/api/v1/user/logout").status == 200
    assert_refused(server, standing, leaving)
    assert_refused(server, standing, forged(HEADER, claims_of(leaving) | {"exp": end_ms + 1}, folder.key))
    assert server.caller().get("/api/v1/user/trading_info").status == 200


def test_opaque_tokens_are_not_guessed(server: Server, standing: Placed) -> None:
    """Halves of a given token, its digest as the file has it, wildcards and a thousand guesses open nothing."""
    given = new_token()
    with ClientStore(server.data) as store:
        record = store.get("C1")
        assert record is not None
        OpaqueTokens(store).keep(given, "C1", record.client_token, "app", "orders", time.time_ns())
    assert Caller(HOST, server.port, "C1", given).get("/api/v1/user/trading_info").status == 200
    first, second = given.split(".")
    stored = digest(given)
    flipped = given[:-1] + ("B" if given[-1] == "A" else "A")
    for guess in (
        f"{first}.{first}",
        f"{second}.{first}",
        f"{first}.{new_token().split('.')[1]}",
        flipped,
        given.swapcase(),
        f"{base64url(stored)}.{base64url(stored)}",
        stored.hex(),
        "%25" * 14 + "_." + "_" * 43,
        f"{'_' * 43}.{'_' * 43}",
    ):
        assert_refused(server, standing, guess)
    guesses = (Caller(HOST, server.port, "C1", new_token()).get("/api/v1/user/trading_info") for _ in range(1_000))
    assert {reply.status for reply in guesses} == {401}


def test_a_token_ends_with_its_millisecond(server: Server, standing: Placed, folder: Folder) -> None:
    """A token that was used before is good a microsecond before its `exp`, and dead when that begins."""
    now_ns = time.time_ns()
    end_ms = now_ns // 10**6 + 60_000
    ending = Caller(HOST, server.port, "C1", issue(folder.key, "C1", folder.client_tokens["C1"], "web", end_ms))
    assert ending.get("/api/v1/user/trading_info").status == 200
    server.caller().advance_to(end_ms * 10**6 - 1_000)
    assert ending.get("/api/v1/user/trading_info").status == 200
    server.caller().advance_to(end_ms * 10**6)
    assert_refused(server, standing, ending.token)
    assert server.caller().get("/api/v1/user/trading_info").status == 200


def test_no_attack_left_a_trace(server: Server, standing: Placed) -> None:
    """After all of them the order works as it did, and the log has neither a token nor a fault of ours."""
    assert server.caller().row(standing.entry_id)["order_status"] == "CONFIRMED"
    said = server.said()
    assert "Traceback" not in said
    assert [client for client, token in server.tokens.items() if token in said or token.split(".")[2] in said] == []
