"""The page of the reasons: the closed list of the domain, with what the wire makes of each."""

from bracketd.domain.reasons import STATE_REASONS, Reason
from bracketd.wire.schema.document import openapi
from tools.markdown import code, table


def reasons_page() -> str:
    """Every reason with the HTTP status and the text of its reply."""
    words = {row["reason"]: row for row in openapi(sandbox=True, login=True)["info"]["x-reasons"]}
    rows = [
        (
            code(reason),
            str(words[reason]["status"]),
            words[reason]["message"],
            "the state of things" if reason in STATE_REASONS else "the request, or the server",
        )
        for reason in Reason
    ]
    return "\n".join(
        (
            "# Reasons\n",
            (
                "Made of `domain/reasons.py`. A reason is a stable word; the text is for people. "
                "[Refusals](../refusals.md) says when each is given.\n"
            ),
            table(("Reason", "HTTP", "Message", "It lies in"), rows),
        )
    )
