"""The kill switch: what works of one client's is cancelled, what is open is closed (bracket.md section 4).

Rule E on every entry, then rule X on every bracket. Each order is cancelled by the desk as any other cancel is, so a
bracket with something in flight is waited for, all of them at once and together no longer than one request may wait.
"""

import asyncio

from bracketd.domain.bracket import Bracket
from bracketd.domain.commands import CancelOrder
from bracketd.domain.outcomes import Outcome, Refused
from bracketd.domain.reasons import Reason
from bracketd.runtime.desk import Deadline, Desk

Result = tuple[str, Outcome]
"""An order's id and what its cancel came to."""

ENDED = frozenset({Reason.TOO_LATE, Reason.ALREADY_REJECTED})
"""Refusals of an order that ended by itself while the request was under way: there is nothing left of it to cancel."""


async def cancel_everything(desk: Desk, client_id: str) -> list[Result]:
    """Cancel every order of a client and close every bracket; what it comes to, durable, oldest first.

    First each entry that worked when the request came, then the STOPLOSS of each bracket that held anything: it is the
    closing order. Brackets placed after the request are not touched. Raises NotServing.
    """
    deadline = desk.admit()
    mine = [bracket for bracket in desk.state.brackets.values() if bracket.client_id == client_id]
    entry_ids = {
        bracket.basket_id: bracket.entry_id for bracket in mine if not desk.state.orders[bracket.entry_id].terminal
    }
    withdrawing = {
        basket_id: asyncio.ensure_future(desk.carry_out(CancelOrder(client_id=client_id, ids=(entry_id,)), deadline))
        for basket_id, entry_id in entry_ids.items()
    }
    for task in withdrawing.values():
        # Where the desk stops, the first exception is the answer; the others must not turn up as nobody's in the log.
        task.add_done_callback(_heard)
    # Every one of them is judged when this returns: nothing is closed while another entry may still open something.
    await asyncio.sleep(0)
    closed = await asyncio.gather(
        *(
            _close(desk, bracket, withdrawing.get(bracket.basket_id), deadline)
            for bracket in mine
            if _live(desk, bracket)
        )
    )
    withdrawn = [(entry_id, await withdrawing[basket_id]) for basket_id, entry_id in entry_ids.items()]
    results = [*withdrawn, *(result for result in closed if result is not None)]
    return [
        (order_id, outcome)
        for order_id, outcome in results
        if not (isinstance(outcome, Refused) and outcome.reason in ENDED)
    ]


async def _close(
    desk: Desk, bracket: Bracket, withdrawing: "asyncio.Future[Outcome] | None", deadline: Deadline
) -> Result | None:
    """Rule X, once the entry's own cancel is settled; None where there is nothing to close."""
    if withdrawing is not None:
        await withdrawing
    closing_id = bracket.stop_id or next(iter(bracket.rescue_ids), "")
    if not closing_id or not _live(desk, bracket):
        return None
    exit_ = CancelOrder(client_id=bracket.client_id, ids=(bracket.entry_id,), leg="STOPLOSS")
    return closing_id, await desk.carry_out(exit_, deadline)


def _heard(task: "asyncio.Future[Outcome]") -> None:
    if not task.cancelled():
        task.exception()


def _live(desk: Desk, bracket: Bracket) -> bool:
    """Whether anything of the bracket works or is open."""
    return desk.state.open_quantity(bracket) > 0 or any(not order.terminal for order in desk.state.rows_of(bracket))
