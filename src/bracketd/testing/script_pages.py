"""The script over HTTP, so that a program in any language can be tested: routes beside those of docs/sandbox.md.

`/sandbox/v1/script` takes, shows and clears steps, `/sandbox/v1/scenarios` lists the ready ones, `/sandbox/v1/tokens`
gives out a token, `/sandbox/v1/positions` tells what is held and what was held at most. For this machine alone.
"""

from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from bracketd.testing.house import House
from bracketd.testing.scenarios import SCENARIOS
from bracketd.testing.script import STEPS_MAX, Step, Steps
from bracketd.testing.timeline import Timeline
from bracketd.wire import replies
from bracketd.wire.amounts import JSON
from bracketd.wire.neighbour import is_neighbour
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.request import ClientGone, read_body

SCRIPT = "/sandbox/v1/script"
SCENARIO_LIST = "/sandbox/v1/scenarios"
TOKENS = "/sandbox/v1/tokens"
POSITIONS = "/sandbox/v1/positions"
METHODS = {
    SCRIPT: ("GET", "POST", "DELETE"),
    SCENARIO_LIST: ("GET",),
    TOKENS: ("POST",),
    POSITIONS: ("POST",),
}


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What POST to the script takes: steps, or the name of a scenario."""

    steps: list[Step] = []
    scenario: str = ""


class _Who(msgspec.Struct, forbid_unknown_fields=True):
    """Whose token or position is asked for."""

    client_id: str
    instrument: str = "SBIN"


class ScriptPages:
    """The routes of the kit."""

    def __init__(self, house: House, timeline: Timeline) -> None:
        self._house = house
        self._timeline = timeline

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a request to one of the routes; False for any other."""
        path = scope["path"].rstrip("/")
        if path not in METHODS:
            return False
        try:
            if not is_neighbour(scope):
                reply = replies.RESOURCE_NOT_FOUND
            elif scope["method"] not in METHODS[path]:
                reply = replies.method_not_allowed(", ".join(METHODS[path]))
            else:
                reply = self._reply(path, scope["method"], await read_body(scope, receive))
        except EarlyReply as early:
            reply = early.reply
        except ClientGone:
            return True
        await send_reply(send, reply)
        return True

    def _reply(self, path: str, method: str, body: bytes) -> Reply:
        if path == SCENARIO_LIST:
            return replies.success("", [_shown(each) for each in SCENARIOS.values()])
        if path in (TOKENS, POSITIONS):
            return self._of_client(path, body)
        if method == "DELETE":
            self._timeline.clear()
        elif method == "POST":
            try:
                self._timeline.play(_read(body))
            except ValueError as fault:
                return replies.field_invalid(str(fault))
        data = {"waiting": self._timeline.waiting, "log": self._timeline.log, "up": self._timeline.up}
        return Reply(200, JSON.encode({"data": data, "message": "", "status": "success"}))

    def _of_client(self, path: str, body: bytes) -> Reply:
        try:
            who = msgspec.json.decode(body, type=_Who)
        except msgspec.DecodeError as fault:
            return replies.field_invalid(_place(fault))
        if who.client_id not in self._house.clients:
            return replies.field_invalid("client_id")
        if path == TOKENS:
            return replies.success("", {"token": self._house.tokens.give(who.client_id)})
        try:
            line = self._house.running(who.client_id, who.instrument)
        except ValueError:
            return replies.field_invalid("instrument")
        return replies.success("", {"net": line[-1], "peak": max(map(abs, line))})


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a reply as it is."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(reply.body)),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _read(body: bytes) -> Steps:
    """The steps of a request. Raises ValueError, whose text is the field at fault."""
    try:
        asked = msgspec.json.decode(body, type=_Asked)
    except msgspec.DecodeError as fault:
        raise ValueError(_place(fault)) from fault
    if asked.scenario:
        if asked.scenario not in SCENARIOS or asked.steps:
            raise ValueError("steps" if asked.steps else "scenario")
        return SCENARIOS[asked.scenario].steps
    if not asked.steps or len(asked.steps) > STEPS_MAX:
        raise ValueError("steps")
    return tuple(asked.steps)


def _place(fault: msgspec.DecodeError) -> str:
    """Where a document is wrong, as the field's name in the replies of the family."""
    _, told, place = str(fault).rpartition(" - at `$")
    return place.rstrip("`").lstrip(".") if told else "body"


def _shown(scenario: Any) -> dict[str, object]:
    return {"name": scenario.name, "complaint": scenario.complaint, "steps": scenario.steps}
