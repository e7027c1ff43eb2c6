"""The gateway: whoever owns the account answers, in the words of a server on one folder, and nothing is done twice."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.shard_city import CLIENTS, KEY, SHORT_S, City, city

from bracketd.auth.speaker import speaker_token
from bracketd.domain.events import BracketPlaced, decode_step
from bracketd.runtime.engine_call import NoAnswer, engine_at
from bracketd.runtime.link import Call, HandOver, link_key
from bracketd.runtime.routes import Dialled, OutcomeUnknown
from bracketd.wire import order_book, replies, slices


async def both_engines(place: City) -> None:
    """Two engines with a shard each, which the gateway has found."""
    await place.engine([0])
    await place.engine([1])
    await place.until(lambda: len(place.routes.owners) == 2)


async def test_each_account_is_served_by_the_owner_of_its_shard() -> None:
    """Orders are placed, shown and cancelled through one gateway; each shard's journal has those of its accounts."""
    async with city() as place:
        await both_engines(place)
        assert {place.shard_of(client) for client in CLIENTS} == {0, 1}
        baskets = []
        for client in CLIENTS:
            placed = await place.place(client)
            assert placed.status_code == 200, placed.text
            baskets.append(placed.json()["data"]["data"]["basket_id"])
            (entry,) = await place.book(client)
            gone = await place.cancel(client, entry["oms_order_id"])
            assert (gone.status_code, gone.content) == (200, replies.CANCELLED.body)
            assert await place.book(client) == []
        assert len(set(baskets)) == len(CLIENTS), "no two shards give out the same number"
        assert all(shard.records for shard in place.store.shards)


async def test_whoever_is_not_let_in_is_refused_at_the_gateway() -> None:
    """No token, another's token, and a token that only a link may make are refused in the application's words."""
    async with city() as place:
        await both_engines(place)
        forged = speaker_token("A", "web", 2**50).decode()
        for headers in ({}, {"x-authorization-token": "nobody's"}, {"x-authorization-token": forged}):
            refused = await place.http.get("/api/v1/orders?type=pending&client_id=A", headers=headers)
            assert (refused.status_code, refused.content) == (401, replies.UNAUTHORISED.body)
        other = await place.call("GET", "/api/v1/orders?type=pending&client_id=B", "A")
        assert (other.status_code, other.content) == (403, replies.FORBIDDEN.body)
        assert (await place.http.get("/nowhere")).status_code == 404
        assert (await place.call("GET", "/nowhere", "A")).status_code == 404


async def test_without_an_owner_the_answer_is_503_and_when_to_come_back() -> None:
    """A shard that nobody serves is 503 with Retry-After after the wait; the other shard is served meanwhile."""
    async with city(wait_s=0.3) as place:
        await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        by_shard = {place.shard_of(client): client for client in CLIENTS}
        refused = await place.place(by_shard[1])
        assert (refused.status_code, refused.content) == (503, replies.NOT_SERVING.body)
        assert refused.headers["retry-after"] == "1"
        assert (await place.place(by_shard[0])).status_code == 200


async def test_a_shard_is_handed_over_without_a_refusal() -> None:
    """While an engine stops and another takes its shard, every request is answered, each once."""
    async with city(count=1) as place:
        first = await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        placed: list[str] = []

        async def load() -> None:
            while len(placed) < 150:
                answer = await place.place("A")
                assert answer.status_code == 200, answer.text
                placed.append(answer.json()["data"]["data"]["basket_id"])

        loading = asyncio.ensure_future(load())
        await place.until(lambda: len(placed) > 30)
        await place.engine([0])
        await first.hand_over()
        await loading
        assert len(set(placed)) == len(placed) == len(await place.book("A"))
        assert place.store.shards[0].epoch == 2


async def test_a_shard_moves_between_living_engines_without_a_refusal() -> None:
    """Under load the shard goes there and back: every request is answered, each once, and the other shards stay."""
    async with city() as place:
        await both_engines(place)
        first, second = place.engines
        client = next(client for client in CLIENTS if place.shard_of(client) == 0)
        placed: list[str] = []

        async def load() -> None:
            while len(placed) < 120:
                answer = await place.place(client)
                assert answer.status_code == 200, answer.text
                placed.append(answer.json()["data"]["data"]["basket_id"])

        loading = asyncio.ensure_future(load())
        await place.until(lambda: len(placed) > 20 or loading.done())
        assert await place.move(first, 0, second.address) == ""
        assert set(second.house.tenures) == {0, 1}
        assert not first.house.tenures
        many = len(placed)
        await place.until(lambda: len(placed) > many + 20 or loading.done())
        assert await place.move(second, 0, first.address) == ""
        await loading
        assert len(set(placed)) == len(placed) == len(await place.book(client))
        assert (place.store.shards[0].owner, place.store.shards[0].epoch) == (first.address, 3)
        assert (place.store.shards[1].owner, place.store.shards[1].epoch) == (second.address, 1)


async def test_what_is_in_flight_when_a_shard_moves_is_answered_by_its_old_owner() -> None:
    """Its record is of the old epoch; what comes after the order waits for the new owner, and is of the new epoch."""
    async with city(count=1) as place:
        first, second = await place.engine([0]), await place.engine([])
        await place.until(lambda: 0 in place.routes.owners)
        (await place.place("A")).raise_for_status()
        slow = place.store.freeze(first.address)
        in_flight = asyncio.ensure_future(place.place("A", quantity=2))
        commit = first.house.tenures[0].commit
        await place.until(lambda: commit.submitted_seq > commit.durable_seq)
        moving = asyncio.ensure_future(place.move(first, 0, second.address))
        await place.until(lambda: first.house.tenures[0].leaving)
        later = asyncio.ensure_future(place.place("A", quantity=3))
        await asyncio.sleep(0.2)
        assert not in_flight.done()
        assert not moving.done()
        slow.set()
        assert await moving == ""
        assert [(await each).status_code for each in (in_flight, later)] == [200, 200]
        epochs = {
            event.quantity: record.epoch
            for record in place.store.shards[0].records
            for event in decode_step(record.body)
            if isinstance(event, BracketPlaced)
        }
        assert epochs == {1: 1, 2: 1, 3: 2}


async def test_a_move_that_cannot_be_is_refused_and_changes_nothing() -> None:
    """Nobody there, not the owner, there already: the owner says which, and keeps the shard under its epoch."""
    async with city() as place:
        await both_engines(place)
        first, second = place.engines
        gone = await place.engine([])
        await gone.kill()
        for engine, to, why in (
            (first, gone.address, f"the engine at {gone.address} does not answer"),
            (first, "nowhere", "the engine at nowhere does not answer"),
            (first, first.address, f"shard 0 is at {first.address} already"),
            (second, first.address, f"the engine at {second.address} does not serve shard 0"),
        ):
            assert await place.move(engine, 0, to) == why
        assert place.store.shards[0].epoch == 1
        assert set(first.house.tenures) == {0}
        for key in (link_key(b"x" * 32, place.store.name), link_key(KEY, b"another store")):
            with pytest.raises(NoAnswer, match="its store or its signing key is another"):
                async with engine_at(key, first.address) as ask:
                    await ask(HandOver(1, 0, second.address), 5)
        assert place.store.shards[0].epoch == 1
        async with city(store=place.store.copied()) as copy:
            stranger = await copy.engine([])
            why = f"the engine at {stranger.address} broke off: its store or its signing key is another"
            assert await place.move(first, 0, stranger.address) == why
        assert place.store.shards[0].epoch == 1
        assert first.house.tenures[0].holds


async def test_links_outlive_a_failover_and_new_ones_are_proven_by_the_store_of_after() -> None:
    """The store's identity is another then: requests go on over the link there is, and a new gateway finds its way."""
    async with city(count=1) as place:
        await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        (await place.place("A")).raise_for_status()
        link = place.routes._links[place.engines[0].address]
        place.store.name = b"of after"
        (await place.place("A")).raise_for_status()
        async with city(store=place.store) as later:
            (await later.place("A")).raise_for_status()
            assert len(await later.book("A")) == 3
        assert place.routes._links == {link.address: link}
        assert link.open


async def test_a_copy_of_a_store_is_not_led_to_engines_of_the_original() -> None:
    """Its leases name them until they end, and its key is theirs: nobody serves it, then an engine of its own."""
    async with city(count=1) as place:
        original = await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        (await place.place("A")).raise_for_status()
        before = await place.book("A")
        records = list(place.store.shards[0].records)
        async with city(store=place.store.copied(), wait_s=0.4) as copy:
            engine = await copy.engine([0])
            await copy.until(lambda: 0 in copy.routes.owners)
            assert copy.routes.owners[0].owner == original.address
            # A request without a key is not in doubt: nobody was asked.
            for refused in (await copy.place("A"), await copy.cancel("A", before[0]["oms_order_id"])):
                assert refused.status_code == 503
                assert refused.headers["retry-after"] == "1"
            copy.store.shards[0].expires_s = 0.0
            await copy.until(lambda: copy.routes.owners[0].owner == engine.address if copy.routes.owners else False)
            assert await copy.book("A") == before
            assert (await copy.cancel("A", before[0]["oms_order_id"])).status_code == 200
            assert await copy.book("A") == []
        assert await place.book("A") == before
        assert place.store.shards[0].records == records


@pytest.mark.parametrize("fault", ["refuses", "breaks off"])
async def test_a_shard_whose_new_owner_fails_is_taken_back(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shard was given back when the other engine turned out not to take it: its old owner has it again."""
    async with city() as place:
        await both_engines(place)
        first, second = place.engines
        client = next(client for client in CLIENTS if place.shard_of(client) == 0)
        (await place.place(client)).raise_for_status()

        async def cannot(shard: int, wait_s: float) -> bool:
            if fault == "breaks off":
                second.house.drop()
                await asyncio.sleep(10)
            return False

        monkeypatch.setattr(second.house, "_taken", cannot)
        why = await place.move(first, 0, second.address)
        assert why.endswith("; shard 0 is served here again")
        assert (place.store.shards[0].owner, place.store.shards[0].epoch) == (first.address, 2)
        assert len(await place.book(client)) == 1


async def test_a_repeated_request_has_one_effect_when_its_owner_is_killed() -> None:
    """An owner dies with a keyed placement on disk and unanswered: the gateway's retry tells of the same basket."""
    async with city(count=1, ttl_s=SHORT_S) as place:
        first = await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        (await place.place("A")).raise_for_status()
        records = place.store.shards[0].records
        stuck_after = len(records) + 1
        asked = asyncio.ensure_future(place.place("A", key="once"))
        await place.until(lambda: len(records) >= stuck_after)
        await first.kill()
        await place.engine([0])
        answer = await asked
        assert answer.status_code == 200, answer.text
        again = await place.place("A", key="once")
        assert again.json() == answer.json()
        assert len(await place.book("A")) == 2


async def test_an_unkeyed_placement_is_not_repeated() -> None:
    """Where nobody knows what became of it, a placement without a key is 503, and was made once at most."""
    async with city(count=1, ttl_s=SHORT_S) as place:
        first = await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        (await place.place("A")).raise_for_status()
        place.store.freeze(first.address)
        asked = asyncio.ensure_future(place.place("A"))
        await asyncio.sleep(0.05)
        await place.engine([0])
        answer = await asked
        assert (answer.status_code, answer.content) == (503, replies.NOT_SERVING.body)
        assert len(await place.book("A")) == 1


async def test_a_frozen_owner_that_wakes_acknowledges_nothing() -> None:
    """Its append comes after the other's lease: it is refused, and the cancel was answered by the new owner alone."""
    async with city(count=1, ttl_s=SHORT_S) as place:
        first = await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        (await place.place("A")).raise_for_status()
        (entry,) = await place.book("A")
        waking = place.store.freeze(first.address)
        asked = asyncio.ensure_future(place.cancel("A", entry["oms_order_id"]))
        await asyncio.sleep(0.05)
        second = await place.engine([0])
        answer = await asked
        assert answer.content == replies.CANCELLED.body
        waking.set()
        await place.until(lambda: place.store.late_appends == [first.address])
        assert place.routes.owners[0].owner == second.address
        assert {record.epoch for record in place.store.shards[0].records} == {1, 2}


async def test_when_the_store_is_down_owners_stop_by_their_own_clock() -> None:
    """Nothing is acknowledged after the lease has ended, and service goes on when the store is back."""
    async with city(count=1, wait_s=0.4, ttl_s=SHORT_S) as place:
        engine = await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        (await place.place("A")).raise_for_status()
        place.store.down = True
        await place.until(lambda: 0 not in engine.house.tenures)
        assert (await place.place("A")).status_code == 503
        assert (await place.call("GET", "/api/v1/orders?type=pending&client_id=A", "A")).status_code == 503
        place.store.down = False
        await place.until(lambda: 0 in engine.house.tenures)
        await place.until(lambda: place.routes.owners[0].epoch == 2)
        assert len(await place.book("A")) == 1


async def test_a_print_reaches_every_shard() -> None:
    """One push at the gateway fills orders of accounts in both shards, at the price that each fill records."""
    async with city() as place:
        await both_engines(place)
        for client in CLIENTS:
            (await place.place(client)).raise_for_status()
        assert (await place.print_at("411.00")).status_code == 200
        for client in CLIENTS:
            trades = (await place.call("GET", f"/api/v1/trades?client_id={client}", client)).json()["data"]["trades"]
            assert [trade["trade_price"] for trade in trades] == [411.25]


async def test_the_exchange_s_numbers_are_unique_over_all_shards() -> None:
    """Neither an order nor a trade has a number of another shard's, also when another engine has taken the shard."""
    async with city() as place:
        await both_engines(place)
        trades: dict[str, str] = {}
        orders: dict[str, str] = {}
        for change_of_owners in (False, True):
            if change_of_owners:
                before = tuple(place.engines)
                await place.engine([0, 1])
                for engine in before:
                    await engine.hand_over()
            for client in CLIENTS:
                assert (await place.place(client)).status_code == 200
            assert (await place.print_at("411.00")).status_code == 200
            for client in CLIENTS:
                shown = (await place.call("GET", f"/api/v1/trades?client_id={client}", client)).json()["data"]["trades"]
                for trade in shown:
                    own = f"{client} {trade['oms_order_id']}"
                    assert trades.setdefault(trade["trade_number"], own) == own
                    assert orders.setdefault(trade["exchange_order_id"], own) == own
                for row in await place.book(client):
                    own = f"{client} {row['oms_order_id']}"
                    assert orders.setdefault(row["exchange_order_id"], own) == own
        assert len(trades) == 2 * len(CLIENTS)
        assert len(orders) == 3 * len(trades), "an entry and two legs for each"


async def test_a_shard_s_metrics_are_its_owner_s() -> None:
    """A gateway shows what the owner counts; a shard without an owner is 503, and one that is not there 404."""
    async with city(wait_s=0.3) as place:
        await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        client = next(client for client in CLIENTS if place.shard_of(client) == 0)
        (await place.place(client)).raise_for_status()
        found = await place.http.get("/metrics?shard=0")
        assert found.status_code == 200
        assert 'bracketd_orders{leg="ENTRY",status="CONFIRMED"} 1.0' in found.text
        assert "bracketd_serving 1.0" in found.text
        for path, status in (("shard=1", 503), ("shard=2", 404), ("shard=-1", 404), ("shard=a", 404), ("x=0", 404)):
            assert (await place.http.get(f"/metrics?{path}")).status_code == status
        passed_on = await place.http.get("/metrics?shard=0", headers={"x-forwarded-for": "192.0.2.1"})
        assert passed_on.status_code == 404


def hold_websockets(place: City) -> asyncio.Event:
    """Keep websockets that come back to an owner waiting until the event is set; requests pass."""
    come_back, begin = asyncio.Event(), place.routes.begin

    def later(dialled: Dialled, call: Call, told: Callable[[Any], None]) -> int:
        if call.method or come_back.is_set():
            return begin(dialled, call, told)
        link, dialled.link = dialled.link, None
        number = begin(dialled, call, told)
        dialled.link = link

        async def send() -> None:
            await come_back.wait()
            if link is not None:
                link.send(msgspec.structs.replace(call, number=number))

        place.held.append(asyncio.ensure_future(send()))
        return number

    place.routes.begin = later  # type: ignore[method-assign]
    return come_back


@pytest.mark.parametrize("ending", ["killed", "handed over", "moved"])
async def test_updates_go_on_at_the_next_owner_without_a_hole(ending: str) -> None:
    """A client's websocket stays open while its owner changes: every fill is told once, and the rows end up right."""
    async with city(count=1, ttl_s=SHORT_S) as place, place.websockets() as open_websocket:
        first = await place.engine([0])
        await place.until(lambda: 0 in place.routes.owners)
        async with open_websocket("A") as socket:
            await socket.send(json.dumps({"a": "subscribe", "v": ["A", "web"], "m": "updates"}))
            async with asyncio.timeout(5):
                assert (await socket.recv())[0] == 99
            (await place.place("A")).raise_for_status()
            come_back = hold_websockets(place)
            if ending == "moved":
                second = await place.engine([])
                assert await place.move(first, 0, second.address) == ""
            else:
                await (first.kill() if ending == "killed" else first.hand_over())
                second = await place.engine([0])
            await place.until(lambda: place.routes.owners.get(0) and place.routes.owners[0].owner == second.address)
            # The first fill is told by nobody when it happens; the second comes after the websocket has come back.
            (await place.print_at("411.00", quantity=1)).raise_for_status()
            come_back.set()
            (await place.place("A", quantity=2)).raise_for_status()
            (await place.print_at("411.00", quantity=2)).raise_for_status()
            trades, rows = [], {}
            async with asyncio.timeout(10):
                while sum(row["order_status"] == "COMPLETE" for row in rows.values()) < 2:
                    frame = await socket.recv()
                    told = json.loads(frame[5:])
                    if frame[0] == 51:
                        trades.append((told["trade_id"], told["trade_quantity"]))
                    elif frame[0] == 50:
                        rows[told["oms_order_id"]] = told
            assert sum(quantity for _, quantity in trades) == 3
            assert len({trade_id for trade_id, _ in trades}) == len(trades)


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order book of more than two rows is a long one."""
    monkeypatch.setattr(order_book, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(slices, "SLICES_AHEAD", 1)


async def crowd(place: City) -> tuple[list[str], Any]:
    """One engine with a shard where A has thirty working orders, and what it is called with."""
    engine = await place.engine([0])
    await place.until(lambda: 0 in place.routes.owners)
    for _ in range(30):
        assert (await place.place("A")).status_code == 200
    return [row["oms_order_id"] for row in await place.book("A")], engine


class Reading:
    """A reader of A's order book through the gateway, which takes so many messages, and the rest when it is `free`."""

    def __init__(self, place: City, method: str = "GET", version: str = "1.1", *, takes: int = 1_000) -> None:
        self.takes = takes
        self.messages: list[Any] = []
        self.free = asyncio.Event()
        self.gone = asyncio.Event()
        scope = {
            "type": "http",
            "method": method,
            "http_version": version,
            "path": "/api/v1/orders",
            "raw_path": b"/api/v1/orders",
            "query_string": b"type=pending",
            "headers": [(b"x-authorization-token", place.token["A"].encode())],
            "client": ("127.0.0.1", 1),
        }
        self.task = asyncio.ensure_future(place.app(scope, self.receive, self.send))
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        """No body, then the end when it has come."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take what comes, when there is room for it."""
        if len(self.messages) >= self.takes:
            await self.free.wait()
        self.messages.append(message)

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The reply's."""
        return dict(self.messages[0]["headers"])

    @property
    def bodies(self) -> list[bytes]:
        """The pieces that have come."""
        return [message["body"] for message in self.messages[1:]]


@pytest.mark.usefixtures("few_at_once")
async def test_a_long_book_comes_through_in_pieces() -> None:
    """A book of many slices is a message each on the link, and whole at the client; with a length over HTTP/1.0."""
    async with city(count=1) as place:
        made, _ = await crowd(place)
        assert len(made) == len(set(made)) == 30
        for version in ("1.1", "1.0"):
            reading = Reading(place, version=version)
            await reading.task
            body = b"".join(reading.bodies)
            assert [row["oms_order_id"] for row in json.loads(body)["data"]["orders"]] == made
            assert len(reading.bodies) > 15
            assert reading.headers.get(b"content-length") == (None if version == "1.1" else b"%d" % len(body))
            assert reading.headers[b"content-type"] == b"application/json"
            assert len([name for name, _ in reading.messages[0]["headers"]]) == len(reading.headers)
        head = Reading(place, "HEAD")
        await head.task
        assert b"content-length" not in head.headers
        dialled = place.routes._links[place.engines[0].address]
        await place.until(lambda: not dialled.waiting and not place.engines[0].house._calls)


@pytest.mark.usefixtures("few_at_once")
async def test_a_slow_reader_behind_a_gateway_is_rendered_for_as_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither engine nor gateway goes on while a client takes nothing, and others on the same link are answered."""
    async with city(count=1) as place:
        await crowd(place)
        rendered: list[int] = []
        render = order_book.OrderBook._rows_among

        def counted(*asked: Any) -> Any:
            rendered.append(1)
            return render(*asked)

        reading = Reading(place, takes=0)
        monkeypatch.setattr(order_book.OrderBook, "_rows_among", counted)
        await asyncio.sleep(0.1)
        assert (await place.call("GET", "/api/v1/trades", "A")).status_code == 200
        assert len(rendered) <= 4
        reading.free.set()
        await reading.task
        assert len(rendered) == 15


@pytest.mark.usefixtures("few_at_once")
async def test_a_reader_that_leaves_is_forgotten_by_both() -> None:
    """A client that goes in the middle of a long book costs neither end anything more."""
    async with city(count=1) as place:
        _, engine = await crowd(place)
        reading = Reading(place, takes=3)
        await place.until(lambda: len(reading.messages) == 3)
        reading.gone.set()
        await reading.task
        dialled = place.routes._links[engine.address]
        await place.until(lambda: not dialled.waiting and not engine.house._calls)


@pytest.mark.usefixtures("few_at_once")
async def test_an_owner_that_is_lost_in_the_middle_leaves_the_book_without_an_end() -> None:
    """What cannot be ended truly is cut off."""
    async with city(count=1, wait_s=0.5) as place:
        _, engine = await crowd(place)
        reading = Reading(place, takes=3)
        await place.until(lambda: len(reading.messages) == 3)
        await engine.kill()
        reading.free.set()
        with pytest.raises(OutcomeUnknown):
            await reading.task
        assert reading.messages[-1]["more_body"]
