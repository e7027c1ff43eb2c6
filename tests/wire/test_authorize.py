"""OAuth2 over HTTP: the page, its form, and the exchange, for browsers that are friends and browsers that are used."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.wire.doorstep import FORM, LANDING, PASSWORD, PIN, SECRET, Doorstep, Page

from bracketd.auth.form_ticket import LIFETIME_S
from bracketd.auth.lockout import FAILURES_MAX

TOKEN = "/oauth2/token"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Doorstep]:
    """Client A at the door."""
    made = Doorstep(tmp_path)
    yield made
    made.close()


def counted(door: Doorstep) -> dict[str, int]:
    """How many codes, tokens and failures the folder holds."""
    tables = ("authorization_code", "opaque_token", "failed_login")
    return {table: door.store.file.read(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


async def exchange(door: Doorstep, code: str, *headers: tuple[bytes, bytes], **changes: str | None) -> tuple[int, Any]:
    """(status, JSON) of an exchange by form credentials."""
    fields: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": LANDING,
        "client_id": door.app.app_id,
        "client_secret": door.secret,
    }
    body = urlencode({name: value for name, value in (fields | changes).items() if value is not None}).encode()
    page = await door.page("POST", TOKEN, body, FORM, *headers)
    assert page.headers[b"content-type"] == b"application/json"
    assert page.headers[b"cache-control"] == b"no-store"
    return page.status, json.loads(page.text)


async def test_from_page_to_token(door: Doorstep) -> None:
    """The form leads to the application with a code, whose token opens the client's orders."""
    page = await door.page("GET", door.target())
    landed = await door.submit(page)
    assert landed.status == 303
    assert landed.headers[b"location"].startswith(f"{LANDING}?code=".encode())
    status, reply = await exchange(door, landed.answer["code"][0])
    assert (status, reply["scope"]) == (200, "orders holdings")
    claims = door.gate.authenticate([(b"authorization", f"Bearer {reply['access_token']}".encode())], door.now_ns)
    assert claims.client_id == "A"


async def test_basic_credentials(door: Doorstep) -> None:
    """Id and secret may come as Basic."""
    code = (await door.submit(await door.page("GET", door.target()))).answer["code"][0]
    pair = base64.b64encode(f"{door.app.app_id}:{door.secret}".encode())
    header = (b"authorization", b"Basic " + pair)
    assert (await exchange(door, code, header, client_id=None, client_secret=None))[0] == 200


async def test_hyphened_redirect_uri(door: Doorstep) -> None:
    """`redirect-uri` means `redirect_uri`; both may stand there if they are the same."""
    target = door.target(**{"redirect_uri": None, "redirect-uri": LANDING})
    page = await door.page("GET", target)
    assert (await door.submit(page, target=target)).status == 303
    assert (await door.page("GET", door.target(**{"redirect-uri": LANDING}))).status == 200
    assert (await door.page("GET", door.target(**{"redirect-uri": LANDING + "/"}))).status == 400


async def test_totp_on_the_page(door: Doorstep) -> None:
    """A code of the authenticator is taken on the page, once."""
    page = await door.page("GET", door.target())
    assert (await door.submit(page, answer=door.code)).status == 303
    again = await door.submit(page, answer=door.code)
    assert (again.status, again.headers.get(b"location")) == (403, None)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(door: Doorstep, method: str) -> None:
    """GET and HEAD give no code and write nothing, even where the query holds a filled-in form."""
    before = door.store.version()
    filled = urlencode({"login_id": "A", "password": PASSWORD, "answer": PIN, "decision": "allow"})
    page = await door.page(method, f"{door.target()}&{filled}")
    assert page.status == 200
    assert door.store.version() == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_token_is_a_post(door: Doorstep, method: str) -> None:
    """The token endpoint gives nothing to a link."""
    page = await door.page(method, f"{TOKEN}?grant_type=authorization_code")
    assert (page.status, page.headers[b"allow"]) == (405, b"POST")


async def test_token_takes_no_query_and_no_json(door: Doorstep) -> None:
    """Credentials and codes come as a form in the body, and in no other way."""
    code = (await door.submit(await door.page("GET", door.target()))).answer["code"][0]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": LANDING}
    fields |= {"client_id": door.app.app_id, "client_secret": door.secret}
    for target, body, kind in [
        (f"{TOKEN}?{urlencode(fields)}", b"", FORM),
        (TOKEN, json.dumps(fields).encode(), (b"content-type", b"application/json")),
        (TOKEN, b"code=%FF&code=1", FORM),
    ]:
        page = await door.page("POST", target, body, kind)
        assert (page.status, json.loads(page.text)["error"]) == (400, "unsupported_grant_type")
    assert (await exchange(door, code))[0] == 200


async def test_page_cannot_be_used_by_others(door: Doorstep) -> None:
    """The page runs no script, loads nothing, sits in no frame, stays in no cache and sends its form here alone."""
    headers = (await door.page("GET", door.target())).headers
    policy = dict(part.strip().split(" ", 1) for part in headers[b"content-security-policy"].decode().split(";"))
    assert policy.pop("style-src").startswith("'sha256-")
    assert policy == {
        "default-src": "'none'",
        "form-action": f"'self' {LANDING}",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"same-origin"


async def test_page_holds_no_secret(door: Doorstep) -> None:
    """Neither the page nor the one after a failure holds a script, a password, a PIN or the application's secret."""
    page = await door.page("GET", door.target())
    failed = await door.submit(page, password="wrong-guess")
    assert failed.status == 403
    for text in (page.text, failed.text):
        assert "<script" not in text
        for secret in (PASSWORD, PIN, SECRET, door.secret, "wrong-guess"):
            assert secret not in text


async def test_values_are_escaped(door: Doorstep) -> None:
    """What the application, the request or the user wrote is shown as text."""
    page = await door.page("GET", door.target(scope="<i>'x'"))
    assert "App &amp; &lt;b&gt;Co&lt;/b&gt;" in page.text
    assert "&lt;i&gt;&#x27;x&#x27;" in page.text
    failed = await door.submit(page, login_id='"><script>alert(1)</script>', target=door.target(scope="<i>'x'"))
    assert 'value="&quot;&gt;&lt;script&gt;' in failed.text
    assert "<script" not in failed.text


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example"},
        {"redirect_uri": "//evil.example"},
        {"redirect_uri": LANDING + "@evil.example"},
        {"redirect_uri": LANDING + "/x"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": None},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_browser_is_sent_nowhere_unregistered(
    door: Doorstep, method: str, changes: dict[str, str | None]
) -> None:
    """A request for an unregistered place is a page that says so, without a form and without a way on."""
    body = urlencode({"decision": "deny"}).encode() if method == "POST" else b""
    page = await door.page(method, door.target(**changes), body, FORM)
    assert page.status == 400
    assert b"location" not in page.headers
    assert "<form" not in page.text
    assert "evil" not in page.text
    assert b"form-action 'none'" in page.headers[b"content-security-policy"]


async def test_faults_go_back_to_the_application(door: Doorstep) -> None:
    """A registered application is told what is wrong with its request."""
    page = await door.page("GET", door.target(response_type="token"))
    assert (page.status, page.answer["error"]) == (303, ["unsupported_response_type"])
    assert page.headers[b"location"].startswith(f"{LANDING}?".encode())


@pytest.mark.parametrize("query", ["%FF", "client_id=a&client_id=b", "redirect_uri=a&redirect-uri=b"])
async def test_queries_that_cannot_be_read(door: Doorstep, query: str) -> None:
    """A query that means two things or nothing is a page that says so."""
    assert (await door.page("GET", f"/oauth2/auth?{query}")).status == 400


async def test_query_that_is_too_large(door: Doorstep) -> None:
    """A query over 64 KiB is a 413."""
    assert (await door.page("GET", door.target(state="x" * 70_000))).status == 413


async def refused(door: Doorstep, page: Page) -> None:
    """A form that was not ours: the page again, no code, and no attempt counted."""
    assert page.status == 400
    assert "open for too long" in page.notice
    assert b"location" not in page.headers
    assert counted(door) == {"authorization_code": 0, "opaque_token": 0, "failed_login": 0}


async def test_form_needs_its_own_ticket(door: Doorstep) -> None:
    """A form without a ticket, with another request's, or with the ticket of another browser is not taken."""
    page, other = await door.page("GET", door.target()), await door.page("GET", door.target())
    await refused(door, await door.submit(page, ticket=""))
    await refused(door, await door.submit(page, ticket=other.ticket))
    await refused(door, await door.submit(page, cookie=b""))
    await refused(door, await door.submit(page, cookie=other.cookie))
    await refused(door, await door.submit(page, cookie=b"bracketd-login="))
    await refused(door, await door.submit(page, target=door.target(state="another state")))
    await refused(door, await door.submit(page, target=door.target(scope="more")))
    await refused(door, await door.submit(page, decision="deny", cookie=b""))
    assert (await door.submit(page)).status == 303


async def test_ticket_grows_old(door: Doorstep) -> None:
    """A page that stood open for ten minutes is answered with a fresh one, which works."""
    page = await door.page("GET", door.target())
    door.now_ns += LIFETIME_S * 10**9
    late = await door.submit(page)
    await refused(door, late)
    assert (await door.submit(late)).status == 303


@pytest.mark.parametrize(
    "headers",
    [
        [(b"sec-fetch-site", b"cross-site")],
        [(b"sec-fetch-site", b"same-site")],
        [(b"origin", b"https://evil.example"), (b"host", b"127.0.0.1:8000")],
        [(b"origin", b"null"), (b"host", b"127.0.0.1:8000")],
        [(b"origin", b"http://127.0.0.1:8001"), (b"host", b"127.0.0.1:8000")],
    ],
)
async def test_form_of_another_site(door: Doorstep, headers: list[tuple[bytes, bytes]]) -> None:
    """A form that the browser says came from elsewhere is not taken, not even with a ticket and its cookie."""
    page = await door.page("GET", door.target())
    await refused(door, await door.submit(page, *headers))


@pytest.mark.parametrize(
    "headers",
    [
        [(b"sec-fetch-site", b"same-origin"), (b"origin", b"https://outside.example"), (b"host", b"inside:8000")],
        [(b"origin", b"http://127.0.0.1:8000"), (b"host", b"127.0.0.1:8000")],
    ],
)
async def test_form_of_our_own(door: Doorstep, headers: list[tuple[bytes, bytes]]) -> None:
    """A form that the browser says was on our page is taken, also behind a proxy that renames the host."""
    assert (await door.submit(await door.page("GET", door.target()), *headers)).status == 303


async def test_cookie(door: Doorstep) -> None:
    """The cookie is for no script and no other site; over TLS it has a name that only this host can set, by TLS."""
    plain = (await door.page("GET", door.target())).headers[b"set-cookie"].decode()
    assert plain.startswith("bracketd-login=")
    assert plain.endswith("; Path=/; HttpOnly; SameSite=Strict")
    secure = (await door.page("GET", door.target(), scheme="https")).headers[b"set-cookie"].decode()
    assert secure.startswith("__Host-bracketd-login=")
    assert secure.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")


async def test_two_tabs(door: Doorstep) -> None:
    """A second page in the same browser leaves the first one's form good."""
    first = await door.page("GET", door.target())
    second = await door.page("GET", door.target(), b"", (b"cookie", first.cookie))
    assert second.cookie == first.cookie
    assert (await door.submit(first)).status == 303
    assert (await door.submit(second)).status == 303


async def test_saying_no(door: Doorstep) -> None:
    """Cancel, or a form without a decision, sends the browser back without a code, and nothing is looked at."""
    page = await door.page("GET", door.target())
    for decision in ("deny", ""):
        back = await door.submit(page, decision=decision)
        assert back.answer == {"error": ["access_denied"], "state": ["12345678"]}
    assert counted(door) == {"authorization_code": 0, "opaque_token": 0, "failed_login": 0}


@pytest.mark.parametrize(
    "typed",
    [
        {"login_id": "NOBODY"},
        {"login_id": ""},
        {"password": "wrong"},
        {"password": ""},
        {"answer": "0000"},
        {"answer": ""},
    ],
)
async def test_wrong_login(door: Doorstep, typed: dict[str, str]) -> None:
    """Whatever was wrong, the page says the same, keeps the client id and gives no code."""
    page = await door.submit(await door.page("GET", door.target()), **typed)
    assert (page.status, page.notice[:38]) == (403, "Client id, password or code is wrong. ")
    assert f'name="login_id" value="{typed.get("login_id", "A")}"' in page.text
    assert counted(door)["authorization_code"] == 0


async def test_disabled_client_on_the_page(door: Doorstep) -> None:
    """A disabled client gets the page of a wrong password, but for the ticket to the byte."""
    page = await door.page("GET", door.target())
    wrong = await door.submit(page, password="wrong")
    door.store.set_disabled("A", True)
    disabled = await door.submit(page)
    assert (wrong.status, wrong.text) == (disabled.status, disabled.text)


async def test_lockout_on_the_page(door: Doorstep) -> None:
    """After five failures the page says how long to wait, for nobody as for somebody, and the right login waits too."""
    page = await door.page("GET", door.target())
    for login_id in ("A", "NOBODY"):
        for _ in range(FAILURES_MAX):
            assert (await door.submit(page, login_id=login_id, password="wrong")).status == 403
        locked = await door.submit(page, login_id=login_id)
        assert (locked.status, locked.notice) == (429, "Too many failed tries. Please wait 15 minutes.")
        assert locked.headers[b"retry-after"] == b"900"


async def test_login_that_takes_no_form(door: Doorstep) -> None:
    """A body that is no form is a page that says so."""
    page = await door.page("POST", door.target(), b"\xff=\xff", FORM)
    assert page.status == 400
