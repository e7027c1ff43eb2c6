"""The second factor: a PIN, kept as an Argon2id hash, and codes of an authenticator (TOTP, RFC 6238), each good once.

A TOTP secret must be read to make a code from it, so it stands in `clients.db` as it is. That file has mode 0600; a
key to encrypt the secret with would lie beside it and protect nothing.
"""

import base64
import re
import secrets
from collections.abc import Callable
from typing import Final

import msgspec
import pyotp
from pyotp.exceptions import OTPVerificationError

from bracketd.auth.client_tables import ClientTables

ISSUER: Final = "bracketd"
SECRET_BYTES: Final = 20
"""160 bits, the length that RFC 4226 recommends for HMAC-SHA-1."""

DRIFT_STEPS: Final = 1
"""A code of the 30 seconds before or after counts too: phones and servers do not agree on the second."""

_PIN: Final = re.compile(r"[0-9]{4,12}", re.ASCII)
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


class SecondFactor(msgspec.Struct, frozen=True):
    """What a client can prove itself with beside its password; None for what it has not."""

    pin_hash: str | None = None
    totp_secret: str | None = None

    def __repr__(self) -> str:
        """Say what there is, and keep both out of logs."""
        return f"SecondFactor(pin={self.pin_hash is not None}, totp={self.totp_secret is not None})"


def is_pin(text: str) -> bool:
    """Whether a text may be a PIN: 4 to 12 digits."""
    return _PIN.fullmatch(text) is not None


def new_totp_secret(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A fresh secret in base32, without padding."""
    return base64.b32encode(random_bytes(SECRET_BYTES)).decode("ascii")


def enrolment_uri(client_id: str, totp_secret: str) -> str:
    """The `otpauth://` text that an authenticator reads, typed in or as a QR code."""
    return pyotp.TOTP(totp_secret).provisioning_uri(name=client_id, issuer_name=ISSUER)


def code_timecode(totp_secret: str, code: str, now_ns: int) -> int | None:
    """The 30-second step whose code this is, at most DRIFT_STEPS from now; None where it is none.

    Blanks are left out, since authenticators show `123 456`. pyotp compares in constant time.
    """
    code = code.replace(" ", "")
    if not _CODE.fullmatch(code):
        return None
    try:
        return pyotp.TOTP(totp_secret).verify_and_get_timecode(
            code, for_time=now_ns // 1_000_000_000, valid_window=DRIFT_STEPS
        )
    except OTPVerificationError:
        return None


class SecondFactors:
    """The second factors of one folder's clients."""

    def __init__(self, file: ClientTables) -> None:
        """Keep them in this file."""
        self._file = file

    def get(self, client_id: str) -> SecondFactor:
        """What the client has; an unknown one has nothing."""
        rows = self._file.read("SELECT pin_hash, totp_secret FROM second_factor WHERE client_id = ?", (client_id,))
        return SecondFactor(*rows[0]) if rows else SecondFactor()

    def set_pin_hash(self, client_id: str, pin_hash: str) -> None:
        """Keep another PIN's hash."""
        self._file.write(
            "INSERT INTO second_factor (client_id, pin_hash) VALUES (?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET pin_hash = excluded.pin_hash",
            (client_id, pin_hash),
        )

    def set_totp_secret(self, client_id: str, totp_secret: str) -> None:
        """Keep another secret; codes of the one before are no longer good."""
        self._file.write(
            "INSERT INTO second_factor (client_id, totp_secret) VALUES (?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET totp_secret = excluded.totp_secret, totp_timecode = 0",
            (client_id, totp_secret),
        )

    def use_timecode(self, client_id: str, timecode: int) -> bool:
        """Take a code's step, once: False where it or a later one was used before, by whichever process."""
        return bool(
            self._file.write(
                "UPDATE second_factor SET totp_timecode = ? WHERE client_id = ? AND totp_timecode < ?",
                (timecode, client_id, timecode),
            )
        )
