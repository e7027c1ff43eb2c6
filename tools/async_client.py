"""The client with asyncio, written from the blocking one: `make async-client`.

`client/broker.py` is edited, `client/async_broker.py` follows; `make test` fails where it is not fresh. Both only hand
talks to a connection, so the words that differ are few and stand here.
"""

import re
from pathlib import Path
from typing import Final

CLIENT: Final = Path(__file__).resolve().parents[1] / "src" / "bracketd" / "client"

WORDS: Final = (
    (
        '"""The broker and its brackets, blocking."""',
        '"""The broker and its brackets, with asyncio; tools/async_client.py writes this from broker.py."""',
    ),
    ("class Broker:", "class AsyncBroker:"),
    ("class Bracket(Standing):", "class AsyncBracket(Standing):"),
    ('"Broker"', '"AsyncBroker"'),
    ("broker: Broker", "broker: AsyncBroker"),
    ('"Bracket"', '"AsyncBracket"'),
    ('"list[Bracket]"', '"list[AsyncBracket]"'),
    ("return Bracket(", "return AsyncBracket("),
    ("[Bracket(self, rows)", "[AsyncBracket(self, rows)"),
    ("<Broker of", "<AsyncBroker of"),
    ("import Connection, OpenFeed", "import AsyncConnection, OpenAsyncFeed"),
    ("OpenFeed | None", "OpenAsyncFeed | None"),
    ("= Connection(", "= AsyncConnection("),
    ("httpx.BaseTransport", "httpx.AsyncBaseTransport"),
    ("Callable[[float], None]", "Callable[[float], Coroutine[Any, Any, None]]"),
    ("Callable, Iterator, Sequence", "AsyncIterator, Callable, Coroutine, Sequence"),
    ("-> Iterator[Update]", "-> AsyncIterator[Update]"),
    ("__enter__", "__aenter__"),
    ("__exit__", "__aexit__"),
    ("self._connection.close()", "await self._connection.close()"),
    ("            first.close()", "            await first.close()"),
    ("        self.close()\n", "        await self.close()\n"),
    ("            self.refresh()\n", "            await self.refresh()\n"),
    ("        self._modify(", "        await self._modify("),
    (">>> with Broker(", ">>> async with AsyncBroker("),
    ("paper.transport()", "paper.async_transport()"),
    ("    Broker.login(", "    await AsyncBroker.login("),
    ("paper.tick(", "await paper.tick("),
    (" for update in broker.updates", " async for update in broker.updates"),
)

AWAITED: Final = (
    "login",
    "__aenter__",
    "__aexit__",
    "close",
    "place_bracket",
    "bracket",
    "brackets",
    "orders",
    "trades",
    "history",
    "positions",
    "funds",
    "find",
    "whose",
    "cancel_everything",
    "logout",
    "refresh",
    "cancel",
    "exit",
    "modify",
    "modify_target",
    "modify_stop",
    "_modify",
)

_RUN = re.compile(r"\b((?:first|self|self\._broker)\._connection\.run\()")
_ASKED = re.compile(rf"\b((?:broker|bracket)\.(?:{'|'.join(AWAITED)})\([^()]*\))")
_TWICE = re.compile(r"(\(await bracket\.refresh\(\)\)\.modify_\w+\(.*\))$")
_WHOLE = re.compile(r"^(\s*(?:>>>|\.\.\.)\s+(?:\w+ = )?)\((await [^()]*\([^()]*\))\)$")


def written() -> str:
    """What async_broker.py has to be."""
    text = (CLIENT / "broker.py").read_text(encoding="utf-8")
    for word, other in WORDS:
        if word not in text:
            raise ValueError(f"broker.py has no {word!r} any more")
        text = text.replace(word, other)
    text = _RUN.sub(r"await \1", text)
    for name in AWAITED:
        text = text.replace(f"    def {name}(", f"    async def {name}(")
    return "\n".join(_example(line) for line in text.split("\n"))


def _example(line: str) -> str:
    """A line of an example, awaiting what has to be."""
    if not line.lstrip().startswith((">>> ", "... ")):
        return line
    line = _ASKED.sub(r"(await \1)", line)
    line = _TWICE.sub(r"await \1", line)
    return _WHOLE.sub(r"\1\2", line)


def main() -> None:
    """Write it."""
    (CLIENT / "async_broker.py").write_text(written(), encoding="utf-8")


if __name__ == "__main__":
    main()
