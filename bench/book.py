"""What a long order book costs those who wait beside it: the longest wait of another client's small requests.

Whoever reads the book is a process of its own, so that no wait is the prober's; reader, prober and server share the
machine all the same. What of a wait is the machine's is told by the same book read from the same server while a client
of another server is the one that waits: that server has nothing else to do.
"""

import http.client
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from bench.contestants import Running
from bench.stock import Stock

READS: Final = 3
QUIET_S: Final = 3.0
READ_BOOK: Final = """
import sys, urllib.request
asked = urllib.request.Request(sys.argv[1], headers={"x-authorization-token": sys.argv[2]})
rows, kept = 0, b""
with urllib.request.urlopen(asked, timeout=300) as answer:
    while part := answer.read(1 << 20):
        whole = kept + part
        rows += whole.count(b'"basket_id"') - kept.count(b'"basket_id"')
        kept = whole[-10:]
print(rows)
"""


def book_delay(one: Running, stock: Stock, other: Running) -> dict[str, float]:
    """Milliseconds, the longest of several reads in turns: of a client of that server, and of one of another.

    Beside them the longest wait with nothing to wait for, and the seconds that the quickest read took.
    """
    probe, apart = (http.client.HTTPConnection("127.0.0.1", each.port, timeout=30) for each in (one, other))
    began = time.monotonic()
    quiet = longest_wait_ms(probe, lambda: time.monotonic() - began < QUIET_S)
    beside, elsewhere, took_s = list[float](), list[float](), list[float]()
    for _ in range(READS):
        for connection, waits in ((probe, beside), (apart, elsewhere)):
            began = time.monotonic()
            waits.append(_while_read(one, stock, connection))
            took_s.append(time.monotonic() - began)
    return {
        "quiet_delay_ms": quiet,
        "book_delay_ms": max(beside),
        "book_apart_ms": max(elsewhere),
        "book_read_s": min(took_s),
    }


def _while_read(one: Running, stock: Stock, probe: http.client.HTTPConnection) -> float:
    """The longest wait on the probe's connection while the book is read once; the book must be whole."""
    url = f"http://127.0.0.1:{one.port}/api/v1/orders?type=pending&client_id={stock.clients[0]}"
    reading = subprocess.Popen(
        [sys.executable, "-c", READ_BOOK, url, stock.tokens[0]], stdout=subprocess.PIPE, text=True
    )
    waited_ms = longest_wait_ms(probe, lambda: reading.poll() is None)
    said, _ = reading.communicate()
    if said.strip() != str(len(stock.resting)):
        raise RuntimeError(f"{said.strip() or 'no'} rows were read of a book of {len(stock.resting)}")
    return waited_ms


def longest_wait_ms(probe: http.client.HTTPConnection, more: Callable[[], bool]) -> float:
    """The longest that one of many small requests takes."""
    longest_s = 0.0
    while more():
        began = time.perf_counter()
        probe.request("GET", "/healthz")
        probe.getresponse().read()
        longest_s = max(longest_s, time.perf_counter() - began)
        time.sleep(0.001)
    return longest_s * 1e3
