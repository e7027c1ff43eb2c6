"""The end of a trial: with a willing venue, a sound disk and prints that carry quantity everything ends (24)."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from bracketd.domain.instrument import Tick
from bracketd.domain.order import Product, Status
from bracketd.domain.session import Stage
from bracketd.engine.invariant import invariant
from bracketd.runtime.desk import NotServing
from bracketd.simulation.desk_clients import cancel_by, market_order
from bracketd.simulation.listener import book_of
from bracketd.simulation.premises import shares
from bracketd.simulation.process import Process
from bracketd.venue.paper.fault_plan import FaultPlan

if TYPE_CHECKING:
    from bracketd.simulation.trial import Trial

LETTERS_S = 8.0
"""The longest that anything of a story is under way between the engine and the venue, and some more."""

PLENTY = 10**6
PATIENCE = 400
TURNS_MAX = 40


async def come_to_rest(trial: "Trial") -> None:
    """Bring everything to its end; what does not come there is accused."""
    trial.lives.armed = ""
    process = await _serving(trial)
    if process is None:
        return
    trial.lives.misbehave(FaultPlan())
    await asyncio.sleep(LETTERS_S)
    await _answered(trial)
    trial.witness.say(lambda: _check_streams(trial, process))
    for listener in trial.listeners:
        listener.hang_up()
    await _open_session(trial, process)
    await asyncio.sleep(LETTERS_S)
    await _print(process, _ticks(process))
    await asyncio.sleep(2)
    trial.witness.say(lambda: _check_settled(trial, process))
    if trial.witness.lie or process.desk.failure:
        return
    await _close_everything(trial, process)
    await _answered(trial)
    await asyncio.sleep(1)
    if not trial.lives.serves(process):
        return
    trial.witness.say(lambda: _check_ended(trial, process))
    records = [record.body async for record in process.journal.read(0)]
    trial.witness.say(lambda: trial.lives.archive.compare(records))


async def _serving(trial: "Trial") -> Process | None:
    """A server that runs and will not die any more."""
    for _ in range(PATIENCE):
        trial.lives.disk.trouble = None
        process = trial.lives.process
        if process is not None and not process.dead:
            # A sync that hangs or fails now was asked for before.
            await asyncio.sleep(0.5)
            if trial.lives.serves(process):
                return process
        if trial.witness.lie:
            return None
        await asyncio.sleep(0.1)
    trial.witness.accuse("the server does not come back (24)")
    return None


async def _answered(trial: "Trial") -> None:
    """Every request has its reply."""
    for _ in range(PATIENCE):
        if not trial.calls:
            return
        # A client with a rate takes its time.
        await asyncio.sleep(0.5 if trial.story.orders_per_s else 0.05)
    trial.witness.accuse("a request is never answered (24)")


async def _open_session(trial: "Trial", process: Process) -> None:
    for _ in range(TURNS_MAX):
        now_ns = trial.clock.now_ns()
        if trial.sessions.phase(now_ns).trades and process.desk.state.stage is Stage.TRADING:
            return
        change_ns = trial.sessions.next_change_ns(now_ns)
        if change_ns is None:
            break
        await trial.lives.jump(change_ns - now_ns + 1_000)
    trial.witness.accuse("the session never opens again (24)")


def _ticks(process: Process) -> list[Tick]:
    """A print of each share where it stands, with quantity for everybody."""
    return [
        Tick(key, process.exchange.shown(key)[0] or share.base_price_paise, PLENTY) for key, share in shares().items()
    ]


async def _print(process: Process, ticks: list[Tick]) -> None:
    # A desk that stops now is accused where its life ends.
    with suppress(NotServing):
        for tick in ticks * 2:
            process.desk.feed_tick(tick)
        await process.desk.durable()


async def _close_everything(trial: "Trial", process: Process) -> None:
    state = process.desk.state
    for bracket in tuple(state.brackets.values()):
        trial.ask(cancel_by(state.orders[bracket.entry_id], "ENTRY"))
        await _answered(trial)
        if state.open_quantity(bracket):
            trial.ask(cancel_by(state.orders[bracket.entry_id], "STOPLOSS"))
            await _answered(trial)
        if trial.witness.lie or process.desk.failure:
            return
    await _print(process, _ticks(process))
    for key, stake in tuple(state.stakes.items()):
        if stake.total.net and not process.desk.failure:
            client, instrument, product = key.split(" ")
            trial.ask(market_order(client, shares()[instrument], Product(product), -stake.total.net))
            await _answered(trial)
    await _print(process, _ticks(process))


def _check_streams(trial: "Trial", process: Process) -> None:
    """What was pushed folds to the order book (19)."""
    for listener in trial.listeners:
        if not listener.open:
            continue
        for order_id, row in book_of(process.desk.state, listener.client).items():
            invariant(listener.rows.get(order_id) == row, "the stream folds to the order book (19)", order_id)


def _check_settled(trial: "Trial", process: Process) -> None:
    state = process.desk.state
    invariant(not state.post, "every letter arrives (24)")
    for row in state.orders.values():
        pending = row.status in (Status.CANCEL_PENDING, Status.MODIFY_PENDING)
        invariant(not pending, "nothing stays half asked (24)", row)
    for bracket in state.brackets.values():
        invariant(not bracket.unprotected, "what was refused is tried again until it is taken (2.8)", bracket)


def _check_ended(trial: "Trial", process: Process) -> None:
    state = process.desk.state
    for bracket in state.brackets.values():
        invariant(state.open_quantity(bracket) == 0, "everything closes (24)", bracket)
        invariant(not bracket.unprotected, "nothing is left unprotected (2)", bracket)
    for row in state.orders.values():
        invariant(row.terminal, "everything comes to its end (24)", row)
        traded = trial.witness.onlooker.traded.get(row.order_id, 0)
        invariant(row.filled == traded, "every trade is booked in the end (5)", row)
    invariant(all(position.net == 0 for position in state.positions.values()), "no position is left (5)")
    invariant(not any(account.blocked_paise for account in state.accounts.values()), "no margin is left blocked (21)")
    invariant(not process.exchange._work and not process.exchange._pairs, "nothing works at the exchange (13)")
    trial.witness.onlooker.check(state, process.exchange)
    trial.lives.archive.check_equal(state, process.desk.last_seq)
