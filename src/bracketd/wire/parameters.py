"""Parameters: the same named texts, whatever encoding a request came in.

JSON body, form body, query string, a JSON document as the query string, or the path alone have identical effect
(wire.md 1.3); query gives way to body, and the path's id stands apart (wire.md 1.1). No rule of trading is here.
"""

import re
from functools import lru_cache
from typing import Self, cast
from urllib.parse import unquote_to_bytes

import msgspec

from bracketd.wire.fields import BAD, Fields, Unreadable, add_field
from bracketd.wire.form import read_form
from bracketd.wire.json_object import read_json_object

ALIASES = {
    "clint_id": "client_id",
    "ClientId": "client_id",
    "excution_type": "execution_type",
    "osm_order_id": "oms_order_id",
    "last_active_reference": "last_activity_reference",
    "stop_loss_vlaue": "stop_loss_value",
}
"""Typos that the family's documents print, and the names they stand for (wire.md 1.3, item 6)."""

_TYPOS = frozenset(ALIASES)
_JSON_TYPES = frozenset({b"application/json", b"text/json"})
_FORM_TYPE = b"application/x-www-form-urlencoded"
_JSON_OPENERS = (b"{", b"[", b'"')
_BOM = b"\xef\xbb\xbf"
_NAMED_PAIR = re.compile(rb"[\w.?\[\]%+-]+[=&]")
_CONTROL = re.compile(rb"[\x00-\x1f]")
_NONE: Fields = {}

RECALLED = 2_048
"""How many short requests are kept as they were read."""

RECALLED_BYTES_MAX = 256
"""Body, query and content type of a short one; who names an order in the path and says which leg needs less."""


class Parameters(msgspec.Struct, gc=False):
    """The fields of one request by name, and `path_id`, the id in its path (None where it has none).

    A blank field reads as absent, also for precedence: a blank one in the body does not hide the query's. Values are
    texts as `fields` describes them.

    `only` are the fields where they came from one place and are all texts, None otherwise: with them nothing is
    unreadable, no two can conflict, and what is there is what counts.
    """

    path_id: str | None
    only: dict[str, str] | None
    _body: Fields
    _query: Fields

    @classmethod
    def of(cls, path_id: str | None, body: Fields, query: Fields) -> Self:
        """The parameters of the fields that body and query have."""
        fields = body or query
        texts = not (body and query) and BAD not in fields.values()
        return cls(path_id, cast(dict[str, str], fields) if texts else None, body, query)

    def text(self, name: str) -> str | None:
        """The field's text, the body's before the query's; None where it is absent, blank or an object or array."""
        if self.only is not None:
            return self.only.get(name) or None
        value = self._body.get(name) or self._query.get(name)
        return value if value and value is not BAD else None

    def is_blank(self, name: str) -> bool:
        """Whether the field is present but null or blank, in body or query."""
        return self._body.get(name) == "" or self._query.get(name) == ""

    def bad(self, name: str) -> bool:
        """Whether the value that counts is an object or array."""
        return (self._body.get(name) or self._query.get(name)) is BAD

    def bad_anywhere(self, name: str) -> bool:
        """Whether body or query holds an object or array there, whichever of them counts."""
        return self._body.get(name) is BAD or self._query.get(name) is BAD

    def values(self, name: str) -> tuple[str, ...]:
        """Every different text the field has, the body's first; no blanks, no objects or arrays."""
        first, second = self._body.get(name), self._query.get(name)
        if second and second is not BAD and second != first:
            return (first, second) if first and first is not BAD else (second,)
        return (first,) if first and first is not BAD else ()

    def conflict(self, name: str) -> bool:
        """Whether body and query give the field two different values; blank is none, an object or array is one."""
        first, second = self._body.get(name), self._query.get(name)
        return bool(first and second) and first != second

    def order_ids(self) -> tuple[str, ...]:
        """The id that names the order (the path's, else the body's, else the query's), then every other one."""
        sent = self.values("oms_order_id")
        if self.path_id is None:
            return sent
        return (self.path_id, *(text for text in sent if text != self.path_id))

    def names(self) -> tuple[str, ...]:
        """The names of all fields present, blank ones and `form.JUNK_TAIL` included, the path's id not."""
        return tuple(self._body | self._query)


def read_parameters(
    query_string: bytes, content_type: bytes | None, body: bytes, path_id: str | None = None
) -> Parameters:
    """The parameters of a request: its raw query string, its body as declared, and the decoded id of its path.

    Raises Unreadable, and nothing else, where body or query cannot be read. `path_id` is trimmed; blank is None.
    """
    if path_id:
        path_id = path_id.strip()
    return Parameters.of(path_id or None, *_read(query_string, content_type, body))


def recall_parameters(
    query_string: bytes, content_type: bytes | None, body: bytes, path_id: str | None = None
) -> Parameters:
    """The same for a request as a client sends it again and again, only with another id in its path.

    Short ones are kept, RECALLED of them: never those in which a secret may stand.
    """
    if len(body) + len(query_string) + len(content_type or b"") > RECALLED_BYTES_MAX:
        return read_parameters(query_string, content_type, body, path_id)
    only, body_fields, query_fields = _recall(query_string, content_type, body)
    if path_id:
        path_id = path_id.strip()
    return Parameters(path_id or None, only, body_fields, query_fields)


@lru_cache(RECALLED)
def _recall(
    query_string: bytes, content_type: bytes | None, body: bytes
) -> tuple[dict[str, str] | None, Fields, Fields]:
    found = Parameters.of(None, *_read(query_string, content_type, body))
    return found.only, found._body, found._query


def _read(query_string: bytes, content_type: bytes | None, body: bytes) -> tuple[Fields, Fields]:
    """The fields of body and query."""
    body_fields = _read_body(content_type, body) if body else _NONE
    query_fields = _read_query(query_string) if query_string else _NONE
    if not (_TYPOS.isdisjoint(body_fields) and (not query_fields or _TYPOS.isdisjoint(query_fields))):
        body_fields, query_fields = _corrected(body_fields, query_fields), _corrected(query_fields, body_fields)
    return body_fields, query_fields


def _read_body(content_type: bytes | None, body: bytes) -> Fields:
    """The fields of a body. What opens like JSON is JSON or nothing: half an object is never read as a form."""
    declared = content_type or b""
    if declared not in _JSON_TYPES:
        declared = declared.partition(b";")[0].strip().lower()
    body = body.removeprefix(_BOM).strip()
    if not body:
        return _NONE
    if declared in _JSON_TYPES or body.startswith(_JSON_OPENERS) or declared.endswith(b"+json"):
        return _read_json(body)
    if b"=" not in body or (declared != _FORM_TYPE and not _resembles_form(body)):
        raise Unreadable("neither JSON nor a form")
    return read_form(body)


def _resembles_form(body: bytes) -> bool:
    """Whether a body that nobody declared to be a form begins like one and holds no line breaks.

    Multipart and XML have equal signs too; read as a form they would lose the fields that say which leg is meant.
    """
    return _NAMED_PAIR.match(body) is not None and _CONTROL.search(body) is None


def _read_query(query_string: bytes) -> Fields:
    """The fields of a query string, which may be one percent-encoded JSON document (wire.md 1.3, PACE-SDK)."""
    if not query_string[:1].isalpha():
        document = unquote_to_bytes(query_string.strip(b"&+")).removeprefix(_BOM).strip()
        if document.startswith(_JSON_OPENERS):
            return _read_json_query(document, query_string)
    return read_form(query_string)


def _read_json_query(document: bytes, query_string: bytes) -> Fields:
    """A document sent as it is may hold a plus; where that is no JSON, a plus is a space, as form encoders write it."""
    try:
        return _read_json(document)
    except Unreadable:
        if b"+" not in query_string:
            raise
        spaced = query_string.strip(b"&").replace(b"+", b" ")
        return _read_json(unquote_to_bytes(spaced).strip().removeprefix(_BOM))


def _read_json(document: bytes) -> Fields:
    try:
        text = document.decode()
    except UnicodeDecodeError as fault:
        raise Unreadable("not UTF-8") from fault
    return read_json_object(text)


def _corrected(source: Fields, other: Fields) -> Fields:
    """The fields of one source under their correct names.

    A correct name that is not blank counts wherever it stands, in this source or the other, and its typo is dropped.
    Two typos of one name are two values of one field: they must agree.
    """
    fields = {name: value for name, value in source.items() if name not in ALIASES}
    from_typos: Fields = {}
    for typo, value in source.items():
        name = ALIASES.get(typo)
        if name is None or source.get(name) or other.get(name):
            continue
        add_field(from_typos, name, value)
    return fields | from_typos
