"""Moments as ISO 8601 writes them: shown in India, read with any offset from UTC."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from bracketd.domain.ist import IST_OFFSET_S, NS_PER_SECOND, SECONDS_PER_DAY

_IST: Final = timezone(timedelta(seconds=IST_OFFSET_S))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def ist_text(now_ns: int) -> str:
    """The moment in India as ISO 8601 writes it, cut to the microsecond."""
    return (_EPOCH + timedelta(microseconds=now_ns // 1_000)).astimezone(_IST).isoformat()


def moment_ns(text: str) -> int:
    """Unix nanoseconds of an ISO 8601 text; raises ValueError where it is none or says no offset from UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text[:40]!r} does not say its offset")
    since = moment - _EPOCH
    return (since.days * SECONDS_PER_DAY + since.seconds) * NS_PER_SECOND + since.microseconds * 1_000
