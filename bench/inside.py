"""In this process, without a socket: the engine, the journal, ticks, memory and recovery, each alone."""

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from bench.stock import Room
from bracketd.domain.commands import CancelOrder, PlaceBracket
from bracketd.domain.events import decode_step
from bracketd.domain.instrument import Tick, band_around
from bracketd.domain.order import OrderType, Product, Side, Validity
from bracketd.domain.session import SessionPhase
from bracketd.engine.deciding import decide
from bracketd.engine.evolve import evolve
from bracketd.engine.moment import Moment
from bracketd.engine.state import State, encode_state
from bracketd.journal.sqlite import SqliteJournal
from bracketd.market.instruments import InstrumentTable, load_instruments

BASE_PAISE = 100_000


def engine(brackets: int) -> dict[str, float]:
    """Placements and cancels a second through decide, venue, evolve and the invariants, by thread time."""
    room = Room()
    began = time.thread_time()
    resting = [room.place(number) for number in range(brackets)]
    placed_s = time.thread_time() - began
    commands = [CancelOrder(client_id=room.clients[one.client], ids=(one.entry_id,), leg="ENTRY") for one in resting]
    moment = Moment(room.now_ns, SessionPhase.OPEN, 0)
    began = time.thread_time()
    for command in commands:
        decide(room.state, command, room.instruments, moment)
    decided_s = time.thread_time() - began
    began = time.thread_time()
    for command in commands:
        room.command(command)
    cancelled_s = time.thread_time() - began
    return {
        "places_per_s": brackets / placed_s,
        "cancels_per_s": brackets / cancelled_s,
        "decide_us": decided_s / brackets * 1e6,
    }


def recovery(brackets: int) -> dict[str, float]:
    """Events a second that a start decodes and folds, the journal's own reading apart, by thread time."""
    room = Room()
    for number in range(brackets):
        room.place(number)
    state, events = State(), 0
    gc.collect()
    began = time.thread_time()
    for body in room.bodies:
        for event in decode_step(body):
            evolve(state, event)
            events += 1
    took_s = time.thread_time() - began
    began = time.perf_counter()
    encode_state(state)
    return {"events_per_s": events / took_s, "snapshot_s": time.perf_counter() - began}


def hundred() -> InstrumentTable:
    """A hundred instruments, all at the same price."""
    base = next(iter(load_instruments().values()))
    low, high = band_around(BASE_PAISE, 20, 5)
    return InstrumentTable(
        [
            msgspec.structs.replace(
                base,
                token=100_000 + number,
                symbol=f"S{number}",
                tick_paise=5,
                lot=1,
                base_price_paise=BASE_PAISE,
                lower_band_paise=low,
                upper_band_paise=high,
            )
            for number in range(100)
        ]
    )


def trailing(brackets: int) -> dict[str, float]:
    """Brackets that trail on 100 instruments: microseconds of a tick that touches none and of one that moves some."""
    table = hundred()
    keys = list(table)
    room = Room(instruments=table)
    gc.collect()
    before = _rss_bytes()
    for number in range(brackets):
        _place_trailing(room, keys[number % 100], number)
        room.bodies.clear()
    resting = _rss_bytes()
    for key in keys:
        room.tick(Tick(key, BASE_PAISE, 10**9))
        room.bodies.clear()
    working = _rss_bytes()
    gc.collect()
    gc.freeze()
    quiet = [Tick(keys[number % 100], BASE_PAISE + 5 * (number % 3), 10) for number in range(20_000)]
    began = time.thread_time()
    for tick in quiet:
        room.tick(tick)
    quiet_us = (time.thread_time() - began) / len(quiet) * 1e6
    began = time.thread_time()
    moved = len(room.tick(Tick(keys[0], BASE_PAISE + 100, 10)))
    each_us = (time.thread_time() - began) / max(1, moved) * 1e6
    gc.unfreeze()
    return {
        "quiet_tick_us": quiet_us,
        "moved": moved,
        "moved_us_each": each_us,
        "resting_bytes": (resting - before) / brackets,
        "working_bytes": (working - before) / brackets,
    }


def _place_trailing(room: Room, key: str, number: int) -> None:
    room.command(
        PlaceBracket(
            client_id=room.clients[number % len(room.clients)],
            instrument=key,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            product=Product.MIS,
            validity=Validity.DAY,
            quantity=1,
            price_paise=BASE_PAISE,
            trigger_paise=0,
            target_offset_paise=10_000,
            stop_offset_paise=5_000 + 5 * (number // 100 % 500),
            trailing_step_paise=50,
        )
    )


def journal(records: int, folder: Path) -> dict[str, float]:
    """Records a second of batches of 64, ours beside a plain file with fdatasync, in turns; and one commit alone."""
    ratios, ours_s, one_us, plain_us = [], [], [], []
    body = os.urandom(160)
    with tempfile.TemporaryDirectory(dir=folder) as kept:
        for turn in range(5):
            plain = _plain(Path(kept) / f"plain{turn}", [body] * 64, records // 64)
            ours, alone = asyncio.run(_ours(Path(kept) / f"ours{turn}.db", [body] * 64, records // 64))
            ratios.append(plain / ours)
            ours_s.append(records / ours)
            one_us.append(alone)
            plain_us.append(_plain(Path(kept) / f"one{turn}", [body], 100) / 100 * 1e6)
    return {
        "records_per_s": statistics.median(ours_s),
        "of_plain_file": statistics.median(ratios),
        "one_commit_us": statistics.median(one_us),
        "one_fdatasync_us": statistics.median(plain_us),
    }


def _plain(path: Path, batch: list[bytes], batches: int) -> float:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    began = time.perf_counter()
    for _ in range(batches):
        os.write(descriptor, b"".join(batch))
        os.fdatasync(descriptor)
    took_s = time.perf_counter() - began
    os.close(descriptor)
    return took_s


async def _ours(path: Path, batch: list[bytes], batches: int) -> tuple[float, float]:
    log = SqliteJournal(path)
    lease = await log.acquire("bench", 600)
    if lease is None:
        raise RuntimeError("a fresh journal has no owner")
    seq = lease.last_seq
    began = time.perf_counter()
    for _ in range(batches):
        seq = await log.append(lease, seq, batch)
    took_s = time.perf_counter() - began
    took_us = []
    for _ in range(100):
        began = time.perf_counter()
        seq = await log.append(lease, seq, batch[:1])
        took_us.append((time.perf_counter() - began) * 1e6)
    await log.close()
    return took_s, statistics.median(took_us)


def apart(what: str, size: int) -> dict[str, float]:
    """One of the measurements in a process of its own, whose memory nothing else has used before."""
    said = subprocess.run(
        [sys.executable, "-m", "bench.inside", what, str(size)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(said.stdout)
    return found


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    json.dump({"trailing": trailing, "engine": engine, "recovery": recovery}[sys.argv[1]](int(sys.argv[2])), sys.stdout)
