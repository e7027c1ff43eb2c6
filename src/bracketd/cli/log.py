"""The log of a server: a line of text for people or an object of JSON for programs, on stderr."""

import logging
import sys
from datetime import UTC, datetime

import msgspec

from bracketd.wire.request_id import current_id

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s"

_encode = msgspec.json.Encoder().encode


def keep_log(form: str) -> None:
    """Write log lines from now on, in the form `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines(TEXT_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class TextLines(logging.Formatter):
    """Lines of text, with the request's id at the end where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text, its trace below it."""
        request = current_id.get()
        record.request = f" [{request}]" if request else ""
        return super().format(record)


class JsonLines(logging.Formatter):
    """One JSON object a line: `time` (UTC, ISO 8601), `level`, `logger`, `message`, `request_id`, `trace`.

    The last two only where there are such.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One record as an object."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = current_id.get()
        if request:
            line["request_id"] = request
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return _encode(line).decode()
