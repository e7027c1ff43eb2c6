"""Watching: the feed is heard in one thread and drawn in another, over lost connections and restarts of the server."""

import contextlib
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from bracketd.client import BrokerError, ConnectionLost, Unknown, Update
from bracketd.client.updates import Fold
from bracketd.terminal.access import Access
from bracketd.terminal.blotter import LiveBook

FRAMES_PER_S: Final = 8
VALUE_S: Final = 2.0
PAUSE_S: Final = 0.5
"""Between two tries to reach a server that is away."""

QUIT: Final = frozenset("qQ\x03\x04\x1b")
"""q, Ctrl-C, Ctrl-D and Escape."""


class Listener(Protocol):
    """Somebody who is told what happens."""

    def stands(self, updates: Sequence[Update]) -> None:
        """The connection is there, and this is all that stands."""

    def hear(self, update: Update) -> None:
        """Something changed."""

    def lost(self, why: str) -> None:
        """The connection is gone, for a reason in words; it is tried again."""


class Lines:
    """A listener who passes on what is news, once, over all connections."""

    def __init__(self, told: Callable[[Update], None], lost: Callable[[str], None]) -> None:
        self._told = told
        self._lost = lost
        self._fold = Fold()
        self._away = False

    def stands(self, updates: Sequence[Update]) -> None:
        """Pass on what was not told before."""
        self._away = False
        for update in updates:
            self.hear(update)

    def hear(self, update: Update) -> None:
        """Pass it on where it is news."""
        if self._fold.news(update):
            self._told(update)

    def lost(self, why: str) -> None:
        """Say it once, however often it is tried again."""
        if not self._away:
            self._lost(why)
        self._away = True


def follow(access: Access, listener: Listener, stop: threading.Event) -> None:
    """Tell a listener everything until `stop`, waiting for the server while it is away. Raises Refused, such as 401."""
    while not stop.is_set():
        try:
            # One attempt: that the server is away is said at once, and waited for here.
            with access.broker(attempts=1) as broker:
                listener.stands(list(broker.updates(quiet_s=0)))
                # It reads the books again before it listens, so that nothing falls between the two.
                for update in broker.updates():
                    if stop.is_set():
                        return
                    listener.hear(update)
        except Unknown as unknown:
            away = isinstance(unknown, ConnectionLost) and not unknown.sent
            listener.lost("the server is away, trying again" if away else "the connection was lost, trying again")
            stop.wait(PAUSE_S)


def value(access: Access, book: LiveBook, stop: threading.Event) -> None:
    """Ask for the positions every few seconds: their value moves with the market, which is no update of an order."""
    while not stop.is_set():
        # What cannot be asked now is asked again; whether the server is there the other thread says.
        with contextlib.suppress(BrokerError), access.broker(attempts=1) as broker:
            while not stop.is_set():
                book.hold(broker.positions())
                stop.wait(VALUE_S)
        stop.wait(VALUE_S)


def draw(access: Access, client_id: str) -> None:
    """The live blotter on this terminal, until q. Raises whatever ends the feed for good."""
    from rich.console import Console
    from rich.live import Live

    book, stop, faults = LiveBook(client_id, access.url), threading.Event(), list[BaseException]()

    def hear() -> None:
        try:
            follow(access, book, stop)
        except Exception as fault:  # noqa: BLE001 (whatever it is, it is raised again by the thread that draws)
            faults.append(fault)

    # It may be waiting for a server that says nothing: the end of the process does not wait for it.
    threading.Thread(target=hear, name="feed", daemon=True).start()
    threading.Thread(target=value, args=(access, book, stop), name="positions", daemon=True).start()
    console = Console(highlight=False)
    with keys() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        drawn: object = None
        bare: set[str] = set()
        while not faults:
            # Another picture only where there is something else to see.
            picture = (book.changes, console.size)
            if picture != drawn:
                live.update(book.drawn(console.size.height), refresh=True)
                drawn = picture
                bare, rung = {group.order_id for group in book.groups() if group.bare}, bare
                if bare - rung:
                    console.bell()
            if QUIT & set(pressed(1 / FRAMES_PER_S)):
                break
        stop.set()
    if faults:
        raise faults[0]


@contextlib.contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """What was typed, as it is typed and without an echo: a function that waits so many seconds for it."""
    try:
        import termios
        import tty
    except ImportError:
        # Where there is no such terminal, Ctrl-C is left.
        yield _nothing_typed
        return
    if not sys.stdin.isatty():
        yield _nothing_typed
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def pressed(seconds: float) -> str:
        ready, _, _ = select.select([terminal], [], [], seconds)
        if not ready:
            return ""
        typed = os.read(terminal, 64)
        # A terminal that went away reads as nothing, and ready.
        return typed.decode(errors="ignore") if typed else "\x04"

    try:
        tty.setcbreak(terminal)
        yield pressed
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _nothing_typed(seconds: float) -> str:
    time.sleep(seconds)
    return ""
