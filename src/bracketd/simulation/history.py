"""The history: what the clients asked, when, and what they saw; whether one serial history explains it all (23).

Judged from outside, by nothing but requests with the moments at which they went out and their replies came, rows that
were read and frames that were pushed. An order goes one way: its reference and its fills grow, and an end is an end. So
a history of it is linearizable where no reply shows less than another one had shown before its request went out; and
each answer to a cancel or a modification says something of the order at one moment in between.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bracketd.domain.ist import NS_PER_SECOND, ist_date
from bracketd.domain.order import Status
from bracketd.domain.reasons import Reason
from bracketd.simulation.desk_clients import Request

ENDS = {Reason.TOO_LATE: "COMPLETE", Reason.ALREADY_REJECTED: "REJECTED", Reason.ALREADY_CANCELLED: "CANCELLED"}
EXIT_AGAIN = frozenset({Reason.MARKET_CLOSED, Reason.VENUE_REFUSED})
"""What an exit that succeeded may be answered later: nothing can be closed, or not for the moment."""

TERMINAL = frozenset({Status.COMPLETE, Status.CANCELLED, Status.REJECTED})


class Facts(NamedTuple):
    """What one reply says of an order: 0, -1, "" and None where it says nothing of that."""

    reference: int = 0
    filled: int = -1
    status: str = ""
    ended: bool | None = None


class Write(NamedTuple):
    """A price that somebody asked for, from when to when; `done` where it was acknowledged."""

    paise: int
    asked_ns: int
    told_ns: float
    done: bool


class Known:
    """What had been shown of one order, and when. `end_filled` are its fills after its end, -1 while unknown.

    `under_way` are the prices that a reply has not come for yet, with the moments at which they were asked for, and
    whether a read was explained by nothing else.
    """

    def __init__(self) -> None:
        self.moments: list[int] = []
        self.floors: list[Facts] = []
        self.end_filled = -1
        self.cancelled_ns = 0
        self.writes: list[Write] = []
        self.under_way: dict[tuple[int, int], bool] = {}

    def before(self, asked_ns: int) -> Facts:
        """The least that whoever asks now must be shown."""
        place = bisect_left(self.moments, asked_ns)
        return self.floors[place - 1] if place else Facts()

    def learn(self, now_ns: int, facts: Facts) -> None:
        """From now on nobody may be shown less."""
        last = self.floors[-1] if self.floors else Facts()
        ended = bool(last.ended) or bool(facts.ended)
        status = (facts.status if facts.ended else "") or (last.status if last.ended else "")
        floor = Facts(max(last.reference, facts.reference), max(last.filled, facts.filled), status, ended)
        if floor != last:
            self.moments.append(now_ns)
            self.floors.append(floor)


class History:
    """All that clients saw. `faults` are what no serial history explains, in words.

    `late_fills`: the venue tells of fills late, so that an order may be at its end and get one (bracket.md 2.5).
    """

    def __init__(self) -> None:
        self.late_fills = False
        self.faults: list[str] = []
        self._known: dict[str, Known] = {}
        self._keys: dict[str, str] = {}
        self._targets: dict[str, str] = {}
        self._placed: dict[str, dict[str, int]] = {}
        self._rows: dict[tuple[str, int], tuple[Any, ...]] = {}
        self._yes: dict[tuple[str, str], int] = {}

    def asked(self, request: Request, asked_ns: int) -> None:
        """A request went out: from now on others may be shown what it asks for, before its own reply comes."""
        if request.kind == "modify" and request.price_paise:
            self._of(request.order).under_way[request.price_paise, asked_ns] = False

    def over(self, request: Request, asked_ns: int) -> bool:
        """A request is under way no more; whether a read was explained by nothing but it."""
        return self._of(request.order).under_way.pop((request.price_paise, asked_ns), False)

    def answered(self, request: Request, asked_ns: int, now_ns: int, status: int, fields: Mapping[str, Any]) -> None:
        """A reply came to a request that went out at `asked_ns` (unix nanoseconds, both)."""
        if status in (429, 503):
            # Nothing is said of any order; a server that stops may have done it all the same.
            self.unanswered(request, asked_ns)
            return
        match request.kind:
            case "place" if status == 200:
                self._was_placed(request, asked_ns, now_ns, fields)
            case "cancel":
                self._cancel(request, asked_ns, now_ns, status, fields)
            case "modify":
                self._modify(request, asked_ns, now_ns, status, fields)
            case "read orders" | "read completed" if status == 200:
                self._read(request, asked_ns, now_ns, fields["data"]["orders"])
            case "read trades" if status == 200:
                self._trades(asked_ns, now_ns, fields["data"]["trades"])

    def unanswered(self, request: Request, asked_ns: int) -> None:
        """No reply will come: what was asked for may have been done, or be done yet."""
        if request.kind == "modify" and request.price_paise:
            self.over(request, asked_ns)
            self._of(request.order).writes.append(Write(request.price_paise, asked_ns, float("inf"), done=False))

    def pushed(self, row: Mapping[str, Any], now_ns: int) -> None:
        """A frame came: it shows how a row was at some moment until now."""
        key = self._key(row)
        self._same_row(key, row)
        self._of(key).learn(now_ns, facts_of(row))

    # Inside

    def _was_placed(self, request: Request, asked_ns: int, now_ns: int, fields: Mapping[str, Any]) -> None:
        data = fields["data"]
        key = data["oms_order_id"] if "oms_order_id" in data else data["data"]["basket_id"]
        mine = self._placed.setdefault(request.client, {})
        if key not in mine:
            mine[key] = now_ns
            self._of(key).writes.insert(0, Write(request.price_paise, asked_ns, now_ns, done=True))

    def _cancel(self, request: Request, asked_ns: int, now_ns: int, status: int, fields: Mapping[str, Any]) -> None:
        key, reason = request.order, str(fields.get("reason", ""))
        if request.stranger:
            self._fault(status != 404, f"a stranger's cancel of {key} is answered {status} (12)")
            return
        if status == 404:
            self._fault(today(key, asked_ns, now_ns), f"{key} is not found by its owner (23)")
            return
        asked = request.exits or "ENTRY"
        before_ns = self._yes.get((key, asked))
        again = status in (200, 202) or (bool(request.exits) and reason in EXIT_AGAIN)
        if before_ns is not None and before_ns < asked_ns and status != 400:
            self._fault(not again, f"a cancel of {key} that succeeded is answered {status} {reason} later (10)")
        if status == 200:
            self._yes.setdefault((key, asked), now_ns)
        self._see(request.entry, asked_ns, now_ns, self._said_of_entry(request, status, reason))
        if request.exits and status == 200 and request.entry in self._targets:
            self._see(self._targets[request.entry], asked_ns, now_ns, Facts(ended=True))
        if not request.exits and status == 200:
            known = self._of(request.entry)
            known.cancelled_ns = known.cancelled_ns or now_ns

    def _said_of_entry(self, request: Request, status: int, reason: str) -> Facts:
        """What an answer says of the entry at some moment between request and reply."""
        if status == 200:
            return Facts(ended=True) if request.exits else Facts(status="CANCELLED", ended=True)
        if not request.exits and reason in ENDS:
            return Facts(status=ENDS[Reason(reason)], ended=True)
        if reason == Reason.LEG_NOT_ACTIVE and request.bracket and not self.late_fills:
            # No leg is there before a fill.
            return Facts(filled=0)
        return Facts()

    def _modify(self, request: Request, asked_ns: int, now_ns: int, status: int, fields: Mapping[str, Any]) -> None:
        self._fault(status == 404 and today(request.order, asked_ns, now_ns), f"{request.order} is not found (23)")
        paise = request.price_paise
        if not paise:
            return
        known, shown = self._of(request.order), self.over(request, asked_ns)
        if status == 200:
            known.writes.append(Write(paise, asked_ns, now_ns, done=True))
        elif status == 202 or fields.get("reason") == Reason.VENUE_REFUSED:
            self.unanswered(request, asked_ns)
        elif shown:
            others = {write.paise for write in known.writes} | {asked for asked, _ in known.under_way}
            self._fault(paise not in others, f"{request.order} was shown at {paise} paise, which was refused (23)")

    def _read(self, request: Request, asked_ns: int, now_ns: int, rows: Iterable[Mapping[str, Any]]) -> None:
        shown = set()
        for row in rows:
            key = self._key(row)
            shown.add(key)
            self._same_row(key, row)
            self._see(key, asked_ns, now_ns, facts_of(row))
            if row["leg_order_indicator"] in ("ENTRY", "") and row["order_type"] == "LIMIT":
                self._price(key, asked_ns, now_ns, round(float(row["price"]) * 100))
        ended = request.kind == "read orders"
        for key, placed_ns in self._placed.get(request.client, {}).items():
            # What is not in the one book was in the other at some moment in between.
            if key not in shown and placed_ns < asked_ns and today(key, asked_ns, now_ns):
                self._see(key, asked_ns, now_ns, Facts(ended=ended))

    def _trades(self, asked_ns: int, now_ns: int, rows: Iterable[Mapping[str, Any]]) -> None:
        sums: dict[str, int] = {}
        for row in rows:
            key = self._keys.get(row["oms_order_id"])
            if key is None:
                continue
            sums[key] = sums.get(key, 0) + int(row["trade_quantity"])
            cancelled_ns = self._of(key).cancelled_ns
            late = cancelled_ns and int(row["trade_time"]) > cancelled_ns // NS_PER_SECOND
            self._fault(bool(late) and not self.late_fills, f"{key} traded after its cancel was acknowledged (8)")
        for key, filled in sums.items():
            self._see(key, asked_ns, now_ns, Facts(filled=filled))

    def _see(self, key: str, asked_ns: int, now_ns: int, facts: Facts) -> None:
        """Hold a reply to what had been shown when its request went out, and learn from it."""
        if facts == Facts():
            return
        known = self._of(key)
        floor = known.before(asked_ns)
        self._fault(0 < facts.reference < floor.reference, f"{key} goes back: {floor} was shown, then {facts} (23)")
        self._fault(0 <= facts.filled < floor.filled, f"{key} loses fills: {floor} was shown, then {facts} (4)")
        self._fault(bool(floor.ended) and facts.ended is False, f"{key} works again: {floor}, then {facts} (3)")
        if floor.ended and facts.ended and floor.status and facts.status:
            self._fault(floor.status != facts.status, f"{key} has two ends: {floor}, then {facts} (3)")
        # What is read after the end was known are the fills at the end.
        if (floor.ended or facts.ended) and facts.filled >= 0 and (facts.reference or floor.ended):
            grown = 0 <= known.end_filled < facts.filled and not self.late_fills
            self._fault(grown, f"{key} fills after its end: {known.end_filled} were shown, then {facts.filled} (8)")
            known.end_filled = max(known.end_filled, facts.filled)
        known.learn(now_ns, facts)

    def _price(self, key: str, asked_ns: int, now_ns: int, paise: int) -> None:
        """A price that is shown was asked for, and no other was acknowledged since and before the question (23)."""
        known = self._of(key)
        writes = known.writes
        if not writes or not writes[0].done:
            return
        for write in writes:
            if write.paise == paise and write.asked_ns <= now_ns:
                since = (each for each in writes if each.done and each.paise != paise)
                if not any(write.told_ns < each.asked_ns and each.told_ns < asked_ns for each in since):
                    return
        doing = [asked for asked in known.under_way if asked[0] == paise]
        known.under_way.update(dict.fromkeys(doing, True))
        self._fault(not doing, f"{key} is shown at {paise} paise, which nobody asked for last: {writes} (23)")

    def _same_row(self, key: str, row: Mapping[str, Any]) -> None:
        """One reference is one row, whoever looks at it (16, 19)."""
        names = ("order_status", "filled_quantity", "quantity", "remaining_quantity", "price", "average_price")
        content = tuple(str(row[name]) for name in names)
        first = self._rows.setdefault((key, int(row["last_activity_reference"])), content)
        self._fault(first != content, f"{key} is shown in two ways under one reference: {first} and {content} (16)")

    def _key(self, row: Mapping[str, Any]) -> str:
        """An entry goes by its basket, which is all that a placement tells; every other row by its own id."""
        order_id = str(row["oms_order_id"])
        if row["leg_order_indicator"] == "TARGET":
            self._targets[row["basket_id"]] = order_id
        key = str(row["basket_id"]) if row["leg_order_indicator"] == "ENTRY" else order_id
        return self._keys.setdefault(order_id, key)

    def _of(self, key: str) -> Known:
        return self._known.setdefault(key, Known())

    def _fault(self, is_fault: bool, text: str) -> None:
        if is_fault:
            self.faults.append(text)


def facts_of(row: Mapping[str, Any]) -> Facts:
    """What a row of the order book says."""
    status = str(row["order_status"])
    return Facts(int(row["last_activity_reference"]), int(row["filled_quantity"]), status, status in TERMINAL)


def today(key: str, *moments_ns: int) -> bool:
    """Whether an order was placed on the day of all these moments: a book forgets what came to its end before."""
    return all(key.startswith(ist_date(moment_ns)) for moment_ns in moments_ns)
