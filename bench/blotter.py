"""What the page costs order entry: the same cancels without `--blotter`, with it, and beside one open page, in turns.

The open page is a real browser that shows the book of one of the sixteen clients whose orders are cancelled as fast as
they go, websocket and all, on the machine of server and load. A second page is that of a client with twenty orders, as
somebody has who looks on, and its browser gives way to both (nice 19): what is lost then is what the server spends on
an open page. Without a browser only the first two are measured.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from bench.contestants import Running, bracketd, running
from bench.load import Plan
from bench.stock import Stock, lay_in

CONNECTIONS = 64
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server"]
LIVE_MS = 60_000
WITHOUT, WITH, OPEN, LOOKING_ON = "without", "with", "open", "looking_on"


class Turns(Protocol):
    """Runs in turns, and their medians."""

    def once(self, work: str, one: Running, plan: Plan, connections: int, seconds: int) -> None:
        """One run of one contestant."""

    def medians(self) -> list[dict[str, Any]]:
        """A row for each contestant."""


def beside_the_page(
    folder: Path, series: Turns, plan_of: Callable[[Path, Stock], Plan], *, orders: int, rounds: int, seconds: int
) -> dict[str, float]:
    """Cancels a second, as ratios to those without `--blotter`."""
    bare, shown = lay_in(folder / "bare", orders), lay_in(folder / "shown", orders)
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(running(WITHOUT, bracketd(folder / "bare"), "/readyz"))
        paged = stack.enter_context(running(WITH, [*bracketd(folder / "shown"), "--blotter"], "/readyz"))
        plans = {
            name: _plan(plan_of, folder / f"plan-{name}", stock) for name, stock in ((WITHOUT, bare), (WITH, shown))
        }
        for _ in range(rounds):
            series.once("cancel", plain, plans[WITHOUT], CONNECTIONS, seconds)
            series.once("cancel", paged, plans[WITH], CONNECTIONS, seconds)
            for name in (OPEN, LOOKING_ON):
                with _open_page(paged, shown, folder, looks_on=name == LOOKING_ON) as live:
                    if live:
                        series.once("cancel", paged._replace(name=name), plans[WITH], CONNECTIONS, seconds)
    at = {row["name"]: row for row in series.medians()}
    told = {"refused": sum(row["refused"] for row in at.values())}
    for name in (WITH, OPEN, LOOKING_ON):
        if name in at:
            told[f"{name}_per_second"] = at[name]["per_second"] / at[WITHOUT]["per_second"]
    return told


def _plan(plan_of: Callable[[Path, Stock], Plan], folder: Path, stock: Stock) -> Plan:
    folder.mkdir()
    return plan_of(folder, stock)


@contextlib.contextmanager
def _open_page(one: Running, stock: Stock, folder: Path, *, looks_on: bool) -> Iterator[bool]:
    """A browser with the first client's book on the screen, or the last's; False where there is no browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        yield False
        return
    if looks_on:
        starter = folder / "browser"
        starter.write_text(f'#!/bin/sh\nexec nice -n 19 {path} "$@"\n')
        starter.chmod(0o700)
        path = str(starter)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{one.port}/#token={stock.tokens[-1 if looks_on else 0]}")
        page.wait_for_selector("#link.live", timeout=LIVE_MS)
        yield True
        browser.close()
