"""The second factor: codes that are good once and for a while, and secrets that stay out of sight."""

import pyotp
import pytest

from bracketd.auth.client_store import ClientStore
from bracketd.auth.second_factor import (
    SecondFactor,
    SecondFactors,
    code_timecode,
    enrolment_uri,
    is_pin,
    new_totp_secret,
)

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
STEP_NS = 30 * 10**9


@pytest.fixture
def factors(store: ClientStore) -> SecondFactors:
    """The second factors of a store, none yet."""
    return SecondFactors(store.file)


def test_code_of_the_standard(now_ns: int) -> None:
    """The codes are those of RFC 6238's test vectors, cut to six digits."""
    for at_s, code in ((59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")):
        assert code_timecode(SECRET, code, at_s * 10**9) == at_s // 30


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_code_is_good_one_step_around(now_ns: int, steps: int, good: bool) -> None:
    """A code counts in its own thirty seconds and in those before and after, and never further away."""
    code = pyotp.TOTP(SECRET).at(now_ns // 10**9)
    assert (code_timecode(SECRET, code, now_ns + steps * STEP_NS) is not None) is good


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "१२३४५६", "-12345", "12.456"])
def test_what_is_no_code(code: str, now_ns: int) -> None:
    """Anything but six digits of ASCII is no code, and no fault."""
    assert code_timecode(SECRET, code, now_ns) is None


def test_code_with_blanks(now_ns: int) -> None:
    """A code typed as authenticators show it counts."""
    code = pyotp.TOTP(SECRET).at(now_ns // 10**9)
    assert code_timecode(SECRET, f"{code[:3]} {code[3:]}", now_ns) is not None


def test_timecode_is_used_once(factors: SecondFactors) -> None:
    """A step is taken once, and after it none that was before it."""
    factors.set_totp_secret("CLIENT1", SECRET)
    assert [factors.use_timecode("CLIENT1", timecode) for timecode in (100, 100, 99, 101, 101)] == [
        *(True, False, False),
        *(True, False),
    ]
    assert not factors.use_timecode("NOBODY", 200)


def test_new_secret_forgets_what_was_used(factors: SecondFactors) -> None:
    """With another secret the first code counts, whenever the last one of the old secret was used."""
    factors.set_totp_secret("CLIENT1", SECRET)
    factors.use_timecode("CLIENT1", 100)
    factors.set_totp_secret("CLIENT1", new_totp_secret())
    assert factors.use_timecode("CLIENT1", 100)


def test_pin_and_secret_are_kept_apart(factors: SecondFactors) -> None:
    """Setting one leaves the other, and a client without either has neither."""
    assert factors.get("CLIENT1") == SecondFactor(None, None)
    factors.set_pin_hash("CLIENT1", "a hash")
    factors.set_totp_secret("CLIENT1", SECRET)
    factors.set_pin_hash("CLIENT1", "another hash")
    assert factors.get("CLIENT1") == SecondFactor("another hash", SECRET)


def test_secrets_stay_out_of_logs(factors: SecondFactors) -> None:
    """The repr of a second factor shows neither of the two."""
    assert repr(SecondFactor("a hash", SECRET)) == "SecondFactor(pin=True, totp=True)"


def test_secret_is_random_and_long() -> None:
    """A secret has 160 random bits, in base32 without padding."""
    assert new_totp_secret(lambda count: b"12345678901234567890"[:count]) == SECRET
    assert new_totp_secret() != new_totp_secret()


def test_enrolment_is_read_by_an_authenticator(now_ns: int) -> None:
    """The otpauth text gives an authenticator that makes the codes we take, under the client's name."""
    authenticator = pyotp.parse_uri(enrolment_uri("CLIENT1", SECRET))
    assert isinstance(authenticator, pyotp.TOTP)
    assert (authenticator.name, authenticator.issuer) == ("CLIENT1", "bracketd")
    assert code_timecode(SECRET, authenticator.at(now_ns // 10**9), now_ns) is not None


@pytest.mark.parametrize(
    ("text", "good"),
    [("1234", True), ("0" * 12, True), ("123", False), ("1" * 13, False), ("12a4", False), ("१२३४", False)],
)
def test_pin(text: str, good: bool) -> None:
    """A PIN is four to twelve digits of ASCII."""
    assert is_pin(text) is good
