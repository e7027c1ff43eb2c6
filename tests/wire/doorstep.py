"""A doorstep: the application with a real entrance, one client and one application, called without a socket."""

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
from tests.auth.cheap_passwords import CHEAP
from tests.trading_floor import START_NS, Floor
from tests.wire.counter import Counter

from bracketd.auth.applications import Applications
from bracketd.auth.client_store import ClientStore
from bracketd.auth.gate import Gate
from bracketd.auth.second_factor import SecondFactors
from bracketd.runtime.entrance import Entrance

KEY = bytes(32)
PASSWORD, PIN, SECRET = "correct horse", "2468", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
LANDING = "http://127.0.0.1:65010"
FORM = (b"content-type", b"application/x-www-form-urlencoded")


class Page:
    """What came back to a browser."""

    def __init__(self, messages: list[Any]) -> None:
        start, *rest = messages
        self.status: int = start["status"]
        self.headers: dict[bytes, bytes] = dict(start["headers"])
        self.text = b"".join(message.get("body", b"") for message in rest).decode()

    @property
    def ticket(self) -> str:
        """The ticket in the form."""
        (found,) = re.findall(r'name="ticket" value="([^"]*)"', self.text)
        return html.unescape(found)

    @property
    def notice(self) -> str:
        """What the page complains of, "" for nothing."""
        return "".join(re.findall(r'<p class="notice" role="alert">([^<]*)</p>', self.text))

    @property
    def cookie(self) -> bytes:
        """The cookie that came with it, as it is sent back."""
        return self.headers[b"set-cookie"].partition(b";")[0]

    @property
    def answer(self) -> dict[str, list[str]]:
        """The query of where the browser is sent."""
        return parse_qs(urlsplit(self.headers[b"location"].decode()).query)


class Doorstep:
    """Client A at the door, with `now_ns` for a clock. Requests that carry a token go through the real gate."""

    def __init__(self, folder: Path) -> None:
        self.store = ClientStore(folder)
        self.store.add("A", CHEAP.hash(PASSWORD), 0, 5, START_NS)
        factors = SecondFactors(self.store.file)
        factors.set_pin_hash("A", CHEAP.hash(PIN))
        factors.set_totp_secret("A", SECRET)
        self.app, self.secret = Applications(self.store.file).add("App & <b>Co</b>", [LANDING], START_NS)
        self.entrance = Entrance(self.store, KEY, CHEAP)
        self.gate = Gate(self.store, KEY)
        self.counter = Counter(floor=Floor("A"), entrance=self.entrance)
        self.now_ns = START_NS
        self.counter.desk.now_ns = lambda: self.now_ns  # type: ignore[method-assign]

    @property
    def code(self) -> str:
        """What A's authenticator shows."""
        return pyotp.TOTP(SECRET).at(self.now_ns // 10**9)

    def target(self, **changes: str | None) -> str:
        """Where a sound authorization request leads; `changes` replace or (None) drop, underscores for hyphens not."""
        fields: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.app.app_id,
            "redirect_uri": LANDING,
            "scope": "orders holdings",
            "state": "12345678",
        }
        return "/oauth2/auth?" + urlencode(
            {name: value for name, value in (fields | changes).items() if value is not None}
        )

    async def page(
        self, method: str, target: str, body: bytes = b"", *headers: tuple[bytes, bytes], scheme: str = "http"
    ) -> Page:
        """One request of a browser's."""
        return Page(await self.counter.call_raw(method, target, body, *headers, token=None, scheme=scheme))

    async def submit(
        self,
        page: Page,
        *headers: tuple[bytes, bytes],
        target: str | None = None,
        cookie: bytes | None = None,
        **typed: str,
    ) -> Page:
        """The form of a page filled in rightly, but for what is `typed`."""
        fields = {"ticket": page.ticket, "login_id": "A", "password": PASSWORD, "answer": PIN, "decision": "allow"}
        body = urlencode(fields | typed).encode()
        sent = [FORM, *headers]
        if cookie != b"":
            sent.append((b"cookie", page.cookie if cookie is None else cookie))
        return await self.page("POST", target or self.target(), body, *sent)

    def close(self) -> None:
        """Close the store."""
        self.store.close()
