"""Stories of a store on the simulated disk whose syncs fail: what was answered is there in every later life.

A store is opened, written to and dies, by kill, power cut or an orderly end, again and again; its disk loses what a
failed sync did not write, and its cache forgets that at once, later or never.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Protocol

import apsw

from bracketd.simulation.disk import Disk, DiskFile, DiskTrouble
from bracketd.simulation.file_layer import FileLayer

LIVES_MAX = 6
BATCHES_MAX = 12
OPENING_MAX = 30
SIZES = (1, 100, 2_000, 9_000)


class Store(Protocol):
    """What keeps texts in their order."""

    def write(self, texts: list[str]) -> None:
        """Keep all of them, durably, or none."""

    def shown(self) -> list[str]:
        """All that it shows."""

    def tidy(self) -> None:
        """Copy the log, as it does by itself sooner or later."""

    def close(self) -> None:
        """End well."""

    def abandon(self) -> None:
        """Let go of what its process had, if it has not: it is dead."""


OpenStore = Callable[[FileLayer, Path], Store]


class Hours:
    """A clock that goes on when the disk is waited for."""

    now_ns = 0

    def __call__(self) -> int:
        """Now."""
        return self.now_ns


class DeadlyDisk(Disk):
    """A disk whose process may be killed before the write or sync of a number: from then on it changes nothing."""

    dies_in = 0
    dead = False

    def write(self, file: DiskFile, offset: int, data: bytes) -> None:
        """As a disk does it, unless the process is dead."""
        if self._lives_on():
            super().write(file, offset, data)

    def cut(self, file: DiskFile, size: int) -> None:
        """As a disk does it, unless the process is dead."""
        if self._lives_on():
            super().cut(file, size)

    def sync(self, file: DiskFile) -> None:
        """As a disk does it, unless the process is dead."""
        if self._lives_on():
            super().sync(file)

    def delete(self, name: str) -> None:
        """As a disk does it, unless the process is dead."""
        if self._lives_on():
            super().delete(name)

    def _lives_on(self) -> bool:
        if self.dies_in:
            self.dies_in -= 1
            self.dead = not self.dies_in
        return not self.dead


class _Story:
    def __init__(self, seed: int, folder: Path, open_store: OpenStore) -> None:
        self.random = Random(f"ill {seed}")
        self.hours = Hours()
        self.disk = DeadlyDisk(Random(f"ill disk {seed}"), self.hours)
        self.layer = FileLayer(self.disk)
        self.folder = folder
        self.open_store = open_store
        self.answered: list[str] = []
        self.asked: list[str] = []
        self.texts = 0

    def tell(self) -> str:
        try:
            for _ in range(self.random.randint(2, LIVES_MAX)):
                store = self.opened()
                try:
                    fault = self.fault_of(store) or self.live(store)
                    self.die(store)
                finally:
                    self.disk.dead = True
                    store.abandon()
                    self.disk.dead = False
                if fault:
                    return fault
        except apsw.Error as error:
            return f"{type(error).__name__}: {error}"
        finally:
            self.layer.unregister()
        return ""

    def lots(self, chance: float) -> bool:
        return self.random.random() < chance

    def wait(self) -> None:
        self.hours.now_ns = max(self.hours.now_ns, self.disk.busy_until_ns)

    def opened(self) -> Store:
        """A store, opened as often as it takes; only the disk, or a kill, may stand in its way."""
        while True:
            faults = self.disk.faults
            self.disk.trouble = DiskTrouble.FAILS_SYNC if self.lots(0.25) else None
            self.disk.dies_in = self.random.randint(1, OPENING_MAX) if self.lots(0.3) else 0
            store = None
            try:
                store = self.open_store(self.layer, self.folder)
            except Exception:
                if self.disk.faults == faults and not self.disk.dead:
                    raise
            self.disk.dies_in = 0
            self.wait()
            if store is not None and not self.disk.dead:
                self.disk.trouble = None
                return store
            self.end_process()
            if store is not None:
                self.disk.dead = True
                store.abandon()
                self.disk.dead = False

    def fault_of(self, store: Store) -> str:
        """What is wrong with what a new life shows."""
        shown = store.shown()
        if shown[: len(self.answered)] != self.answered:
            return f"{len(self.answered)} were answered, {len(shown)} are there"
        if shown[len(self.answered) :] not in ([], self.asked):
            return "there is a part of a batch, or what nobody asked for"
        self.answered, self.asked = shown, []
        return ""

    def live(self, store: Store) -> str:
        for _ in range(self.random.randint(0, BATCHES_MAX)):
            self.disk.trouble = DiskTrouble.FAILS_SYNC if self.lots(0.12) else None
            self.asked = [self.text() for _ in range(self.random.randint(1, 4))]
            faults = self.disk.faults
            try:
                store.write(self.asked)
            except Exception:
                if self.disk.faults == faults:
                    raise
                return self.fault_after(store)
            if self.lots(0.05):
                # It dies before the disk has done its part, and nobody is answered.
                return ""
            self.wait()
            self.answered, self.asked = [*self.answered, *self.asked], []
            if self.lots(0.1):
                store.tidy()
                self.wait()
        return ""

    def fault_after(self, store: Store) -> str:
        """After a failure the store takes nothing more, though the disk is sound again."""
        self.disk.trouble = None
        try:
            store.write([self.text()])
        except Exception:  # noqa: BLE001  (however it words it)
            return ""
        return "it went on after a failed sync"

    def text(self) -> str:
        self.texts += 1
        return f"{self.texts:06} {'x' * self.random.choice(SIZES)}"

    def die(self, store: Store) -> None:
        self.disk.trouble = None
        if self.lots(0.3):
            self.wait()
        if self.lots(0.3):
            self.disk.trouble = DiskTrouble.FAILS_SYNC if self.lots(0.3) else None
            store.close()
            self.wait()
        self.end_process()

    def end_process(self) -> None:
        self.disk.trouble = None
        self.disk.dead = False
        if self.lots(0.45):
            self.disk.cut_power()
        else:
            self.wait()
            self.disk.lose_process()


def fault_in(seed: int, folder: Path, open_store: OpenStore) -> str:
    """What goes wrong in the story of a seed, "" for nothing."""
    folder.mkdir()
    return _Story(seed, folder, open_store).tell()


def seeds_to_fault(seeds: range, folder: Path, open_store: OpenStore) -> tuple[int, str]:
    """(how many seeds it takes until something goes wrong, what); (0, "") where nothing does."""
    for number, seed in enumerate(seeds, 1):
        fault = fault_in(seed, folder / str(seed), open_store)
        if fault:
            return number, fault
    return 0, ""
