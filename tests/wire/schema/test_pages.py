"""The pages under docs/, the document and the server name the same routes, codes and reasons."""

import json
from pathlib import Path
from typing import Any

import pytest

from bracketd.domain.outcomes import Refused
from bracketd.domain.reasons import Reason
from bracketd.wire import replies
from bracketd.wire.replies import Reply
from bracketd.wire.schema.document import openapi

DOCS = Path(__file__).resolve().parents[3] / "docs"
API = (DOCS / "api.md").read_text(encoding="utf-8")
REFUSALS = (DOCS / "refusals.md").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi(sandbox=True, login=True)))
CONSTANTS = [reply for reply in vars(replies).values() if isinstance(reply, Reply)]
WORDED = [
    worded
    for reason in Reason
    for outcome in [Refused(reason, "<field>")]
    for worded in (replies.cancel_reply(outcome), replies.place_reply(outcome), replies.modify_reply(outcome))
]
"""Each reason as it is worded to a cancel, a placement and a modification."""


def told(reply: Reply) -> dict[str, Any]:
    """A refusal's body, with its HTTP status under `http`."""
    body: dict[str, Any] = json.loads(reply.body)
    return body | {"http": reply.status}


# Every refusal that the server has words for.
TOLD = [told(reply) for reply in (*CONSTANTS, *WORDED) if reply.status >= 400]


def rows(page: str, cells: int) -> list[list[str]]:
    """The rows of a page's tables that have so many cells, without the lines of dashes."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in split if len(row) == cells]


def codes_of_the_schema(node: Any) -> set[int]:
    """Every value that the document lets an `error_code` have, wherever in it."""
    found: set[int] = set()
    if isinstance(node, dict):
        if isinstance(code := node.get("error_code"), dict):
            found |= {*code.get("enum", []), *([code["const"]] if "const" in code else [])}
        node = list(node.values())
    if isinstance(node, list):
        found = found.union(*(codes_of_the_schema(each) for each in node))
    return found


def words_of_the_schema() -> set[str]:
    """Every value that the document lets a `reason` have beside the closed list, and that list."""
    found = set(DOCUMENT["components"]["schemas"]["Reason"]["enum"])
    for schema in DOCUMENT["components"]["schemas"].values():
        reason = schema.get("properties", {}).get("reason", {})
        found |= {*reason.get("enum", []), *([reason["const"]] if "const" in reason else [])}
    return found


def test_page_and_document_have_the_same_routes() -> None:
    """The table of routes on the page is the document's, path for path and method for method."""
    table = API.partition("## Every route")[2]
    listed = {row[0].strip("`"): set(row[1].split(", ")) for row in rows(table, 3) if row[0].startswith("`")}
    described = {path: {method.upper() for method in methods} for path, methods in DOCUMENT["paths"].items()}
    assert listed == described


def test_page_document_and_server_have_the_same_codes() -> None:
    """The page's codes are the document's, and each has just the HTTP statuses with which the server sends it."""
    listed = {int(code): set(map(int, http.split(", "))) for code, http, _ in rows(REFUSALS, 3) if code.isdigit()}
    sent: dict[int, set[int]] = {}
    for body in TOLD:
        if "error_code" in body:
            sent.setdefault(body["error_code"], set()).add(body["http"])
    assert listed == sent
    assert set(listed) == codes_of_the_schema(DOCUMENT)


def test_page_document_and_server_have_the_same_reasons() -> None:
    """The page's reasons are the document's; each row is what the server sends with it."""
    table = [row for row in rows(REFUSALS, 5) if row[1].isdigit()]
    listed = [row[0] for row in table]
    assert len(listed) == len(set(listed))
    assert set(listed) == words_of_the_schema() == {body["reason"] for body in TOLD if "reason" in body}
    for reason, http, code, message, when in table:
        found = [body for body in TOLD if body.get("reason") == reason]
        assert {(body["http"], body["error_code"]) for body in found} == {(int(http), int(code))}
        assert message in {body["message"] for body in found}
        assert when


@pytest.mark.parametrize("row", DOCUMENT["info"]["x-reasons"], ids=lambda row: str(row["reason"]))
def test_page_has_the_documents_message(row: dict[str, Any]) -> None:
    """The message of each reason in the document is the one on the page."""
    assert f"\n| {row['reason']} | {row['status']} |" in REFUSALS
    (line,) = (each for each in rows(REFUSALS, 5) if each[0] == row["reason"])
    assert line[3] == row["message"]
