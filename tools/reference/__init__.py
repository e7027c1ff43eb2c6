"""The reference: pages that are made of the code at every build of the documents, and so cannot be behind it."""

from collections.abc import Callable

from tools.reference.api import api_page
from tools.reference.command_line import command_line_page
from tools.reference.events import events_page
from tools.reference.metrics import metrics_page
from tools.reference.reasons import reasons_page
from tools.reference.settings import settings_page

PAGES: dict[str, Callable[[], str]] = {
    "api": api_page,
    "command-line": command_line_page,
    "settings": settings_page,
    "reasons": reasons_page,
    "events": events_page,
    "metrics": metrics_page,
}
"""Each page by its name, in the order of the navigation."""
