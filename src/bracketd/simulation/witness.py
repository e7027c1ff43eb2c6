"""The witness: he hears every decision and every reply, and accuses the first that is not true.

An accusation is kept and not raised, since a server words every exception of its own as a reply.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from bracketd.domain.commands import CancelOrder, Command, ModifyOrder, OpenAccount, PlaceBracket
from bracketd.domain.events import (
    AnyEvent,
    BracketPlaced,
    LegsOpened,
    LetterArrived,
    LetterSent,
    RescuePlaced,
    StopTrailed,
    TickSeen,
    encode_step,
)
from bracketd.domain.instrument import Instrument
from bracketd.domain.order import Leg, Side
from bracketd.domain.outcomes import Cancelled, Converted, Modified, Outcome, Placed, Refused
from bracketd.domain.reasons import Reason
from bracketd.engine.cancelling import Decision
from bracketd.engine.invariant import InvariantBroken, invariant
from bracketd.engine.state import State
from bracketd.simulation.desk_clients import Request
from bracketd.simulation.encodings import KART
from bracketd.simulation.onlooker import Onlooker
from bracketd.simulation.verdicts import http_of, verdict
from bracketd.simulation.watched_desk import Hearing
from bracketd.venue.paper.exchange import PaperExchange

SWEEP_EACH = 40
"""So many steps go by between two looks at everything; the brackets that a step touched are looked at after each.

A step that names no bracket and is more than news is a reason to look at everything as well: a day turns, a position
becomes one of another product, an account is opened.
"""

CANCELLED_BODY = b'{"status":"success","message":"Order cancelled successfully"}'
SUBMITTED = "Order cancellation request submitted for OMS Order: "
NOT_FOUND_BODY = b'{"status":"failed","message":"Order not found"}'

DONE = (Cancelled, Placed, Modified, Converted)
"""Outcomes that say yes."""

_QUIET = frozenset({TickSeen, LetterSent, LetterArrived})
"""Events that change no bracket by themselves; a letter's own is looked at."""

_NEW_ROWS: dict[type, int] = {BracketPlaced: 1, LegsOpened: 2, RescuePlaced: 1}


class Witness:
    """`lie` is the first accusation, "" while there is none. `hashed` takes everything that anybody could see."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.lie = ""
        self.steps = 0
        self.requests = 0
        self.placed = 0
        self.rows = 0
        self.onlooker = Onlooker(instruments)
        self._hash = blake2b(digest_size=16)
        self._instruments = instruments
        self._steps_to_sweep = SWEEP_EACH
        self._called_cancelled: list[str] = []
        self._called_placed: dict[str, str] = {}
        self._keyed: dict[tuple[str, str, str], str] = {}

    def hashed(self, *facts: object) -> None:
        """Whatever happened becomes a part of the run's hash."""
        self._hash.update(repr(facts).encode())

    @property
    def digest(self) -> str:
        """The hash of everything so far."""
        return self._hash.hexdigest()

    def accuse(self, lie: str) -> None:
        """Only the first counts."""
        self.lie = self.lie or lie

    def say(self, check: Callable[[], None]) -> None:
        """Accuse what a check finds."""
        try:
            check()
        except InvariantBroken as broken:
            self.accuse(str(broken))

    # Inside the server

    def stepped(
        self, state: State, exchange: PaperExchange, seq: int, events: list[AnyEvent], judging: Command | None
    ) -> None:
        """A step is done: look at what it touched, now and then at everything."""
        self.steps += 1
        self._hash.update(encode_step(events))
        self._steps_to_sweep -= 1
        touched: dict[str, None] = {}
        quiet = True
        for event in events:
            kind = type(event)
            self.rows += _NEW_ROWS.get(kind, 0) - (isinstance(event, LegsOpened) and not event.target_id)
            quiet = quiet and kind in _QUIET
            named = getattr(event, "letter", event)
            order = state.orders.get(getattr(named, "order_id", ""))
            basket_id = getattr(named, "basket_id", "") or (order.basket_id if order is not None else "")
            if basket_id:
                touched[basket_id] = None

        def look() -> None:
            self._look_at_events(state, events, judging)
            if self._steps_to_sweep <= 0 or (not touched and not quiet):
                self._steps_to_sweep = SWEEP_EACH
                self.onlooker.check(state, exchange)
            else:
                self.onlooker.check_baskets(state, exchange, touched)

        self.say(look)

    def judged(
        self, state: State, command: Command, allowed: frozenset[str], decision: Decision, *, changed: bool
    ) -> None:
        """The watch: a decision against a second opinion, and a refusal that must not have changed anything (9)."""
        said = verdict(decision)
        if isinstance(command, CancelOrder) and said not in allowed:
            self.accuse(f"the answer is {said}, the state allows {sorted(allowed)} (9) {command!r}")
        if decision.outcome is not None and not isinstance(decision.outcome, DONE):
            fresh = isinstance(command, OpenAccount)
            refusal = isinstance(decision.outcome, Refused) and decision.outcome.reason is Reason.VENUE_REFUSED
            if changed and not fresh and not refusal:
                self.accuse(f"a refusal changes nothing (9) {command!r} {decision.outcome!r}")

    def known(self, state: State, command: Command, outcome: Outcome) -> None:
        """The watch: what an outcome says must be so at the moment at which it is known."""

        def look() -> None:
            if isinstance(outcome, Cancelled) and isinstance(command, CancelOrder):
                self.onlooker.check_success(state, outcome)
                self.onlooker.promised(state.bracket_of(outcome.order_id).entry_id)
            elif isinstance(outcome, Placed) and isinstance(command, PlaceBracket):
                row = state.orders[outcome.order_id]
                # What a key repeats may have been modified since.
                quantity = row.quantity if command.idempotency_key else command.quantity
                asked = (command.client_id, command.instrument, command.side, quantity, command.order_type)
                got = (row.client_id, row.instrument, row.side, row.quantity, row.order_type)
                invariant(asked == got, "what was placed is what was asked for (9)", command, row)
            elif isinstance(outcome, Modified) and isinstance(command, ModifyOrder):
                row = state.orders[outcome.order_id]
                invariant(row.client_id == command.client_id, "nobody modifies another's order (12)", command)
                wanted = command.price_paise
                if wanted and row.leg is not Leg.STOPLOSS and not row.terminal:
                    invariant(row.price_paise == wanted, "modified means that the price is so (9)", command, row)

        self.say(look)

    # At the door

    def replied(self, hearing: Hearing, request: Request, status: int, body: bytes, fields: Mapping[str, Any]) -> None:
        """A reply to order entry leaves: it words the outcome that was decided, no better and no worse.

        `fields` are what its body holds.
        """
        kind, key = request.kind, request.key
        cases = [case for case in hearing.cases if not isinstance(case.command, OpenAccount)]
        if status >= 500 and status != 503:
            self.accuse(f"a fault of ours: {status} {body!r}")
        if status == 503:
            return
        if kind == "kill":
            self._kill_replied(hearing, status, body, fields)
            return
        if not cases:
            self.accuse(f"answered without a decision: {status} {body!r} to {request.method} {request.written}")
            return
        outcome = cases[-1].outcome
        if outcome is None:
            self.accuse(f"answered before the outcome was known: {kind} {status} {body!r}")
            return
        meant = {name: getattr(cases[-1].command, name) for name in request.meant}
        if meant != request.meant:
            self.accuse(f"an encoding changes what was asked for (11): {request.meant} became {meant}")
        if (status, fields.get("reason", "")) != http_of(outcome):
            self.accuse(f"the reply {status} {body!r} does not word {outcome!r} (9)")
        if isinstance(outcome, Cancelled) and not body.startswith(CANCELLED_BODY[:-1]):
            # Of an order by itself it is told in the family's words on the path of those.
            single = fields["data"]["oms_order_id"] == outcome.order_id and SUBMITTED in fields["message"]
            if not single or KART in request.written.target:
                self.accuse(f"a cancel is worded otherwise (1): {body!r}")
        if isinstance(outcome, Cancelled):
            self._called_cancelled.append(outcome.order_id)
        if status == 404 and body != NOT_FOUND_BODY:
            self.accuse(f"unknown and foreign orders are told apart (12): {body!r}")
        if isinstance(outcome, Placed):
            self.placed += 1
            single = "oms_order_id" in fields["data"]
            basket_id = outcome.basket_id if single else fields["data"]["data"]["basket_id"]
            if single and fields["data"]["oms_order_id"] != outcome.order_id:
                self.accuse(f"another order is named than was placed (9): {body!r} {outcome!r}")
            self._called_placed[basket_id] = request.key[2]
            first = self._keyed.setdefault(key, basket_id) if key[1] else basket_id
            if basket_id != outcome.basket_id or first != basket_id:
                self.accuse(f"one key, two brackets: {first} and {basket_id} for {key}")

    def _kill_replied(self, hearing: Hearing, status: int, body: bytes, fields: Mapping[str, Any]) -> None:
        """Everything cancelled is said only where everything is."""
        if status == 200 and any(
            not isinstance(case.outcome, Cancelled)
            and not (isinstance(case.outcome, Refused) and case.outcome.reason.startswith(("ALREADY", "TOO_LATE")))
            for case in hearing.cases
        ):
            self.accuse(f"not everything was cancelled: {body!r}")
        if status == 200 and any(result["status"] != "success" for result in fields["data"]["results"]):
            self.accuse(f"success over a failure: {body!r}")

    def shown(self, client_id: str, rows: list[dict[str, Any]], durable: State) -> None:
        """Rows leave, in a reply or a frame: they are the client's own, and on disk (12, 20)."""
        for row in rows:
            if row["client_id"] != client_id:
                self.accuse(f"{client_id} is shown an order of {row['client_id']} (12)")
            kept = durable.orders.get(row["oms_order_id"])
            if kept is None or int(row["last_activity_reference"]) > kept.activity_reference:
                self.accuse(f"{row['oms_order_id']} is shown before it is on disk (20): {row['order_status']}")

    def survived(self, state: State) -> None:
        """After a restart: what was called placed is there, and what was called cancelled is at its end (20)."""
        for basket_id, day in self._called_placed.items():
            if basket_id not in state.brackets and state.day == day:
                self.accuse(f"{basket_id} was called placed and is not there after a crash (20)")
        for order_id in self._called_cancelled:
            if order_id in state.orders and not state.orders[state.bracket_of(order_id).entry_id].terminal:
                self.accuse(f"{order_id} was called cancelled and works after a crash (20)")

    # Inside

    def _look_at_events(self, state: State, events: list[AnyEvent], judging: Command | None) -> None:
        booked: set[str] = set()
        for event in events:
            if isinstance(event, StopTrailed):
                self._look_at_trail(state, event)
            trade_id = getattr(event, "trade_id", "")
            if trade_id:
                invariant(trade_id not in booked, "a report counts once, by its trade (2.3)", event)
                booked.add(trade_id)
            if judging is None:
                continue
            order = state.orders.get(getattr(event, "order_id", ""))
            bracket = state.brackets.get(getattr(event, "basket_id", ""))
            owner = order.client_id if order is not None else bracket.client_id if bracket is not None else ""
            invariant(owner in ("", judging.client_id), "a request changes nothing of others (12)", judging, event)

    def _look_at_trail(self, state: State, event: StopTrailed) -> None:
        """A stop trails toward profit, on the tick, and never across the print that moves it (14)."""
        bracket = state.brackets[event.basket_id]
        market = state.markets[bracket.instrument]
        ahead = market.print_paise - event.trigger_paise
        if bracket.side is Side.SELL:
            ahead = -ahead
        invariant(ahead >= 0, "a stop never trails across the print (14)", event)
        invariant(event.trigger_paise % bracket.tick_paise == 0, "a stop trails by ticks (14)", event)
        self.onlooker.trailed(bracket, event.trigger_paise)
