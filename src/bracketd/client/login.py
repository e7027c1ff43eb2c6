"""Logging in: a password, then a PIN or an authenticator's code, as the family does it (wire.md 1.9)."""

from bracketd.client.errors import Garbled
from bracketd.client.replies import as_mapping
from bracketd.client.talk import Again, Call, Talk, ask


def login(client_id: str, password: str, pin: str, totp: str) -> Talk[str]:
    """The token. Each step is sent once: a second try could be counted as a second failure."""
    if bool(pin) == bool(totp):
        raise ValueError("either a pin or a totp")
    who = {"login_id": client_id, "password": password, "device": "WEB"}
    body = yield from ask(Call("POST", "/api/v3/user/login", body=who), Again.UNSENT, 1)
    asked = as_mapping(as_mapping(body.get("data"), "data of a login").get("twofa"), "twofa")
    questions = asked.get("questions")
    first = questions[0] if isinstance(questions, list) and questions and isinstance(questions[0], dict) else {}
    answer = {
        "login_id": client_id,
        "twofa": [{"question_id": first.get("question_id", "22"), "answer": pin or totp}],
        "twofa_token": asked.get("twofa_token"),
        "type": "PIN" if pin else "TOTP",
        "device_type": "web",
    }
    body = yield from ask(Call("POST", "/api/v3/user/twofa", body=answer), Again.UNSENT, 1)
    token = as_mapping(body.get("data"), "data of a login").get("auth_token")
    if not isinstance(token, str) or not token:
        raise Garbled("a login without a token", status=200)
    return token
