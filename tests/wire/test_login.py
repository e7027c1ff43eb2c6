"""The login routes: the family's bodies in, the family's replies out, and one refusal for whatever was wrong."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.wire.counter import JSON, Answer
from tests.wire.doorstep import FORM, PASSWORD, PIN, SECRET, Doorstep

from bracketd.auth.lockout import FAILURES_MAX, LOCK_NS
from bracketd.auth.token import login_expiry_ms
from bracketd.runtime import entrance as entrance_module
from bracketd.wire import replies

LOGIN = "/api/v3/user/login"
TWOFA = "/api/v3/user/twofa"
TOTP = "/api/v3/user/validatetotp"
BODIES = [
    {"login_id": "A", "password": PASSWORD, "device": "WEB"},
    {"channel_id": "A", "channel_secret": PASSWORD},
]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Doorstep]:
    """Client A at the door."""
    made = Doorstep(tmp_path)
    yield made
    made.close()


async def post(door: Doorstep, target: str, fields: dict[str, Any]) -> Answer:
    """POST a JSON body without a token."""
    return await door.counter.call("POST", target, fields, token=None)


async def ticket(door: Doorstep) -> str:
    """The twofa_token of a first step that was right."""
    answer = await post(door, LOGIN, BODIES[0])
    assert answer.status == 200, answer.body
    return str(answer.json()["data"]["twofa"]["twofa_token"])


def second(ticket: str, answer: object = PIN, **more: object) -> dict[str, object]:
    """The second step as the family's SDKs send it."""
    twofa = [{"question_id": 22, "answer": answer}]
    return {"login_id": "A", "twofa": twofa, "twofa_token": ticket, "type": "PIN", "device_type": "web"} | more


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("target", [LOGIN, LOGIN + "/", "/api/v1/user/login"])
async def test_first_step(door: Doorstep, target: str, body: dict[str, str]) -> None:
    """Either body gets the question and the ticket, in the shape that the SDKs read, and no token yet."""
    answer = await post(door, target, body)
    data = answer.json()["data"]
    assert answer.headers[b"cache-control"] == b"no-store"
    assert len(data["twofa"].pop("twofa_token")) == 43
    assert data == {
        "twofa": {"questions": [{"question_id": 22, "question": "Enter your PIN"}], "type": "PIN"},
        "auth_token": "",
        "login_id": "A",
        "twofa_enabled": True,
        "alert": "",
        "reset_password": False,
        "reset_two_fa": False,
    }


@pytest.mark.parametrize("question_id", [22, "22", "100"])
async def test_second_step_with_pin(door: Doorstep, question_id: object) -> None:
    """The PIN gives a token of the client and of the device of the first step, whatever id the question is given."""
    body = second(await ticket(door), twofa=[{"question_id": question_id, "answer": PIN}])
    answer = await post(door, TWOFA, body)
    data = answer.json()["data"]
    claims = door.gate.admit(data["auth_token"], door.now_ns)
    assert (claims.client_id, claims.device, claims.exp_ms) == ("A", "web", login_expiry_ms(door.now_ns))
    assert (data["login_id"], data["client_id"]) == ("A", "A")
    assert answer.headers[b"cache-control"] == b"no-store"


async def test_pin_as_a_number(door: Doorstep) -> None:
    """A PIN without a leading zero may come as a JSON number."""
    assert (await post(door, TWOFA, second(await ticket(door), int(PIN)))).status == 200


async def test_second_step_with_totp(door: Doorstep) -> None:
    """A code gives a token through either route; used, it gives none through the other."""
    answer = await post(door, TWOFA, second(await ticket(door), door.code, type="TOTP"))
    assert door.gate.admit(answer.json()["data"]["auth_token"], door.now_ns).client_id == "A"
    again = {"login_id": "A", "twofa_token": await ticket(door), "totp": door.code}
    assert (await post(door, TOTP, again)).body == replies.LOGIN_FAILED.body
    door.now_ns += 30 * 10**9
    assert (await post(door, TOTP, again | {"totp": door.code})).json()["status"] == "success"


async def test_pin_is_no_totp(door: Doorstep) -> None:
    """The route for codes takes no PIN."""
    body = {"login_id": "A", "twofa_token": await ticket(door), "totp": PIN}
    assert (await post(door, TOTP, body)).status == 401


async def test_forms_are_read_too(door: Doorstep) -> None:
    """Both steps may come as forms; the answer then has a field of its own."""
    answer = await door.counter.call(
        "POST", LOGIN, f"login_id=A&password={PASSWORD}".replace(" ", "+"), FORM, token=None
    )
    ticket = answer.json()["data"]["twofa"]["twofa_token"]
    answer = await door.counter.call("POST", TWOFA, f"login_id=A&twofa_token={ticket}&answer={PIN}", FORM, token=None)
    assert answer.json()["status"] == "success"


async def test_whatever_is_wrong_is_one_answer(door: Doorstep) -> None:
    """Nobody, a wrong password, a disabled client, a wrong PIN, code or ticket: the same bytes, and nothing of them."""
    given = await ticket(door)
    wrong = [
        (LOGIN, {"login_id": "A", "password": "wrong"}),
        (LOGIN, {"login_id": "NOBODY", "password": "wrong"}),
        (LOGIN, {"login_id": "no such id at all", "password": PASSWORD}),
        (TWOFA, second(given, "0000")),
        (TWOFA, second("never given")),
        (TWOFA, second(given, login_id="B")),
    ]
    answers = [await post(door, target, body) for target, body in wrong]
    door.store.set_disabled("A", True)
    answers.append(await post(door, LOGIN, BODIES[0]))
    assert {(answer.status, answer.body) for answer in answers} == {(401, replies.LOGIN_FAILED.body)}
    assert {tuple(sorted(answer.headers)) for answer in answers} == {tuple(sorted(answers[0].headers))}
    assert replies.LOGIN_FAILED.body == (
        b'{"status":"error","message":"Login id, password or second factor is wrong","error_code":40000,"data":{}}'
    )


@pytest.mark.parametrize("login_id", ["A", "NOBODY"])
async def test_lockout(door: Doorstep, login_id: str) -> None:
    """After five failures the sixth try is a 429 that says for how long, for somebody and for nobody alike."""
    for _ in range(FAILURES_MAX):
        assert (await post(door, LOGIN, {"login_id": login_id, "password": "wrong"})).status == 401
    door.now_ns += 10**9
    answer = await post(door, LOGIN, {"login_id": login_id, "password": PASSWORD})
    assert (answer.status, answer.body) == (429, replies.TOO_MANY.body)
    assert answer.headers[b"retry-after"] == b"899"
    door.now_ns += LOCK_NS
    assert (await post(door, LOGIN, {"login_id": login_id, "password": "wrong"})).status == 401


@pytest.mark.parametrize(
    ("target", "body", "field", "what"),
    [
        (LOGIN, {}, "login_id", "can't be blank"),
        (LOGIN, {"login_id": "", "password": "x"}, "login_id", "can't be blank"),
        (LOGIN, {"login_id": "A"}, "password", "can't be blank"),
        (LOGIN, {"login_id": ["A"], "password": "x"}, "login_id", "is invalid"),
        (LOGIN, {"login_id": "A", "channel_id": "B", "password": "x"}, "channel_id", "is invalid"),
        (LOGIN, {"login_id": "A", "password": "x", "device": "a b"}, "device", "is invalid"),
        (TWOFA, {"login_id": "A", "answer": "1"}, "twofa_token", "can't be blank"),
        (TWOFA, {"login_id": "A", "twofa_token": "x"}, "answer", "can't be blank"),
        (TWOFA, second("x", type="GUESS"), "type", "is invalid"),
        (TWOFA, second("x", twofa=[]), "twofa", "is invalid"),
        (TWOFA, second("x", twofa={"answer": "1"}), "twofa", "is invalid"),
        (TWOFA, second("x", twofa=[{"answer": ["1"]}]), "twofa", "is invalid"),
        (TWOFA, second("x", twofa=[{"answer": " "}]), "twofa", "is invalid"),
        (TWOFA, second("x", twofa=["1"]), "twofa", "is invalid"),
        (TOTP, {"login_id": "A", "twofa_token": "x"}, "totp", "can't be blank"),
    ],
)
async def test_fields(door: Doorstep, target: str, body: dict[str, Any], field: str, what: str) -> None:
    """A field that is missing or no text is named, before anything is hashed or counted."""
    answer = await post(door, target, body)
    assert answer.json()["message"] == f"`{field}` {what}"
    assert answer.status == 400
    assert door.store.file.read("SELECT * FROM failed_login") == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"login_id":"A","login_id":"B"}', b'"A"'])
async def test_bodies_that_cannot_be_read(door: Doorstep, body: bytes) -> None:
    """What is no object of fields is a 400."""
    answer = await door.counter.call("POST", LOGIN, body, JSON, token=None)
    assert (answer.status, answer.body) == (400, replies.BODY_INVALID.body)


async def test_query_is_not_read(door: Doorstep) -> None:
    """A password in the query is not looked at: it would stand in logs."""
    answer = await door.counter.call("POST", f"{LOGIN}?login_id=A&password=correct+horse", token=None)
    assert answer.json()["message"] == "`login_id` can't be blank"


async def test_too_large(door: Doorstep) -> None:
    """A body over 64 KiB is refused before it is hashed."""
    assert (await post(door, LOGIN, {"login_id": "A", "password": "x" * 70_000})).status == 413


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("target", [LOGIN, TWOFA, TOTP])
async def test_other_methods(door: Doorstep, method: str, target: str) -> None:
    """Logging in is a POST."""
    answer = await door.counter.call(method, target, token=None)
    assert (answer.status, answer.headers[b"allow"]) == (405, b"POST")


async def test_crowd_at_the_entrance(door: Doorstep, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the queue full a login is told to come back and is not counted; those in the queue are served."""
    monkeypatch.setattr(entrance_module, "WAITING_MAX", 3)
    answers = await asyncio.gather(*(post(door, LOGIN, BODIES[0]) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 429, 429]
    assert door.store.file.read("SELECT * FROM failed_login") == []
    assert (await post(door, LOGIN, BODIES[0])).status == 200


async def test_logs_and_replies_hold_no_secret(door: Doorstep, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a log line nor a refusal holds what was presented or kept."""
    with caplog.at_level("DEBUG", logger="bracketd"):
        given = await ticket(door)
        await post(door, LOGIN, {"login_id": "A", "password": "wrong-guess"})
        await post(door, TWOFA, second(given, "99999"))
        await post(door, TWOFA, second(given))
    assert "login refused" in caplog.text
    for secret in (PASSWORD, PIN, SECRET, "wrong-guess", "99999", given):
        assert secret not in caplog.text


async def test_success_has_no_word_error(door: Doorstep) -> None:
    """One SDK takes any reply with the text `error` in it for a failure."""
    first = await post(door, LOGIN, BODIES[0])
    answer = await post(door, TWOFA, second(first.json()["data"]["twofa"]["twofa_token"]))
    for reply in (first, answer):
        document = reply.json()
        document["data"]["auth_token"] = ""
        assert "error" not in json.dumps(document)


async def test_without_an_entrance(tmp_path: Path) -> None:
    """Where nobody can log in the routes do not exist."""
    from tests.wire.counter import Counter

    answer = await Counter().call("POST", LOGIN, BODIES[0], token=None)
    assert answer.status == 404
