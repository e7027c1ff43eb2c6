"""The page: the document as HTML that any browser shows without a script, a font or a request to anywhere.

What it may do is nothing: the content security policy lets in its own style sheet, by its hash, and forbids the rest.
"""

import base64
import hashlib
from html import escape
from importlib import resources
from typing import Any

from bracketd.wire.schema.document import Document

STYLE = resources.files("bracketd.wire.schema").joinpath("page.css").read_text(encoding="utf-8")

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")

HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

_NO_TYPE = "any"
_FOR_MACHINES = (
    '<p>For machines: <a href="/openapi.json">/openapi.json</a>. A token goes in one of the headers '
    "x-authorization-token, x-auth-token and Authorization: Bearer.</p>"
)


def page(document: Document) -> str:
    """The whole page."""
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    parts = [
        f"<h1>{title}</h1>",
        *(f"<p>{escape(text)}</p>" for text in info["description"].split("\n\n")),
        _FOR_MACHINES,
        *(_tag(tag, document) for tag in document["tags"]),
        _reasons(info["x-reasons"]),
        "<h2>Shapes</h2>",
        *(_shape(name, schema) for name, schema in document["components"]["schemas"].items()),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _tag(tag: Document, document: Document) -> str:
    """The operations of one tag."""
    made = [f'<h2 id="{escape(tag["name"])}">{escape(tag["name"].capitalize())}</h2>']
    made.append(f"<p>{escape(tag['description'])}</p>")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag["name"] in operation["tags"]:
                made.append(_operation(method.upper(), path, operation))
    return "\n".join(made)


def _operation(method: str, path: str, operation: Document) -> str:
    """One operation, closed until somebody opens it."""
    body = [_table(("Parameter", "In", "Type", "Meaning"), map(_parameter_row, operation["parameters"]))]
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        how = "as JSON or as a form" if "application/json" in content else "as a form"
        body.append(f"<p>Fields, {how}: {_type(next(iter(content.values()))['schema'])}</p>")
    body.append(_table(("Reply", "Body", "Meaning"), map(_reply_row, operation["responses"].items())))
    locked = "" if operation["security"] else " <small>no token</small>"
    return (
        f'<details><summary><b class="{method.lower()}">{method}</b> '
        f"<code>{escape(path)}</code> {escape(operation['summary'])}{locked}</summary>" + "".join(body) + "</details>"
    )


def _parameter_row(parameter: Document) -> tuple[str, ...]:
    schema = parameter["schema"]
    meaning = parameter.get("description") or schema.get("description", "")
    name = f"<code>{escape(parameter['name'])}</code>" + (" <small>needed</small>" if parameter["required"] else "")
    return name, parameter["in"], _type(schema), escape(meaning)


def _reply_row(reply: tuple[str, Document]) -> tuple[str, ...]:
    status, response = reply
    shape = ""
    # A redirect has no body worth a name.
    for media_type, content in response.get("content", {}).items():
        shape = _type(content["schema"]) if media_type == "application/json" else escape(media_type)
    return status, shape, escape(response["description"])


def _reasons(rows: list[Document]) -> str:
    """The closed list of reasons."""
    cells = ((f"<code>{row['reason']}</code>", str(row["status"]), escape(row["message"])) for row in rows)
    return '<h2 id="reasons">Reasons</h2>' + _table(("Reason", "HTTP", "Message"), cells)


def _shape(name: str, schema: Document) -> str:
    """One component: its fields, or its words."""
    needed = schema.get("required", ())
    rows = (
        (
            f"<code>{escape(field)}</code>" + (" <small>always</small>" if field in needed else ""),
            _type(each),
            escape(each.get("description", "")),
        )
        for field, each in schema.get("properties", {}).items()
    )
    body = _table(("Field", "Type", "Meaning"), rows) if "properties" in schema else f"<p>{_type(schema)}</p>"
    told = escape(schema.get("description", "").partition("\n")[0])
    # A browser that follows a link opens what is closed around its target.
    return (
        f'<details><summary><code>{escape(name)}</code> {told}</summary><div id="{escape(name)}">{body}</div></details>'
    )


def _table(heads: tuple[str, ...], rows: Any) -> str:
    """A table; nothing where it has no rows. Cells are HTML already."""
    made = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{made}</tbody></table>" if made else ""


def _type(schema: Document) -> str:
    """A schema in a few words, components linked."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(word)) or '&quot;&quot;'}</code>" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("type", _NO_TYPE)))
