"""A recorded day, replayed as a trader types it: every fill is explained by the print that it names."""

import csv
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
import pyarrow.parquet
import pytest
from tests.e2e.caller import Row
from tests.e2e.process import HOST, Server
from tests.terminal.conftest import Typist

from bracketd.domain.ist import date_of_day, day_number
from bracketd.market.calendar import SessionTable

pytestmark = pytest.mark.slow

IST = timezone(timedelta(hours=5, minutes=30))
MINUTES = 375
RECORDED = datetime(2026, 1, 5, 9, 15, tzinfo=IST)
CANDLE = ("open", "high", "low", "close")
PARTS = 4


class Printed(NamedTuple):
    """A print that a fill names: what the file says of it."""

    price: Decimal
    quantity: int
    after_s: int


def day_file(folder: Path, seed: int) -> Path:
    """A whole recorded day of SBIN: 375 candles of a seeded walk, as CSV."""
    lots = random.Random(seed)
    file, paise = folder / "day.csv", 45_695
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["time", *CANDLE, "volume"])
        for minute in range(MINUTES):
            walk = [paise]
            for _ in range(12):
                walk.append(min(48_000, max(43_000, walk[-1] + 5 * lots.randint(-6, 6))))
            paise = walk[-1]
            prices = [walk[0], max(walk), min(walk), walk[-1]]
            moment = RECORDED + timedelta(minutes=minute)
            writer.writerow([moment.isoformat(), *(f"{price / 100:.2f}" for price in prices), lots.randint(1, 4_000)])
    return file


def prints_of(file: Path) -> dict[str, Printed]:
    """What each name stands for, read from the file by the rule of docs/replay.md and by no code of the product."""
    made: dict[str, Printed] = {}
    with file.open(newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream), start=1):
            rises = Decimal(row["close"]) >= Decimal(row["open"])
            order = ("open", "low", "high", "close") if rises else ("open", "high", "low", "close")
            volume = int(row["volume"])
            quarter = max(1, volume // PARTS)
            start_s = int((datetime.fromisoformat(row["time"]) - RECORDED).total_seconds())
            for place, part in enumerate(order):
                quantity = max(1, volume - 3 * quarter) if part == "close" else quarter
                name = f"{file.name}:{number}:{part}"
                made[name] = Printed(Decimal(row[part]), quantity, start_s + 15 * place)
    return made


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Server]:
    """A server with the exchange's hours and a clock that is moved by hand."""
    server = Server(tmp_path, ("C1",), session="nse", more=("--clock", "virtual"), token_ttl="365d")
    server.start()
    try:
        yield server
    finally:
        server.kill()


def next_trading_day() -> tuple[str, int]:
    """(date as YYYY-MM-DD, its open in unix nanoseconds) of the next ordinary day of trading."""
    table, today = SessionTable.load(), day_number(f"{datetime.now(IST):%Y%m%d}")
    for number in range(today + 1, today + 30):
        session = table.session_on(date_of_day(number))
        if session is not None and not session.name:
            return f"{session.date[:4]}-{session.date[4:6]}-{session.date[6:]}", session.open_ns
    raise AssertionError("no trading day within a month")


def explained(trade: Row, order: Row, made: dict[str, Printed], open_s: int) -> str:
    """Why a fill is not what the print that it names would cause, "" where it is."""
    cause = made.get(trade["tick_id"])
    if cause is None:
        return "names no print of the file"
    if Decimal(str(trade["tick_price"])) != cause.price:
        return "another price was printed there"
    price, limit = Decimal(str(trade["trade_price"])), Decimal(str(order["price"]))
    if trade["trade_quantity"] > cause.quantity:
        return "more than was traded"
    if trade["matched_by"] == "PRINT":
        reached = cause.price <= limit if trade["order_side"] == "BUY" else cause.price >= limit
        if not reached or price != limit:
            return "the print did not reach its limit"
    elif price != cause.price:
        # A candle has no depth: what is displayed is the print itself.
        return "nobody was displayed at that price"
    late_s = trade["trade_time"] - open_s - cause.after_s
    # An order that came between two prints traded against the one before.
    return "" if 0 <= late_s < 15 and (late_s == 0 or trade["matched_by"] == "DISPLAYED") else f"{late_s} s off"


def test_a_whole_day_with_every_fill_explained(exchange: Server, tmp_path: Path) -> None:
    """375 candles pass through brackets of every kind; each of their fills is what the print that it names would cause.

    At 15:20 what is left is squared off, at 15:30 nothing works any more, and the day is over.
    """
    trader = exchange.caller()
    date, open_ns = next_trading_day()
    trader.advance_to(open_ns)
    typist = Typist(tmp_path, BRACKETD_URL=f"http://{HOST}:{exchange.port}", BRACKETD_TOKEN=exchange.tokens["C1"])
    placed = []
    for below in range(12):
        price = 456.5 - below * 0.75
        trail = {"trailing_stop_loss": 0.5, "is_trailing": True} if below % 2 else {}
        placed.append(trader.place(price=price, quantity=100 + below * 37, stop_loss_value=3, **trail))
        placed.append(trader.place(order_side="SELL", price=457.5 + below * 0.75, quantity=50, stop_loss_value=2))
    placed.append(trader.place(price=430, quantity=5))
    file = day_file(tmp_path, seed=7)
    told = typist.told("replay", str(file), "--instrument", "SBIN", "--on", date)["replayed"]
    assert (told["prints"], told["clock"], told["candles"]) == (PARTS * MINUTES, "virtual", True)
    assert told["from"] == f"{date}T09:15:00+05:30"
    assert told["to"] == f"{date}T15:29:45+05:30"
    rows = {row["oms_order_id"]: row for row in trader.rows()}
    trades = trader.get("/api/v1/trades").json["data"]["trades"]
    made, open_s = prints_of(file), open_ns // 10**9
    unexplained = [
        (trade["tick_id"], why)
        for trade in trades
        if (why := explained(trade, rows[trade["oms_order_id"]], made, open_s))
    ]
    assert unexplained == []
    # The day was one: all ways to fill and to end happened.
    assert len(trades) > 30
    assert {trade["matched_by"] for trade in trades} == {"PRINT", "DISPLAYED"}
    legs = {row["leg_order_indicator"] for row in rows.values() if row["filled_quantity"]}
    assert legs == {"ENTRY", "TARGET", "STOPLOSS"}
    assert {row["order_status"] for row in rows.values()} <= {"COMPLETE", "CANCELLED"}
    assert [row["net_quantity"] for row in trader.get("/api/v1/positions?type=live").json["data"]] == [0]
    done = typist.told("show", placed[0].entry_id)
    assert all(line["cause"].endswith(tuple(made)) for line in done["timeline"] if line["trade_id"])
    assert sum(bool(line["trade_id"]) for line in done["timeline"]) >= 2


def test_depth_of_a_parquet_file_is_taken_level_by_level(server: Server, typist: Typist, tmp_path: Path) -> None:
    """Five levels a side: a market order takes the first four of a row, at their prices, and names that row."""
    trader = server.caller()
    levels = {f"ask{n}": [None, Decimal("455.00") + Decimal("0.05") * n] for n in range(1, 6)}
    sizes = {f"ask{n}_quantity": [None, 10 * n] for n in range(1, 6)}
    bids = {f"bid{n}": [None, None] for n in range(1, 6)} | {f"bid{n}_quantity": [None, None] for n in range(1, 6)}
    table = pyarrow.table(
        {
            "time": pyarrow.array(
                [RECORDED, RECORDED + timedelta(seconds=1)], pyarrow.timestamp("us", tz="Asia/Kolkata")
            ),
            "instrument": ["NSE:3045", "NSE:3045"],
            "price": [455.0, 455.0],
            "quantity": [1, 0],
        }
        | {name: pyarrow.array(column, pyarrow.decimal128(10, 2)) for name, column in levels.items()}
        | {name: pyarrow.array(column, pyarrow.int64()) for name, column in sizes.items()}
        | {name: pyarrow.array(column, pyarrow.float64()) for name, column in bids.items()}
    )
    file = tmp_path / "depth.parquet"
    pyarrow.parquet.write_table(table, file)
    assert typist.told("replay", str(file))["replayed"]["prints"] == 2
    entry = trader.place(order_type="MARKET", price=0, quantity=65).entry_id
    trades = [row for row in trader.get("/api/v1/trades").json["data"]["trades"] if row["oms_order_id"] == entry]
    assert [(row["trade_price"], row["trade_quantity"]) for row in trades] == [
        (455.05, 10), (455.1, 20), (455.15, 30), (455.2, 5)
    ]  # fmt: skip
    assert {(row["tick_id"], row["matched_by"]) for row in trades} == {("depth.parquet:2", "DISPLAYED")}


GOOD = "time,instrument,price,quantity\n2026-01-05T09:15:00+05:30,SBIN,456.95,1\n"


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("2026-01-05T09:16:00+05:30,SBIN,456.951,1\n", "row 2: price is no price"),
        ("2026-01-05T09:16:00+05:30,NOSUCH,456.95,1\n", "no instrument is called NOSUCH"),
    ],
)
def test_a_bad_file_replays_nothing(typist: Typist, tmp_path: Path, row: str, word: str) -> None:
    """A row that is none, or that nobody knows, is one sentence, and no print was pushed; the clock stands."""
    file = tmp_path / "bad.csv"
    file.write_text(GOOD + row)
    before = clock(typist)
    done = typist.type("replay", str(file))
    assert (done.returncode, word in done.stderr) == (1, True), done.stderr
    assert clock(typist) == before


def clock(typist: Typist) -> Any:
    """What time it is at the server: a replay moves the clock before its first print."""
    import urllib.request

    with urllib.request.urlopen(typist.environment["BRACKETD_URL"] + "/sandbox/v1/clock", timeout=10) as reply:
        return json.load(reply)["data"]["now_ns"]


def test_what_the_exchange_refuses_names_its_row(typist: Typist, tmp_path: Path) -> None:
    """A price outside the band ends the replay there, and the sentence says how far it came."""
    file = tmp_path / "far.csv"
    file.write_text(GOOD + "2026-01-05T09:16:00+05:30,SBIN,9999.00,1\n")
    done = typist.type("replay", str(file))
    assert done.returncode == 1
    assert "`last_price` is invalid" in done.stderr
    assert "That was row 2; 1 of 2 prints were pushed before." in done.stderr
    assert "prints[" not in done.stderr


def test_the_pace_is_the_recorded_one_divided_by_the_speed() -> None:
    """With a speed each print waits for its time, measured from the first; with max none waits."""
    from bracketd.terminal.exchange import Clock
    from bracketd.terminal.recording import Print
    from bracketd.terminal.replay import Replay

    second = 10**9

    class Paper:
        def find(self, name: str) -> str:
            return name

        def clock(self) -> Clock:
            return Clock(0, virtual=False, stage="TRADING")

        def push(self, prints: list[Any]) -> int:
            slept.extend(now[0] for _ in prints)
            return len(prints)

    class Recorded:
        file = Path("x.csv")

        def prints(self) -> list[Print]:
            return [Print(at * second, "SBIN", Decimal(1), 1, at) for at in (10, 20, 40)]

        def check(self) -> tuple[int, int, int, set[str]]:
            return 3, 10 * second, 40 * second, {"SBIN"}

    for speed, moments in ((1.0, [0, 10, 30]), (10.0, [0, 1, 3]), (0.0, [0, 0, 0])):
        slept: list[float] = []
        now = [0.0]

        def sleep(seconds: float, now: list[float] = now) -> None:
            now[0] += seconds

        made: Any = Replay(Recorded(), Paper(), speed, sleep=sleep, monotonic=lambda now=now: now[0])  # type: ignore[arg-type]
        made.run(lambda *_: None)
        assert slept == moments


def test_runs_are_no_longer_than_a_request(tmp_path: Path) -> None:
    """As fast as it goes, prints are pushed in runs that fit into a request, whatever the depth and the names."""
    from bracketd.client.orders import Instrument
    from bracketd.terminal.recording import Recording
    from bracketd.terminal.replay import Replay
    from bracketd.wire.request import REQUEST_BYTES_MAX

    sides = [f"{side}{n}" for side in ("bid", "ask") for n in range(1, 6)]
    columns = [name for side in sides for name in (side, f"{side}_quantity")]
    file = tmp_path / ("n" * 100 + ".csv")
    row = ",".join(["99999999.95", "1000000000000", *("99999999.95,1000000000000" for _ in sides)])
    moments = [(RECORDED + timedelta(seconds=second)).isoformat() for second in range(500)]
    plain = ",".join(["99999999.95", "1000000000000", *("," for _ in sides)])
    lines = [f"{moment},SBIN,{row if at % 2 else plain}" for at, moment in enumerate(moments)]
    file.write_text("\n".join([",".join(["time", "instrument", "price", "quantity", *columns]), *lines]) + "\n")
    sent: list[int] = []

    class Paper:
        def find(self, name: str) -> Instrument:
            return Instrument(exchange="NSE", token="3045", symbol=name)

        def clock(self) -> Any:
            from bracketd.terminal.exchange import Clock

            return Clock(0, virtual=True, stage="TRADING")

        def move_to(self, at_ns: int) -> Any:
            return self.clock()

        def push(self, prints: list[Any]) -> int:
            body = json.dumps({"prints": [each.body() for each in prints]}, default=str)
            assert len(body) < REQUEST_BYTES_MAX
            sent.append(len(prints))
            # The clock may stop on the way: what is left is asked for again.
            return max(1, len(prints) // 2)

    made = Replay(Recording(file), Paper(), 0)  # type: ignore[arg-type]
    told: list[int] = []
    made.run(lambda pushed, total, at_ns: told.append(pushed))
    assert (made.pushed, told[-1]) == (500, 500)
    assert max(sent) > 50
    assert len(told) < 20


def test_the_day_is_the_next_weekday_ahead() -> None:
    """A recording moves by whole days, to a Monday over a weekend, and never back in time."""
    from bracketd.terminal.recording import shift_ns

    def ns(moment: datetime) -> int:
        return int(moment.timestamp()) * 10**9

    day_ns = 86_400 * 10**9
    friday = datetime(2026, 1, 9, 9, 15, tzinfo=IST)
    first = ns(friday)
    assert shift_ns(first, ns(friday), None) == 0
    assert shift_ns(first, ns(friday) + 1, None) == 3 * day_ns
    assert shift_ns(first, ns(datetime(2026, 1, 12, 3, 44, tzinfo=UTC)), None) == 3 * day_ns
    assert shift_ns(first, ns(datetime(2026, 1, 12, 3, 46, tzinfo=UTC)), None) == 4 * day_ns
    assert shift_ns(first, 0, datetime(2026, 1, 7, tzinfo=IST).date()) == -2 * day_ns
