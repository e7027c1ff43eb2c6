"""TLS: spoken with the operator's certificate, and plain HTTP to other machines only at his word."""

import http.client
import json
import os
import signal
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from bracketd.runtime.listening import StartRefused
from bracketd.runtime.server import EXIT_STOPPED, run
from bracketd.runtime.settings import Settings
from bracketd.wire.app import build_app
from bracketd.wire.http_protocol import JsonHttpProtocol

OUTSIDE = ["0.0.0.0", "::"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who vouches for our certificates."""
    return trustme.CA()


@pytest.fixture
def pem(authority: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    """A certificate chain of 127.0.0.1's and its key."""
    made = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.private_key_pem.write_to_path(key)
    for part in made.cert_chain_pems:
        part.write_to_path(cert, append=True)
    return cert, key


def serve(settings: Settings, ask: Callable[[str], Any]) -> Any:
    """Serve until one question, asked from another thread, has its answer; returns it."""
    answers: list[Any] = []
    askers: list[threading.Thread] = []

    def question(url: str) -> None:
        try:
            answers.append(ask(url))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def on_ready(url: str) -> None:
        askers.append(threading.Thread(target=question, args=(url,)))
        askers[0].start()

    assert run(settings, build_app, on_ready, JsonHttpProtocol) == EXIT_STOPPED
    askers[0].join(10)
    return answers[0]


def test_https_is_spoken(authority: trustme.CA, pem: tuple[Path, Path], tmp_path: Path) -> None:
    """With a certificate the URL is https, TLS is 1.2 or later, and the login page's cookie is for TLS alone."""
    cert, key = pem

    def ask(url: str) -> tuple[str, str | None, Any]:
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        address = url.removeprefix("https://")
        connection = http.client.HTTPSConnection(address, timeout=10, context=trusting)
        connection.request("GET", "/readyz")
        reply = json.loads(connection.getresponse().read())
        assert connection.sock is not None
        version = connection.sock.version()
        connection.close()
        return url, version, reply

    url, version, reply = serve(Settings(data=tmp_path / "data", port=0, tls_cert=cert, tls_key=key), ask)
    assert url.startswith("https://127.0.0.1:")
    assert version in ("TLSv1.2", "TLSv1.3")
    assert reply["status"] == "success"


def test_plain_http_is_not_spoken_beside_it(pem: tuple[Path, Path], tmp_path: Path) -> None:
    """A server that speaks TLS answers nothing in the clear."""
    cert, key = pem

    def ask(url: str) -> type[BaseException] | None:
        connection = http.client.HTTPConnection(url.removeprefix("https://"), timeout=10)
        try:
            connection.request("GET", "/readyz")
            connection.getresponse()
        except (http.client.HTTPException, OSError) as refused:
            return type(refused)
        finally:
            connection.close()
        return None

    settings = Settings(data=tmp_path / "data", port=0, tls_cert=cert, tls_key=key)
    assert serve(settings, ask) is not None


def started(settings: Settings) -> str:
    """Why a server does not start."""
    with pytest.raises(StartRefused) as refused:
        serve(settings, lambda url: None)
    return str(refused.value)


@pytest.mark.parametrize("host", OUTSIDE)
def test_plain_http_to_other_machines_is_refused(host: str, tmp_path: Path) -> None:
    """Without TLS and without a word an address that others reach is one sentence, and nothing was opened or made."""
    why = started(Settings(data=tmp_path / "data", host=host, port=0))
    assert why == (
        f"plain HTTP on {host} would show passwords and tokens to the network:"
        " name --tls-cert and --tls-key, or say --insecure"
    )
    assert not (tmp_path / "data").exists()


def test_tls_to_other_machines_needs_no_word(pem: tuple[Path, Path], tmp_path: Path) -> None:
    """With a certificate any address may be listened on."""
    cert, key = pem
    settings = Settings(data=tmp_path / "data", host="0.0.0.0", port=0, tls_cert=cert, tls_key=key)
    assert serve(settings, lambda url: url).startswith("https://127.0.0.1:")


def test_insecure_says_it_is_meant(tmp_path: Path) -> None:
    """With --insecure plain HTTP is spoken wherever it is asked for."""
    settings = Settings(data=tmp_path / "data", host="0.0.0.0", port=0, insecure=True)
    assert serve(settings, lambda url: url).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_this_machine_needs_no_word(host: str, tmp_path: Path) -> None:
    """Plain HTTP that stays on this machine is spoken as ever."""
    assert serve(Settings(data=tmp_path / "data", host=host, port=0), lambda url: url).startswith("http://")


def test_files_that_cannot_be_used(pem: tuple[Path, Path], tmp_path: Path) -> None:
    """A certificate that is none, another's key and a file that is not there are one sentence that names both files."""
    cert, key = pem
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(other)
    for wrong_cert, wrong_key in [(key, key), (cert, cert), (cert, other), (tmp_path / "none", key)]:
        why = started(Settings(data=tmp_path / "data", port=0, tls_cert=wrong_cert, tls_key=wrong_key))
        assert why.startswith(f"TLS cannot be spoken with {wrong_cert} and {wrong_key}: ")
    assert not (tmp_path / "data").exists()


def test_encrypted_key_is_refused_and_asks_nobody(
    pem: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key with a password is an error at the start, not a question on the terminal: OpenSSL is given a password."""
    passwords: list[str | None] = []
    genuine = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, cert: Path, key: Path, password: str | None = None) -> None:
        passwords.append(password)
        genuine(context, cert, key, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)

    cert, key = pem
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    why = started(Settings(data=tmp_path / "data", port=0, tls_cert=cert, tls_key=key))
    assert why.startswith("TLS cannot be spoken with")
    assert passwords == [""]


def test_host_that_is_none(tmp_path: Path) -> None:
    """A name that is no address is one sentence."""
    assert "is no address of this machine" in started(Settings(data=tmp_path / "data", host="no.such.host.invalid"))


@pytest.mark.parametrize("half", ["tls_cert", "tls_key"])
def test_half_of_a_pair(half: str, tmp_path: Path) -> None:
    """A certificate without its key, or the other way round, never reaches a server."""
    halves: dict[str, Any] = {half: tmp_path / "x.pem"}
    with pytest.raises(ValueError, match="go together"):
        Settings(data=tmp_path, **halves)
