"""The proxy of the how-to page, as a real nginx in front of a real server: what goes through, and what must not."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import trustme
from tests.cli.conftest import PLACE, Running
from tests.docs.blocks import blocks
from websockets.sync.client import connect

pytestmark = pytest.mark.slow

PAGE = "docs/howto/run-behind-a-tls-proxy.md"
PASSED_OVER = 99


class Proxied(NamedTuple):
    """A server, the proxy before it, and how a client of the proxy is set up."""

    server: Running
    token: str
    url: str
    trust: ssl.SSLContext
    folder: Path


@pytest.fixture
def proxied(start: Callable[..., Running], bracketd: Callable[..., object], tmp_path: Path) -> Iterator[Proxied]:
    """A server with the sandbox behind nginx, which runs the page's site with nothing but paths and ports changed."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        assert os.environ.get("CI") != "true", "nginx is needed"
        pytest.skip("nginx is not installed")
    data = str(tmp_path / "data")
    bracketd("client", "add", "C1", "--data", data)
    server = start("serve", "--data", data, "--session", "always", "--sandbox")
    made = bracketd("token", "C1", "--data", data)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "pem"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (site,) = [block.text for block in blocks(PAGE) if block.language == "nginx"]
    changes = {
        "127.0.0.1:8000": server.url.removeprefix("http://"),
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/broker.example.pem": str(tmp_path / "pem"),
        "/etc/ssl/broker.example.key": str(tmp_path / "pem"),
        "/var/log/nginx/bracketd.log": str(tmp_path / "access.log"),
    }
    for shown, here in changes.items():
        assert shown in site
        site = site.replace(shown, here)
    kept = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    around = f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\nhttp {{\n{kept}{site}}}\n"
    (tmp_path / "nginx.conf").write_text(around, encoding="utf-8")
    proxy = subprocess.Popen([nginx, "-e", tmp_path / "error.log", "-p", tmp_path, "-c", tmp_path / "nginx.conf"])
    try:
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        url = f"https://127.0.0.1:{port}"
        for _ in range(100):
            try:
                httpx.get(f"{url}/healthz", verify=trust)
                break
            except httpx.TransportError:
                assert proxy.poll() is None, (tmp_path / "error.log").read_text(encoding="utf-8")
                time.sleep(0.1)
        yield Proxied(server, made.stdout.strip(), url, trust, tmp_path)  # type: ignore[attr-defined]
    finally:
        proxy.terminate()
        proxy.wait(10)


def test_orders_and_feeds_go_through_and_the_machine_s_own_pages_do_not(proxied: Proxied) -> None:
    """Orders, cancels by a body and the feed go through; metrics and sandbox do not, and no token is logged."""
    headers = {"x-authorization-token": proxied.token}
    with httpx.Client(base_url=proxied.url, verify=proxied.trust, headers=headers) as client:
        assert client.post("/api/v1/orders/kart", json={**PLACE, "client_id": "C1"}).status_code == 200
        (row,) = client.get("/api/v1/orders?type=pending").json()["data"]["orders"]
        fields = {"client_id": "C1", "execution_type": "BO", "leg_order_indicator": "ENTRY"}
        path = f"/api/v1/orders/kart/{row['oms_order_id']}"
        cancelled = client.request("DELETE", path, json=fields)
        assert (cancelled.status_code, cancelled.json()["message"]) == (200, "Order cancelled successfully")
        for own in ("/metrics", "/sandbox/v1/clock"):
            assert client.get(own).status_code == 404
            assert httpx.get(proxied.server.url + own).status_code == 200
    feed = proxied.url.replace("https", "wss") + f"/ws/v1/feeds?login_id=C1&access_token={proxied.token}"
    with connect(feed, ssl=proxied.trust) as socket_:
        socket_.send(json.dumps({"a": "subscribe", "v": ["C1", "web"], "m": "updates"}))
        answer = socket_.recv(timeout=10)
    assert isinstance(answer, bytes)
    assert (answer[0], json.loads(answer[5:])["status"]) == (PASSED_OVER, "success")
    log = (proxied.folder / "access.log").read_text(encoding="utf-8")
    assert "DELETE /api/v1/orders/kart/" in log
    assert proxied.token not in log
    assert "access_token" not in log
