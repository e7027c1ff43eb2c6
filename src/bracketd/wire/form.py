"""A form read into fields: the encoding of query strings and of application/x-www-form-urlencoded bodies."""

from urllib.parse import unquote_to_bytes

from bracketd.wire.fields import Fields, Unreadable, add_field

JUNK_TAIL = "{"
"""The name under which a JSON document behind the fields is noted. Its content is ignored, its presence is not: a
request for everything with "nothing but `client_id`" must not be one that carried more than that."""


def read_form(raw: bytes) -> Fields:
    """The fields of a form: name=value pairs joined by &, percent-encoded UTF-8, a plus sign for a space.

    A name without a value is blank. From a name that begins with an opening brace the rest is a JSON document that
    one client hangs behind its query (wire.md 1.3, item 7); it is noted as JUNK_TAIL. Raises Unreadable for invalid
    UTF-8, for a raw NUL byte and for a name with two different values.
    """
    if b"\0" in raw:
        raise Unreadable("a NUL byte")
    fields: Fields = {}
    try:
        text = raw.decode()
        read = _decoded if "%" in text or "+" in text else str
        for pair in text.split("&"):
            name, equals, value = pair.partition("=")
            if not name and not equals:
                continue
            name = read(name)
            if name.lstrip()[:1] == "{":
                fields[JUNK_TAIL] = ""
                break
            add_field(fields, name, read(value).strip() if value else "")
    except UnicodeDecodeError as fault:
        raise Unreadable("not UTF-8") from fault
    return fields


def _decoded(part: str) -> str:
    """A name or value without its encoding; a percent sign that opens no escape stands for itself."""
    if "%" in part or "+" in part:
        return unquote_to_bytes(part.replace("+", " ")).decode()
    return part
