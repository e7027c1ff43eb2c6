"""The virtual loop: time is a number, nothing sleeps, and the order of things is asyncio's own."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from bracketd.simulation.virtual_loop import LoopClock, Stalled, VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    """A loop of the test's own."""
    made = VirtualLoop()
    yield made
    made.close()


def run(loop: VirtualLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end."""
    return loop.run_until_complete(work)


def test_a_day_takes_no_time(loop: VirtualLoop) -> None:
    """Sleeping for a day moves the clock by a day, and nobody waits for it."""
    began = time.monotonic()
    clock = LoopClock(loop, 1_000)
    run(loop, asyncio.sleep(86_400))
    assert clock.now_ns() == 1_000 + 86_400 * 10**9
    assert time.monotonic() - began < 5


def test_timers_go_off_in_their_order(loop: VirtualLoop) -> None:
    """Whoever sleeps less wakes first, and nobody wakes before his time."""
    woken: list[tuple[int, int]] = []

    async def sleeper(ms: int) -> None:
        await asyncio.sleep(ms / 1_000)
        woken.append((ms, loop.now_ns))

    async def all_of_them() -> None:
        await asyncio.gather(*(sleeper(ms) for ms in (30, 10, 20, 10)))

    run(loop, all_of_them())
    assert [ms for ms, _ in woken] == [10, 10, 20, 30]
    assert all(now_ns >= ms * 10**6 for ms, now_ns in woken)


def test_a_wait_for_nothing_is_seen(loop: VirtualLoop) -> None:
    """Where everybody waits and no timer is set, the loop says so at once."""
    future = loop.create_future()

    async def forever() -> None:
        await future

    with pytest.raises(Stalled):
        run(loop, forever())
    future.set_result(None)
    run(loop, asyncio.sleep(0))


def test_a_circle_is_seen(loop: VirtualLoop) -> None:
    """Where somebody sets the same timer again and again for now, the loop says so instead of going round for ever."""

    def again() -> None:
        loop.call_later(1e-18, again)

    async def body() -> None:
        again()
        await asyncio.sleep(1)

    with pytest.raises(Stalled, match="time stands still"):
        run(loop, body())


def test_tasks_are_told_oldest_first(loop: VirtualLoop) -> None:
    """The tasks that are not done are listed in the order of their making, however many have come and gone."""

    async def body() -> None:
        for _ in range(1_000):
            loop.create_task(asyncio.sleep(0))
        await asyncio.sleep(0.001)
        late = [loop.create_task(asyncio.sleep(n)) for n in (3, 1, 2)]
        assert list(loop.tasks())[1:] == late
        await asyncio.gather(*late)

    run(loop, body())


def test_no_thread_runs(loop: VirtualLoop) -> None:
    """Work for a thread is refused: its timing would be the machine's."""

    async def body() -> None:
        await asyncio.to_thread(time.monotonic)

    with pytest.raises(RuntimeError, match="no thread"):
        run(loop, body())
