"""The page of the HTTP interface: the OpenAPI document that a server makes of its own operations, in Markdown."""

from collections.abc import Iterator
from typing import Any

from bracketd.wire.schema.document import openapi
from tools.markdown import code, table

Document = dict[str, Any]


def api_page() -> str:
    """Every route with its fields and replies, and every shape; sandbox and logins included."""
    document = openapi(sandbox=True, login=True)
    return "\n".join(
        (
            "# HTTP interface\n",
            (
                "Made of the description that a server gives of itself at `/openapi.json` (OpenAPI "
                f"{document['openapi']}). [What can be read, and what was chosen](../api.md) says what lies behind it, "
                "and [the feeds](../feeds.md) are the websocket.\n"
            ),
            *(part for tag in document["tags"] for part in _tag(tag, document)),
            "## Shapes\n",
            *(part for name, schema in document["components"]["schemas"].items() for part in _shape(name, schema)),
        )
    )


def _tag(tag: Document, document: Document) -> Iterator[str]:
    yield f"## {tag['name'].capitalize()}\n"
    yield f"{tag['description']}\n"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag["name"] in operation["tags"]:
                yield from _operation(method.upper(), path, operation)


def _operation(method: str, path: str, operation: Document) -> Iterator[str]:
    yield f"({operation['operationId'].replace('_', '-')})=\n"
    yield f"### `{method} {path}`\n"
    yield operation["summary"] + ("" if operation["security"] else " Takes no token.") + "\n"
    if operation["parameters"]:
        yield table(("Parameter", "In", "Type", "Meaning"), map(_parameter, operation["parameters"]))
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        how = "as JSON or as a form" if "application/json" in content else "as a form"
        yield f"Fields, {how}: {_type(next(iter(content.values()))['schema'])}\n"
    yield table(("Reply", "Body", "Meaning"), map(_reply, operation["responses"].items()))


def _parameter(parameter: Document) -> tuple[str, ...]:
    schema = parameter["schema"]
    needed = ", needed" if parameter["required"] else ""
    meaning = parameter.get("description") or schema.get("description", "")
    return code(parameter["name"]), parameter["in"] + needed, _type(schema), meaning


def _reply(reply: tuple[str, Document]) -> tuple[str, ...]:
    status, response = reply
    bodies = [
        _type(content["schema"]) if media_type == "application/json" else code(media_type)
        for media_type, content in response.get("content", {}).items()
    ]
    return status, ", ".join(bodies), response["description"]


def _shape(name: str, schema: Document) -> Iterator[str]:
    yield f"({_anchor(name)})=\n"
    yield f"### {name}\n"
    if "description" in schema:
        yield schema["description"] + "\n"
    if "properties" not in schema:
        yield _type(schema) + "\n"
        return
    needed = schema.get("required", ())
    rows = (
        (code(field), "always" if field in needed else "", _type(each), each.get("description", ""))
        for field, each in schema["properties"].items()
    )
    yield table(("Field", "", "Type", "Meaning"), rows)


def _anchor(name: str) -> str:
    """The label of a shape; its prefix keeps it apart from headings of the same word."""
    return f"shape-{name.lower()}"


def _type(schema: Document) -> str:
    """A schema in a few words, components linked."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(code(str(word)) or "empty" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
