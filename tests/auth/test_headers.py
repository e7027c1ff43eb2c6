"""The token in the headers: three names, an optional Bearer, and never a guess."""

import itertools

import pytest

from bracketd.auth.headers import TOKEN_HEADERS, presented_token
from bracketd.auth.refusal import Refusal, Unauthorised

OTHERS = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"x-device-type", b"WEB")]


@pytest.mark.parametrize("name", TOKEN_HEADERS)
@pytest.mark.parametrize(
    "value",
    [b"a.b.c", b"Bearer a.b.c", b"bearer a.b.c", b"BEARER a.b.c", b"BeArEr \t a.b.c", b"  Bearer a.b.c ", b" a.b.c"],
)
def test_each_header_with_and_without_bearer(name: bytes, value: bytes) -> None:
    """Each of the three headers carries the token, with Bearer in any case or without."""
    assert presented_token([*OTHERS, (name, value)]) == "a.b.c"


def test_headers_that_agree() -> None:
    """The same token in all headers, in any order, some with Bearer, is that token."""
    carried = list(zip(TOKEN_HEADERS, (b"a.B.c", b"bearer a.B.c", b"Bearer a.B.c"), strict=True))
    for order in itertools.permutations(carried):
        assert presented_token([*order, *OTHERS]) == "a.B.c"


@pytest.mark.parametrize(("first", "second"), list(itertools.product(TOKEN_HEADERS, repeat=2)))
def test_headers_that_differ(first: bytes, second: bytes) -> None:
    """Two headers, or one given twice, with different tokens are refused and not chosen from."""
    for other in (b"Bearer a.b.d", b"a.b.C"):
        with pytest.raises(Unauthorised) as caught:
            presented_token([(first, b"a.b.c"), *OTHERS, (second, other)])
        assert caught.value.reason is Refusal.HEADERS_DIFFER


def test_another_scheme_is_another_token() -> None:
    """Basic credentials beside a token differ from it and are refused."""
    with pytest.raises(Unauthorised):
        presented_token([(b"x-auth-token", b"a.b.c"), (b"authorization", b"Basic YTpi")])


@pytest.mark.parametrize("blank", [b"", b"  ", b"Bearer", b"bearer ", b"BEARER\t"])
@pytest.mark.parametrize("name", TOKEN_HEADERS)
def test_blank_counts_as_absent(name: bytes, blank: bytes) -> None:
    """A header that carries nothing, or Bearer and nothing, neither is a token nor contradicts one."""
    assert presented_token([*OTHERS, (name, blank)]) is None
    for carrier in TOKEN_HEADERS:
        assert presented_token([(name, blank), (carrier, b"a.b.c"), (name, blank)]) == "a.b.c"


def test_no_header_no_token() -> None:
    """Without one of the three headers there is no token."""
    assert presented_token(OTHERS) is None
    assert presented_token([]) is None


def test_bearer_is_a_word() -> None:
    """Bearer is taken off once, and only where it stands alone."""
    assert presented_token([(b"authorization", b"BearerX a.b.c")]) == "BearerX a.b.c"
    assert presented_token([(b"authorization", b"Bearer Bearer a.b.c")]) == "Bearer a.b.c"


def test_any_bytes_are_a_text() -> None:
    """Bytes that are no UTF-8 are handed on as they are, for the verifier to refuse."""
    assert presented_token([(b"authorization", b"\xff\xfe")]) == "\xff\xfe"
