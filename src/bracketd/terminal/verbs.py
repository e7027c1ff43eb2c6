"""Every verb of the terminal, by the word that calls it. What a verb needs is imported when it runs."""

from typing import Final

import click

from bracketd.terminal.account_verbs import completion, login, logout, profile
from bracketd.terminal.book_verbs import funds, orders, positions, show
from bracketd.terminal.export_verbs import export
from bracketd.terminal.order_verbs import cancel, cancel_all, exit_bracket, modify, place
from bracketd.terminal.replay_verbs import replay
from bracketd.terminal.watch_verbs import watch

VERBS: Final[dict[str, click.Command]] = {
    "login": login,
    "logout": logout,
    "profile": profile,
    "place": place,
    "orders": orders,
    "show": show,
    "modify": modify,
    "cancel": cancel,
    "exit": exit_bracket,
    "cancel-all": cancel_all,
    "positions": positions,
    "funds": funds,
    "watch": watch,
    "export": export,
    "replay": replay,
    "completion": completion,
}
