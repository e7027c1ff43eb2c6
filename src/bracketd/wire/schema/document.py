"""The document: OpenAPI 3.1 of the whole server, made of the Structs and the table of operations."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from bracketd import __version__
from bracketd.domain.outcomes import Refused
from bracketd.domain.reasons import Reason
from bracketd.wire.parameters import ALIASES
from bracketd.wire.replies import place_reply
from bracketd.wire.schema.operations import IDEMPOTENCY_KEY, PREFER, Operation, operations

_REFERENCE = "#/components/schemas/{name}"
_FORM = "application/x-www-form-urlencoded"
_PATH_FIELD = re.compile(r"\{(\w+)\}")

_DESCRIPTION = """Bracket orders in the dialect of the PaceTrader family, on a paper exchange.

A trailing slash changes nothing. HEAD is answered where GET is. Every reply is JSON, except the pages /docs and
/oauth2/auth. An unknown
path is 404, a method that a path does not have 405, a body or a query over 64 KiB 413; all are a Problem.

The fields of an order may come as a JSON body, a form body, the query, a JSON document as the query, or (a DELETE's
id) in the path alone. A number may be its text. Unknown fields are ignored. These typos of the family's documents are
read as well: {aliases}."""

_STATUSES = {
    200: "Done.",
    202: "The outcome is not known yet; neither success nor failure.",
    303: "Back to the application, with a code or with what is wrong.",
    400: "A field is wrong or missing, or the request cannot be read.",
    401: "The token is missing, expired or revoked, or the login is wrong.",
    403: "The token is another client's, or the login on the page is wrong.",
    404: "Not found.",
    409: "Refused for a reason that lies in the state of things.",
    413: "Too large.",
    422: "The idempotency key was used for another order.",
    429: "Too many orders or cancels of the client, failures of the login, or logins at once.",
    500: "A fault of the server.",
    503: "Not serving.",
}

_HEADERS = {
    PREFER: ("`return=representation` asks for the bracket as it stands.", "return=representation"),
    IDEMPOTENCY_KEY: ("The same key and order get the same reply again, for the day.", "desk-7-0001"),
}

_TAGS = {
    "orders": "Placing, modifying, cancelling and the books.",
    "portfolio": "Positions and holdings.",
    "account": "The client, its funds and its token.",
    "login": "Where tokens come from.",
    "market": "Instruments and their market.",
    "server": "The server itself.",
    "sandbox": "Prints by hand, the clock and planned faults; only where it was switched on.",
}

_SECURITY = {
    "x-authorization-token": {"type": "apiKey", "in": "header", "name": "x-authorization-token"},
    "x-auth-token": {"type": "apiKey", "in": "header", "name": "x-auth-token"},
    "bearer": {"type": "http", "scheme": "bearer"},
}

Document = dict[str, Any]


def openapi(*, sandbox: bool, login: bool = False) -> Document:
    """The document of a server, with or without the sandbox, and the routes by which clients log in."""
    table = operations(sandbox=sandbox, login=login)
    schemas = _schemas(table)
    paths: dict[str, Document] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    used = {operation.tag for operation in table}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "bracketd",
            "version": __version__,
            "description": _DESCRIPTION.format(aliases=", ".join(f"{typo} ({name})" for typo, name in ALIASES.items())),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "x-reasons": reasons(),
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if name in used],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
    }


def reasons() -> list[Document]:
    """The closed list: each reason with the status and the message of a refusal that carries it."""
    rows = []
    for reason in Reason:
        reply = place_reply(Refused(reason, "<field>"))
        rows.append({"reason": reason, "status": reply.status, "message": msgspec.json.decode(reply.body)["message"]})
    return rows


def _schemas(table: Iterable[Operation]) -> dict[str, Document]:
    """Every Struct of the table, and what they are made of, by name."""
    structs: dict[type[Struct], None] = {}
    for operation in table:
        asked = (part for part in (operation.query, operation.body) if part is not None)
        told = (struct for each in operation.replies.values() for struct in each)
        structs.update(dict.fromkeys((*asked, *told)))
    _, schemas = msgspec.json.schema_components(list(structs), ref_template=_REFERENCE)
    return schemas


def _operation(operation: Operation, schemas: dict[str, Document]) -> Document:
    made: Document = {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation, schemas),
        "security": [{name: []} for name in _SECURITY] if operation.secured else [],
        "responses": {str(status): _response(operation, status) for status in sorted(operation.replies)},
    }
    if operation.body is not None:
        content = {"schema": _reference(operation.body)}
        made["requestBody"] = {
            "required": operation.method != "DELETE",
            "content": {_FORM: content} if operation.form_only else {"application/json": content, _FORM: content},
        }
    return made


def _parameters(operation: Operation, schemas: dict[str, Document]) -> list[Document]:
    """The parameters of path, query and headers."""
    made: list[Document] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_FIELD.findall(operation.path)
    ]
    if operation.query is not None:
        fields = schemas[operation.query.__name__]
        # What a body may carry instead is needed in neither place.
        needed = fields.get("required", ()) if operation.body is None or operation.form_only else ()
        made += [
            {"name": name, "in": "query", "required": name in needed, "schema": schema}
            for name, schema in fields["properties"].items()
        ]
    for name in operation.headers:
        text, example = _HEADERS[name]
        schema = {"type": "string", "examples": [example]}
        made.append({"name": name, "in": "header", "required": False, "description": text, "schema": schema})
    return made


def _response(operation: Operation, status: int) -> Document:
    structs = operation.replies[status]
    schema = _reference(structs[0]) if len(structs) == 1 else {"anyOf": [_reference(struct) for struct in structs]}
    if status == 303:
        location = {"description": "The registered redirect URI.", "schema": {"type": "string"}}
        return {"description": _STATUSES[status], "headers": {"Location": location}}
    media_type = "application/json" if structs else operation.media_type
    made: Document = {
        "description": _STATUSES[status],
        "content": {media_type: {"schema": schema if structs else {"type": "string"}}},
    }
    if status in (429, 503):
        made["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    if status == 401:
        made["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return made


def _reference(struct: type[Struct]) -> Document:
    return {"$ref": _REFERENCE.format(name=struct.__name__)}
