"""The sandbox's routes: prints by hand, the clock, and what goes wrong at the paper exchange (docs/sandbox.md).

They exist only where they were switched on. They take no token, so they listen to the same machine only
(`neighbour`).
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from bracketd.domain.reasons import Reason
from bracketd.runtime.desk import Desk
from bracketd.runtime.sandbox import ADVANCE_NS_MAX, ClockRefused, ClockStands, ClockStopped, Sandbox
from bracketd.wire import replies, words
from bracketd.wire.fault_rules import read_plan, shown_plan
from bracketd.wire.fields import Unreadable
from bracketd.wire.moments import ist_text, moment_ns
from bracketd.wire.neighbour import is_neighbour
from bracketd.wire.parameters import read_parameters
from bracketd.wire.pushed_tick import UnknownInstrument, push_tick, read_run
from bracketd.wire.replies import EarlyReply, Reply
from bracketd.wire.request import read_body
from bracketd.wire.words import FieldError

NS_PER_MS = 1_000_000

Page = Callable[[Request], Awaitable[Reply]]


def sandbox_pages(desk: Desk, sandbox: Sandbox) -> list[tuple[str, list[str], Page]]:
    """(path, methods, page) of each route."""
    pages = _SandboxPages(desk, sandbox)
    return [
        ("/sandbox/v1/ticks", ["POST"], _for_this_machine(pages.tick)),
        ("/sandbox/v1/run", ["POST"], _for_this_machine(pages.run)),
        ("/sandbox/v1/clock", ["GET", "POST"], _for_this_machine(pages.clock)),
        ("/sandbox/v1/faults", ["GET", "POST", "DELETE"], _for_this_machine(pages.faults)),
    ]


class _SandboxPages:
    """What each route does."""

    def __init__(self, desk: Desk, sandbox: Sandbox) -> None:
        self._desk = desk
        self._sandbox = sandbox

    async def tick(self, request: Request) -> Reply:
        """A print pushed by hand."""
        return await push_tick(self._desk, request.scope, request.receive)

    async def run(self, request: Request) -> Reply:
        """POST of many prints at once, `prints`: pushed one after the other, with a virtual clock each at its `at`.

        All are read before the first is pushed: 400 names the field that is wrong, `prints` where the moments are
        none to which the clock can go in turn. 409 where the clock is the machine's and moments are named. The reply
        is sent when all that was pushed is on disk; `pushed` is less than was sent where the clock stopped on the way.
        """
        body = await read_body(request.scope, request.receive)
        try:
            prints = read_run(self._desk.instruments, body)
        except Unreadable:
            raise EarlyReply(replies.BODY_INVALID) from None
        except UnknownInstrument as fault:
            return replies.field_invalid(fault.field, Reason.UNKNOWN_INSTRUMENT)
        try:
            pushed = await self._sandbox.run(prints)
        except ClockStands:
            return replies.CLOCK_STANDS
        except ClockRefused:
            raise FieldError("prints") from None
        return replies.success("Prints accepted", {"pushed": pushed})

    async def clock(self, request: Request) -> Reply:
        """GET: what time it is; POST: move the clock on, by `advance_ms` or to the moment `to`.

        400 names the field that is wrong: neither or both, back in time, or more than 31 days ahead. 409 where the
        clock is the machine's. The reply is sent when all that fell due is on disk.
        """
        if request.method != "POST":
            return await self._time("")
        body = await read_body(request.scope, request.receive)
        try:
            parameters = read_parameters(b"", b"application/json", body)
        except Unreadable:
            raise EarlyReply(replies.BODY_INVALID) from None
        to = words.text(parameters, "to", "")
        if to and words.text(parameters, "advance_ms", ""):
            raise FieldError("to")
        try:
            if to:
                await self._sandbox.advance_to(_moment(to))
            else:
                await self._sandbox.advance_by(_span_ns(words.whole(parameters, "advance_ms")))
        except ClockStands:
            return replies.CLOCK_STANDS
        except ClockRefused:
            raise FieldError("to" if to else "advance_ms") from None
        except ClockStopped:
            return replies.clock_stopped(ist_text(self._sandbox.time()[0]))
        return await self._time("Clock moved")

    async def faults(self, request: Request) -> Reply:
        """GET: the plan of faults; POST: another in its place; DELETE: none. Letters under way arrive all the same."""
        message = ""
        if request.method == "POST":
            try:
                seed, rules = read_plan(await read_body(request.scope, request.receive))
            except Unreadable:
                raise EarlyReply(replies.BODY_INVALID) from None
            self._sandbox.set_plan(rules, seed)
            message = "Faults accepted"
        elif request.method == "DELETE":
            self._sandbox.set_plan((), 0)
            message = "Faults removed"
        reply = replies.success(message, shown_plan(self._sandbox.plan, self._sandbox.under_way))
        await self._sandbox.durable()
        return reply

    async def _time(self, message: str) -> Reply:
        now_ns, day, stage = self._sandbox.time()
        reply = replies.success(
            message,
            {
                "now": ist_text(now_ns),
                "now_ns": now_ns,
                "clock": "virtual" if self._sandbox.virtual else "system",
                "day": day,
                "stage": stage,
            },
        )
        await self._sandbox.durable()
        return reply


def _moment(text: str) -> int:
    try:
        return moment_ns(text)
    except (ValueError, OverflowError) as fault:
        raise FieldError("to") from fault


def _span_ns(advance_ms: int) -> int:
    if not 0 <= advance_ms <= ADVANCE_NS_MAX // NS_PER_MS:
        raise FieldError("advance_ms")
    return advance_ms * NS_PER_MS


def _for_this_machine(page: Page) -> Page:
    """The page, which for every other machine does not exist."""

    async def guarded(request: Request) -> Reply:
        return await page(request) if is_neighbour(request.scope) else replies.RESOURCE_NOT_FOUND

    return guarded
