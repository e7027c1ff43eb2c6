"""Updates: the websocket's frames, and how a book is kept without a hole. No I/O here (wire.md 1.10, docs/feeds.md).

Subscribe, wait for the answer, read both books, then fold: an order replaces what is known of it unless it is older, a
trade counts once. After any end of the connection the same again, so that what happened meanwhile is told then.
"""

import json
from collections.abc import Generator
from decimal import Decimal
from typing import Any, Final

from bracketd.client.dialogue import Dialogue
from bracketd.client.errors import BrokerError, ConnectionLost, Garbled, NotServing, RateLimited, Refused
from bracketd.client.replies import judge
from bracketd.client.rows import Order, Trade, order_of, trade_of
from bracketd.client.talk import FIRST_PAUSE_S, PAUSE_S_MAX, Answer, Effect, Hear, NoAnswer, Open, Pause, Say

Update = Order | Trade
"""What the feed tells: an order as it stands now, or one fill.

>>> isinstance(next(iter(broker.updates(quiet_s=0)), None), Update | None)
True
"""

PATH: Final = "/ws/v1/feeds"
ORDER_MODES: Final = frozenset({50, 11})
TRADE_MODES: Final = frozenset({51, 12})
ANSWER_MODE: Final = 99
HEADER_BYTES: Final = 5
ANSWER_WAIT_S: Final = 1.0
"""How long the answer to a subscription is waited for: brokers of the family that answer none are not waited for."""

HEARTBEAT_S: Final = 8.0
HEARTBEAT: Final = '{"a": "h", "v": [], "m": ""}'

Watch = Generator[Effect | Update, Any, None]


class Fold:
    """What has been told, so that nothing is told twice and nothing old replaces what is new."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._trades: set[str] = set()

    def news(self, update: Update) -> bool:
        """Take it in; whether it says anything new."""
        if isinstance(update, Trade):
            known = update.trade_id in self._trades
            self._trades.add(update.trade_id)
            return not known
        before = self._orders.get(update.order_id)
        if before is not None:
            older = update.reference < before.reference
            if older or (update.reference == before.reference and _standing(update) == _standing(before)):
                return False
        self._orders[update.order_id] = update
        return True


def watch(dialogue: Dialogue, token: str, quiet_s: float | None, attempts: int) -> Watch:
    """First every order and trade as they stand, then each change; ends after `quiet_s` seconds without one."""
    fold = Fold()
    failures = 0
    while True:
        try:
            waiting = yield from _subscribe(dialogue.client_id, token)
            for update in [*(yield from dialogue.orders()), *(yield from dialogue.trades()), *waiting]:
                if fold.news(update):
                    yield update
            failures = 0
            if not (yield from _listen(fold, quiet_s)):
                return
        except (ConnectionLost, NotServing, RateLimited, Garbled):
            failures += 1
            if failures >= attempts:
                raise
        yield Pause(min(PAUSE_S_MAX, FIRST_PAUSE_S * 2**failures))


def read_frame(frame: bytes | str) -> Update | dict[str, Any] | None:
    """An update, an answer as its JSON object, or None for a frame that is not for us. Raises Garbled."""
    if isinstance(frame, str) or not frame or frame[0] not in ORDER_MODES | TRADE_MODES | {ANSWER_MODE}:
        return None
    try:
        fields = json.loads(frame[HEADER_BYTES:], parse_float=Decimal)
    except ValueError as fault:
        raise Garbled(f"a frame of mode {frame[0]} without JSON") from fault
    if not isinstance(fields, dict):
        raise Garbled(f"a frame of mode {frame[0]} that is no object")
    if frame[0] == ANSWER_MODE:
        return fields
    return order_of(fields) if frame[0] in ORDER_MODES else trade_of(fields)


def _subscribe(client_id: str, token: str) -> Generator[Effect, Any, list[Update]]:
    """Open and subscribe; returns what was pushed before the answer. Raises BrokerError."""
    opened = yield Open(PATH, {"login_id": client_id, "access_token": token})
    if isinstance(opened, Answer):
        judge(opened.status, opened.headers, opened.body)
        raise Garbled("the feed is no websocket", status=opened.status)
    if isinstance(opened, NoAnswer):
        raise ConnectionLost(opened.why, sent=opened.sent)
    yield Say(json.dumps({"a": "subscribe", "v": [client_id, "web"], "m": "updates"}))
    early: list[Update] = []
    while True:
        heard = yield Hear(ANSWER_WAIT_S)
        if heard is None:
            raise ConnectionLost("the feed was closed")
        if heard == "":
            return early
        told = read_frame(heard)
        if isinstance(told, dict):
            if told.get("status") != "success":
                raise Refused(str(told.get("message") or "not subscribed"))
            return early
        if told is not None:
            early.append(told)


def _listen(fold: Fold, quiet_s: float | None) -> Generator[Effect | Update, Any, bool]:
    """Tell what is new until the feed is closed (True) or nothing came for `quiet_s` seconds (False)."""
    silence_s = 0.0
    while quiet_s is None or silence_s < quiet_s or quiet_s == 0:
        wait_s = HEARTBEAT_S if quiet_s is None else min(HEARTBEAT_S, quiet_s - silence_s)
        heard = yield Hear(max(0.0, wait_s))
        if heard is None:
            return True
        if heard == "":
            silence_s += wait_s
            if quiet_s == 0:
                return False
            if not (yield Say(HEARTBEAT)):
                return True
            continue
        try:
            told = read_frame(heard)
        except BrokerError:
            # What cannot be read may have been an order: the books are read again.
            return True
        if told is not None and not isinstance(told, dict) and fold.news(told):
            silence_s = 0.0
            yield told
    return False


def _standing(order: Order) -> tuple[object, ...]:
    return order.status, order.info, order.filled, order.remaining, order.price, order.trigger
