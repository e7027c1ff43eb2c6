"""The pace: how fast a client asked, by the client's own clock, and whether a 429 was due (bracket.md section 5)."""

from collections import deque

from bracketd.domain.ist import NS_PER_SECOND

ORDERS, CANCELS = "orders", "cancels"
ACTS = {"place": ORDERS, "modify": ORDERS, "cancel": CANCELS, "kill": CANCELS}
ARRIVES_NS = NS_PER_SECOND // 10
"""A request has arrived this long after it was sent, also one that comes in pieces."""


class Pace:
    """What each client asked within the last second or so; a rate of 0 is none."""

    def __init__(self, orders_per_s: int, cancels_per_s: int) -> None:
        self._per_s = {ORDERS: orders_per_s, CANCELS: cancels_per_s}
        self._asked: dict[tuple[str, str], deque[int]] = {}

    def ask(self, client: str, kind: str, now_ns: int) -> None:
        """A request is sent."""
        act = ACTS.get(kind)
        if act is None or not self._per_s[act]:
            return
        asked = self._asked.setdefault((client, act), deque())
        asked.append(now_ns)
        while asked[0] < now_ns - 10 * NS_PER_SECOND:
            asked.popleft()

    def fault(self, client: str, kind: str, now_ns: int) -> str:
        """What is wrong with a 429 that comes now; "" where it was due."""
        act = ACTS.get(kind)
        if act is None or not self._per_s[act]:
            return f"{kind} has no rate"
        since_ns = now_ns - NS_PER_SECOND - ARRIVES_NS
        asked = sum(at_ns >= since_ns for at_ns in self._asked.get((client, act), ()))
        # The one that is turned away was one of them.
        return (
            "" if asked > self._per_s[act] else f"{client} sent {asked} {act} in a second, {self._per_s[act]} are free"
        )
