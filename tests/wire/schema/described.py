"""The document as a reader of replies: which operation a request is, and whether a reply is one that it promises."""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator
from tests.wire.counter import Answer

from bracketd.wire.schema.document import openapi

# Through JSON once, as clients see it.
DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi(sandbox=True)))


def operation_of(method: str, target: str) -> dict[str, Any]:
    """The operation that a request line means; a literal path counts before one with a field."""
    path = target.partition("?")[0].rstrip("/")
    fitting = [
        template
        for template in sorted(DOCUMENT["paths"], key=lambda template: template.count("{"))
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path)
    ]
    described = [DOCUMENT["paths"][template] for template in fitting]
    (operation, *_) = [methods[method.lower()] for methods in described if method.lower() in methods]
    assert isinstance(operation, dict)
    return operation


def faults(method: str, target: str, answer: Answer) -> list[str]:
    """What the document does not promise of a reply: its status, or the places where its body differs."""
    responses = operation_of(method, target)["responses"]
    if str(answer.status) not in responses:
        return [f"status {answer.status} is not described"]
    schema = responses[str(answer.status)]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(schema | {"components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer.json())]
