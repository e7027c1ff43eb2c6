"""The token: its shape is the documents' own, and nothing but a good one is let through."""

import base64
import datetime
import hashlib
import hmac
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bracketd.auth.refusal import Refusal, Unauthorised
from bracketd.auth.token import Claims, issue, login_expiry_ms, verify

SEED_TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJibGFja2xpc3Rfa2V5IjoiQ0xJRU5UMTpURGYvZ1RKUUNFSytsWGJ1L21yenF3IiwiY2xpZW50X2lkIjoiQ0xJRU5UMSIsImNsaWVudF90b2tl"
    "biI6InlKeDI0dFdmUUlsSnloUnVWbVVKeXciLCJkZXZpY2UiOiJ3ZWIiLCJleHAiOjE2NjQ0Mzk3ODE2NTZ9."
    "LP70t5kXSBtO0iflzG2lo3lvs8wj9_HpHRjOPSHSBpg"
)
SEED_BLACKLIST_BYTES = base64.b64decode("TDf/gTJQCEK+lXbu/mrzqw==")
SEED_CLIENT_TOKEN = "yJx24tWfQIlJyhRuVmUJyw"
SEED_EXP_MS = 1_664_439_781_656

KEY = bytes(range(32))
MS = 1_000_000
EXP_MS = 1_700_000_000_000
BEFORE_NS = (EXP_MS - 1) * MS
CLAIMS = {
    "blacklist_key": "CLIENT1:TDf/gTJQCEK+lXbu/mrzqw",
    "client_id": "CLIENT1",
    "client_token": SEED_CLIENT_TOKEN,
    "device": "web",
    "exp": EXP_MS,
}
HEADER = {"alg": "HS256", "typ": "JWT"}


class GoodStanding:
    """Books in which every client_token is current and nothing is revoked."""

    def check_client_token(self, claims: Claims) -> None:
        """Accept."""

    def check_not_revoked(self, claims: Claims) -> None:
        """Accept."""


class NoStanding:
    """Books that know nobody, and in which everything is revoked."""

    def check_client_token(self, claims: Claims) -> None:
        """Refuse."""
        raise Unauthorised(Refusal.CLIENT_UNKNOWN)

    def check_not_revoked(self, claims: Claims) -> None:
        """Refuse."""
        raise Unauthorised(Refusal.REVOKED)


class RevokedStanding(GoodStanding):
    """Books in which every client is known and every token revoked."""

    def check_not_revoked(self, claims: Claims) -> None:
        """Refuse."""
        raise Unauthorised(Refusal.REVOKED)


def base64url(value: bytes) -> str:
    """The unpadded url-safe base64 of a JWT's segment."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(header: object, payload: object, key: bytes = KEY, digest: str = "sha256") -> str:
    """A JWT made without PyJWT, so that a header can claim anything; bytes are taken as they are, the rest as JSON."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signing_input = ".".join(map(base64url, parts))
    signature = hmac.new(key, signing_input.encode(), getattr(hashlib, digest)).digest()
    return f"{signing_input}.{base64url(signature)}"


def refusal(token: str, now_ns: int = BEFORE_NS, key: bytes = KEY, standing: object = None) -> Refusal:
    """Why a token is refused; fails if it is not."""
    with pytest.raises(Unauthorised) as caught:
        verify(key, token, now_ns, standing or GoodStanding())
    return caught.value.reason


def with_claims(**changes: object) -> str:
    """A well-signed token whose claims differ from good ones; None leaves a claim out."""
    return signed(HEADER, {name: value for name, value in (CLAIMS | changes).items() if value is not None})


def test_issue_writes_the_documented_shape() -> None:
    """From the inputs of the documented token, issue makes its header and its claims byte for byte."""
    token = issue(KEY, "CLIENT1", SEED_CLIENT_TOKEN, "web", SEED_EXP_MS, lambda count: SEED_BLACKLIST_BYTES[:count])
    assert token.rpartition(".")[0] == SEED_TOKEN.rpartition(".")[0]


def test_issued_token_is_verified() -> None:
    """What issue signs, verify reads back, claim by claim."""
    token = issue(KEY, "CLIENT1", SEED_CLIENT_TOKEN, "web", EXP_MS, lambda count: SEED_BLACKLIST_BYTES[:count])
    assert verify(KEY, token, BEFORE_NS, GoodStanding()) == Claims(**CLAIMS)


def test_token_signed_without_pyjwt_is_verified() -> None:
    """The signature is HMAC-SHA256 as RFC 7515 has it, whoever computed it; no registered claim but exp is needed."""
    assert verify(KEY, signed(HEADER, CLAIMS), BEFORE_NS, GoodStanding()).client_id == "CLIENT1"


def test_every_token_has_its_own_blacklist_key() -> None:
    """Two tokens issued alike differ, so that revoking one leaves the other."""
    tokens = {issue(KEY, "CLIENT1", SEED_CLIENT_TOKEN, "web", EXP_MS) for _ in range(2)}
    assert len({verify(KEY, token, BEFORE_NS, GoodStanding()).blacklist_key for token in tokens}) == 2


@pytest.mark.parametrize("exp_ms", [-1, 0, EXP_MS // 1000, 10**11 - 1, 2**53])
def test_issue_refuses_an_expiry_that_would_be_misread(exp_ms: int) -> None:
    """An exp that a verifier would take for seconds, or a browser would round, is not signed."""
    with pytest.raises(ValueError):
        issue(KEY, "CLIENT1", SEED_CLIENT_TOKEN, "web", exp_ms)


def test_issue_refuses_what_verify_would_refuse_for_its_size() -> None:
    """Claims too long for the size cap are not signed."""
    with pytest.raises(ValueError):
        issue(KEY, "CLIENT1", SEED_CLIENT_TOKEN, "w" * 4096, EXP_MS)


@pytest.mark.parametrize("now_ns", [0, (SEED_EXP_MS - 1) * MS, BEFORE_NS])
def test_the_documented_token_is_refused(now_ns: int) -> None:
    """The token printed in the documents opens nothing at any time: nobody here has its key."""
    assert refusal(SEED_TOKEN, now_ns) is Refusal.BAD_SIGNATURE


def test_expiry_is_exact_to_the_nanosecond() -> None:
    """A token whose exp is the documented one is good until that millisecond begins and no longer."""
    token = with_claims(exp=SEED_EXP_MS)
    assert verify(KEY, token, SEED_EXP_MS * MS - 1, GoodStanding()).exp_ms == SEED_EXP_MS
    assert refusal(token, SEED_EXP_MS * MS) is Refusal.EXPIRED


@pytest.mark.parametrize(
    ("exp", "exp_ms"),
    [(10**11 - 1, (10**11 - 1) * 1000), (10**11, 10**11), (1_700_000_000, EXP_MS), (EXP_MS, EXP_MS)],
)
def test_small_exp_is_seconds(exp: int, exp_ms: int) -> None:
    """An exp below 10**11 is in seconds, from there on in milliseconds, and ends exactly so."""
    token = with_claims(exp=exp)
    assert verify(KEY, token, exp_ms * MS - 1, GoodStanding()).exp_ms == exp_ms
    assert refusal(token, exp_ms * MS) is Refusal.EXPIRED


@pytest.mark.parametrize("exp", [float(EXP_MS), EXP_MS + 0.5, True, str(EXP_MS), [EXP_MS], {}, 2**53, 2**64])
def test_exp_of_another_type_is_refused(exp: object) -> None:
    """An exp that is a float, a bool, a text, a list, an object or beyond 2**53 is no exp."""
    assert refusal(with_claims(exp=exp)) is Refusal.BAD_CLAIMS


def test_exp_null_is_refused() -> None:
    """An exp that is null is no exp."""
    assert refusal(signed(HEADER, CLAIMS | {"exp": None})) is Refusal.BAD_CLAIMS


@pytest.mark.parametrize("claim", list(CLAIMS))
def test_every_claim_is_needed(claim: str) -> None:
    """A token that lacks one of the five claims is refused."""
    assert refusal(with_claims(**{claim: None})) is Refusal.BAD_CLAIMS


@pytest.mark.parametrize("claim", ["blacklist_key", "client_id", "client_token", "device"])
def test_every_other_claim_is_text(claim: str) -> None:
    """A token with a number where a text belongs is refused."""
    assert refusal(with_claims(**{claim: 1})) is Refusal.BAD_CLAIMS


@pytest.mark.parametrize("payload", [b"", b"[]", b'"text"', b"not json", b"\xff\xfe", b"null"])
def test_claims_are_an_object(payload: bytes) -> None:
    """A well-signed payload that is no JSON object is refused."""
    assert refusal(signed(HEADER, payload)) is Refusal.BAD_CLAIMS


@pytest.mark.parametrize("claim", ["blacklist_key", "client_id", "client_token", "device"])
def test_claims_are_utf_8(claim: str) -> None:
    """A well-signed claim with bytes that are no UTF-8 is refused as any other that is no text."""
    payload = json.dumps(CLAIMS | {claim: "HERE"}).encode().replace(b"HERE", b"CLIENT1:\xa2\xff")
    assert refusal(signed(HEADER, payload)) is Refusal.BAD_CLAIMS


def test_registered_claims_are_not_looked_at() -> None:
    """A further claim, even an nbf in the future, changes nothing."""
    token = with_claims(nbf=EXP_MS * 2, iat="x", iss=1, aud="y", sub=2, jti=[])
    assert verify(KEY, token, BEFORE_NS, GoodStanding()).client_id == "CLIENT1"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "hs256", "HS256 ", "RS256", "ES256", "HS512", 1, [], None])
def test_header_alg_must_be_hs256(alg: object) -> None:
    """A header naming any algorithm but HS256 is refused, however good the HMAC under it: RS256 included."""
    assert refusal(signed({"alg": alg, "typ": "JWT"}, CLAIMS)) is Refusal.WRONG_ALGORITHM


def test_header_without_alg_is_refused() -> None:
    """A header that names no algorithm is refused."""
    assert refusal(signed({"typ": "JWT"}, CLAIMS)) is Refusal.WRONG_ALGORITHM


def test_unsigned_token_is_refused() -> None:
    """A token of alg none with an empty signature, as PyJWT itself makes it, is refused."""
    assert refusal(jwt.encode(CLAIMS, "", algorithm="none")) is Refusal.WRONG_ALGORITHM


def test_hs512_token_of_our_key_is_refused() -> None:
    """A token that our key signed by another HMAC is refused."""
    token = signed({"alg": "HS512", "typ": "JWT"}, CLAIMS, digest="sha512")
    assert refusal(token) is Refusal.WRONG_ALGORITHM
    assert refusal(signed(HEADER, CLAIMS, digest="sha512")) is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize(
    "extra",
    [
        {"kid": "../../dev/null"},
        {"jku": "https://example.invalid/keys"},
        {"jwk": {"kty": "oct", "k": base64url(b"k" * 32)}},
        {"x5u": "https://example.invalid/cert"},
    ],
)
def test_key_hints_are_ignored(extra: dict[str, object]) -> None:
    """A header that names a key neither helps a token of another key nor harms one of ours."""
    assert verify(KEY, signed(HEADER | extra, CLAIMS), BEFORE_NS, GoodStanding()).client_id == "CLIENT1"
    assert refusal(signed(HEADER | extra, CLAIMS, key=b"k" * 32)) is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("extra", [{"crit": ["exp"]}, {"crit": []}, {"b64": False, "crit": ["b64"]}])
def test_critical_extensions_are_refused(extra: dict[str, object]) -> None:
    """A header that insists on an extension is refused, as RFC 7515 asks of one who does not know it."""
    assert refusal(signed(HEADER | extra, CLAIMS)) is Refusal.MALFORMED


def test_wrong_key_is_refused() -> None:
    """A token of another key is refused."""
    assert refusal(with_claims(), key=b"k" * 32) is Refusal.BAD_SIGNATURE


def test_changed_claims_are_refused() -> None:
    """Claims of one token under the signature of another are refused."""
    header, _, signature = with_claims().split(".")
    payload = with_claims(client_id="CLIENT2", blacklist_key="CLIENT2:x").split(".")[1]
    assert refusal(f"{header}.{payload}.{signature}") is Refusal.BAD_SIGNATURE


def test_every_truncation_is_refused() -> None:
    """No proper beginning of a good token is good."""
    token = with_claims()
    reasons = {refusal(token[:length]) for length in range(len(token))}
    assert reasons <= {Refusal.MALFORMED, Refusal.BAD_SIGNATURE}


def test_one_token_has_one_spelling() -> None:
    """A good token with padding, blanks, a further segment or a stray character is refused."""
    token = with_claims()
    for spelling in (token + "=", token.replace(".", "=.", 1), f" {token}", f"{token}\n", f"{token}.", f"{token}.x"):
        assert refusal(spelling) is Refusal.MALFORMED


def test_size_cap() -> None:
    """A good token of 4096 characters is read, one of more is not even decoded."""
    bare = len(with_claims(device=""))
    devices = ["w" * length for length in range((4096 - bare) * 3 // 4 - 8, (4096 - bare) * 3 // 4 + 8)]
    tokens = {len(token): token for token in (with_claims(device=device) for device in devices)}
    longest_good = max(length for length in tokens if length <= 4096)
    assert verify(KEY, tokens[longest_good], BEFORE_NS, GoodStanding()).device.startswith("w")
    assert refusal(tokens[min(length for length in tokens if length > 4096)]) is Refusal.TOO_LONG
    assert longest_good >= 4095


@pytest.mark.parametrize(
    "blacklist_key", ["CLIENT2:abc", "CLIENT1", "CLIENT1:", ":abc", "CLIENT11:abc", "client1:abc", ""]
)
def test_blacklist_key_names_the_client(blacklist_key: str) -> None:
    """A blacklist_key with another client's prefix, or without a key behind it, is refused."""
    assert refusal(with_claims(blacklist_key=blacklist_key)) is Refusal.FOREIGN_BLACKLIST_KEY


def test_checks_run_in_the_documented_order() -> None:
    """Of several faults the first is named: size, algorithm, HMAC, types, expiry, client, revocation, prefix."""
    late = BEFORE_NS + MS
    foreign = with_claims(blacklist_key="CLIENT2:x")
    other_key = b"k" * 32
    assert refusal("x" * 4097) is Refusal.TOO_LONG
    assert refusal(signed({"alg": "none"}, CLAIMS, key=other_key)) is Refusal.WRONG_ALGORITHM
    assert refusal(with_claims(exp="x"), key=other_key) is Refusal.BAD_SIGNATURE
    assert refusal(with_claims(exp=1, device=1), late, standing=NoStanding()) is Refusal.BAD_CLAIMS
    assert refusal(foreign, late, standing=NoStanding()) is Refusal.EXPIRED
    assert refusal(foreign, standing=NoStanding()) is Refusal.CLIENT_UNKNOWN
    assert refusal(foreign, standing=RevokedStanding()) is Refusal.REVOKED
    assert refusal(foreign) is Refusal.FOREIGN_BLACKLIST_KEY


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (signed(HEADER | {"crit": ["a secret"]}, CLAIMS), "not a signed token"),
        (signed({"alg": "a secret"}, CLAIMS), "algorithm is not HS256"),
        (signed(HEADER, CLAIMS, key=b"k" * 32), "signature does not match"),
        (with_claims(exp="a secret"), "claims missing or of the wrong type"),
    ],
)
def test_refusal_holds_nothing_of_the_token(token: str, text: str) -> None:
    """The exception's text is its reason, and no cause that could quote what was presented is shown with it."""
    with pytest.raises(Unauthorised) as caught:
        verify(KEY, token, BEFORE_NS, GoodStanding())
    assert str(caught.value) == text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_claims_keep_their_keys_out_of_logs() -> None:
    """The repr of claims shows neither blacklist_key nor client_token."""
    assert repr(Claims(**CLAIMS)) == f"Claims(client_id='CLIENT1', device='web', exp={EXP_MS})"


def test_text_that_is_not_ascii_is_refused() -> None:
    """A letter outside ASCII, or a lone surrogate that has no bytes at all, makes no token."""
    for stray in ("\ud800", "\xe9", "\uff21"):
        assert refusal(f"{stray}.{with_claims().split('.', 1)[1]}") is Refusal.MALFORMED


SEGMENT = st.one_of(st.text(max_size=40), st.binary(max_size=40).map(base64url))


@given(st.one_of(st.text(max_size=200), st.lists(SEGMENT, min_size=3, max_size=3).map(".".join)))
def test_no_text_breaks_the_verifier(token: str) -> None:
    """Whatever is presented, the answer is Unauthorised and no other exception."""
    assert refusal(token) in Refusal


@given(st.binary(max_size=60), st.one_of(st.binary(max_size=60), st.just(json.dumps(HEADER).encode())))
def test_no_signed_bytes_break_the_verifier(payload: bytes, header: bytes) -> None:
    """Whatever bytes the key has signed, the answer is Unauthorised and no other exception."""
    assert refusal(signed(header, payload)) in Refusal


IST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))


def ist_ns(text: str) -> int:
    """Unix nanoseconds of a wall-clock time in India."""
    return round(datetime.datetime.fromisoformat(text).replace(tzinfo=IST).timestamp() * 1000) * MS


@pytest.mark.parametrize(
    ("login", "end"),
    [
        ("2023-11-15T10:00:00", "2023-11-15T22:00:00"),
        ("2023-11-15T17:59:59.999", "2023-11-16T05:59:59.999"),
        ("2023-11-15T18:00:00", "2023-11-16T06:00:00"),
        ("2023-11-15T18:00:01", "2023-11-16T06:00:00"),
        ("2023-11-15T23:59:59", "2023-11-16T06:00:00"),
        ("2023-11-16T00:00:00", "2023-11-16T06:00:00"),
        ("2023-11-16T05:29:59", "2023-11-16T06:00:00"),
        ("2023-11-16T05:59:59.999", "2023-11-16T06:00:00"),
        ("2023-11-16T06:00:00", "2023-11-16T18:00:00"),
        ("2024-02-29T20:00:00", "2024-03-01T06:00:00"),
    ],
)
def test_login_lasts_half_a_day_or_until_six(login: str, end: str) -> None:
    """A login ends after twelve hours or at the next 06:00 in India, whichever comes first."""
    assert login_expiry_ms(ist_ns(login)) * MS == ist_ns(end)
