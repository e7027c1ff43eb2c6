"""The checks of a cancel's fields, their order, and that none of them touches an order (bracket.md section 5)."""

import json
from collections.abc import Callable

import pytest
from tests.e2e.caller import (
    CANCELLED,
    FORBIDDEN,
    LEG_NOT_ACTIVE,
    NOT_FOUND,
    TOO_LATE,
    UNAUTHORISED,
    Caller,
    Placed,
    Reply,
    field_fault,
)
from tests.e2e.process import Server

KART = "/api/v1/orders/kart"
JSON = {"content-type": "application/json"}
NO_ROUTE = b'{"status":"error","message":"Resource not found","error_code":44000,"data":{}}'
NO_METHOD = b'{"status":"error","message":"Method not allowed","error_code":44000,"data":{}}'
TOO_LARGE = b'{"status":"error","message":"Request too large","error_code":44000,"data":{}}'


def cancel(caller: Caller, target: str, fields: object = None, **headers: str) -> Reply:
    """A DELETE below kart with a JSON body, where there are fields."""
    body = None if fields is None else json.dumps(fields).encode()
    return caller.send("DELETE", KART + target, body, JSON | caller.auth | headers)


Ask = Callable[[Caller, Placed, Placed], Reply]


# Each row breaks a check and, where it can, every later one too: the earlier must answer. `p` is the order of the path,
# `o` another order of the same client.
CHECKS: dict[str, tuple[Ask, int, bytes]] = {
    "0 route before token": (lambda c, p, o: c.send("DELETE", "/api/v1/nowhere", headers={}), 404, NO_ROUTE),
    "0 method before token": (lambda c, p, o: c.send("PATCH", f"{KART}/{p.entry_id}", headers={}), 405, NO_METHOD),
    "0 size before token": (
        lambda c, p, o: c.send("DELETE", f"{KART}/{p.entry_id}", b"{" * 65_537, JSON),
        413,
        TOO_LARGE,
    ),
    "1 no token, before an unreadable body": (
        lambda c, p, o: c.send("DELETE", f"{KART}/{p.entry_id}", b"{", JSON),
        401,
        UNAUTHORISED,
    ),
    "1 a bad token": (
        lambda c, p, o: c.send("DELETE", f"{KART}/{p.entry_id}", headers={"x-auth-token": "a.b.c"}),
        401,
        UNAUTHORISED,
    ),
    "1 a token with its end cut off": (
        lambda c, p, o: c.send("DELETE", f"{KART}/{p.entry_id}", headers={"x-auth-token": c.token[:-6]}),
        401,
        UNAUTHORISED,
    ),
    "2 half a document, before another's client_id": (
        lambda c, p, o: c.send("DELETE", f"{KART}/{p.entry_id}?client_id=C2", b'{"client_id":"C2"', JSON | c.auth),
        400,
        field_fault("body"),
    ),
    "2 an array": (lambda c, p, o: cancel(c, f"/{p.entry_id}", [1]), 400, field_fault("body")),
    "2 one key with two values, before another's client_id": (
        lambda c, p, o: c.send("DELETE", f"{KART}/{p.entry_id}", b'{"client_id":"C1","client_id":"C2"}', JSON | c.auth),
        400,
        field_fault("body"),
    ),
    "2 one query field with two values": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}?client_id=C1&client_id=C2"),
        400,
        field_fault("body"),
    ),
    "3 another's client_id, before a missing id": (lambda c, p, o: cancel(c, "", {"client_id": "C2"}), 403, FORBIDDEN),
    "3 another's client_id in the query, the own in the body": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}?client_id=C2", {"client_id": "C1"}),
        403,
        FORBIDDEN,
    ),
    "3 another's client_id, before an unknown id": (
        lambda c, p, o: cancel(c, "/20200101-1", {"client_id": "C2"}),
        403,
        FORBIDDEN,
    ),
    "3 client_id no text": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"client_id": {"a": 1}}),
        400,
        field_fault("client_id"),
    ),
    "4 no id": (
        lambda c, p, o: cancel(c, "", {"client_id": "C1", "execution_type": "CO"}),
        400,
        field_fault("oms_order_id", "can't be blank"),
    ),
    "4 a blank id": (
        lambda c, p, o: cancel(c, "/", {"oms_order_id": "  ", "execution_type": "CO"}),
        400,
        field_fault("oms_order_id", "can't be blank"),
    ),
    "4 a null id": (
        lambda c, p, o: cancel(c, "/", {"oms_order_id": None}),
        400,
        field_fault("oms_order_id", "can't be blank"),
    ),
    "4 an id no text": (lambda c, p, o: cancel(c, "", {"oms_order_id": ["x"]}), 400, field_fault("oms_order_id")),
    "4 a malformed id, before a different one in the body": (
        lambda c, p, o: cancel(c, "/20220106_106", {"oms_order_id": p.entry_id, "execution_type": "CO"}),
        404,
        NOT_FOUND,
    ),
    "4 an id of 33 characters": (lambda c, p, o: cancel(c, f"/{'1' * 33}"), 404, NOT_FOUND),
    "4 the placeholder, though the body knows better": (
        lambda c, p, o: cancel(c, "/%3Coms_order_id%3E", {"oms_order_id": p.entry_id}),
        404,
        NOT_FOUND,
    ),
    "5 an unknown id, before a different one in the body": (
        lambda c, p, o: cancel(c, "/20200101-1", {"oms_order_id": p.entry_id, "execution_type": "CO"}),
        404,
        NOT_FOUND,
    ),
    "5 the body's unknown id counts before the query's": (
        lambda c, p, o: cancel(c, f"?oms_order_id={p.entry_id}", {"oms_order_id": "20200101-1"}),
        404,
        NOT_FOUND,
    ),
    "6 another order's id in the body, before a conflict": (
        lambda c, p, o: cancel(
            c, f"/{p.entry_id}?execution_type=CO", {"oms_order_id": o.entry_id, "execution_type": "BO"}
        ),
        400,
        field_fault("oms_order_id"),
    ),
    "6 another order's id in the query": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}?oms_order_id={o.entry_id}", {"oms_order_id": p.entry_id}),
        400,
        field_fault("oms_order_id"),
    ),
    "6 another order's basket in the body": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"oms_order_id": o.basket_id}),
        400,
        field_fault("oms_order_id"),
    ),
    "6 an unknown id in the body": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"oms_order_id": "20200101-1"}),
        400,
        field_fault("oms_order_id"),
    ),
    "6 a further id no text": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"oms_order_id": {}}),
        400,
        field_fault("oms_order_id"),
    ),
    "7 two execution types, before a wrong exchange_order_id": (
        lambda c, p, o: cancel(
            c, f"/{p.entry_id}?execution_type=BO", {"execution_type": "CO", "exchange_order_id": "1"}
        ),
        400,
        field_fault("execution_type"),
    ),
    "7 two exchange_order_ids, before a wrong execution_type": (
        lambda c, p, o: cancel(
            c,
            f"/{p.entry_id}?exchange_order_id={p.exchange_order_id}",
            {"execution_type": "CO", "exchange_order_id": "1"},
        ),
        400,
        field_fault("exchange_order_id"),
    ),
    "7 two legs, before a wrong execution_type": (
        lambda c, p, o: cancel(
            c, f"/{p.entry_id}?leg_order_indicator=TARGET", {"leg_order_indicator": "ENTRY", "execution_type": "CO"}
        ),
        400,
        field_fault("leg_order_indicator"),
    ),
    "8 not the order's execution_type, before a blank exchange_order_id": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"execution_type": "CO", "exchange_order_id": ""}),
        400,
        field_fault("execution_type"),
    ),
    "8 execution_type no text": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"execution_type": ["BO"]}),
        400,
        field_fault("execution_type"),
    ),
    "9 a wrong exchange_order_id, before a wrong leg": (
        lambda c, p, o: cancel(
            c, f"/{p.entry_id}", {"exchange_order_id": "1100000000006951", "leg_order_indicator": "FOURTH"}
        ),
        400,
        field_fault("exchange_order_id"),
    ),
    "9 another order's exchange_order_id": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"exchange_order_id": o.exchange_order_id}),
        400,
        field_fault("exchange_order_id"),
    ),
    "9 a blank exchange_order_id, before a wrong leg": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"exchange_order_id": " ", "leg_order_indicator": "FOURTH"}),
        400,
        field_fault("exchange_order_id", "can't be blank"),
    ),
    "9 a null exchange_order_id": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"exchange_order_id": None}),
        400,
        field_fault("exchange_order_id", "can't be blank"),
    ),
    "9 a blank exchange_order_id in the query": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}?exchange_order_id="),
        400,
        field_fault("exchange_order_id", "can't be blank"),
    ),
    "9 exchange_order_id no text": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"exchange_order_id": {"id": 1}}),
        400,
        field_fault("exchange_order_id"),
    ),
    "10 an unknown leg": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"leg_order_indicator": "FOURTH"}),
        400,
        field_fault("leg_order_indicator"),
    ),
    "10 another bracket's id for a leg": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"leg_order_indicator": o.entry_id}),
        400,
        field_fault("leg_order_indicator"),
    ),
    "10 leg no text": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"leg_order_indicator": []}),
        400,
        field_fault("leg_order_indicator"),
    ),
    "then the state: no leg yet": (
        lambda c, p, o: cancel(c, f"/{p.entry_id}", {"leg_order_indicator": "TARGET"}),
        409,
        LEG_NOT_ACTIVE,
    ),
}


@pytest.mark.parametrize(("ask", "status", "body"), CHECKS.values(), ids=CHECKS)
def test_the_first_failing_check_answers(server: Server, trader: Caller, ask: Ask, status: int, body: bytes) -> None:
    """The first check that fails answers, to the byte; nothing is recorded and both orders stand."""
    placed, other = trader.place(), trader.place()
    before = server.records()
    reply = ask(trader, placed, other)
    assert (reply.status, reply.body) == (status, body)
    assert reply.headers["content-type"].partition(";")[0] == "application/json"
    assert server.records() == before
    assert {trader.row(order.entry_id)["order_status"] for order in (placed, other)} == {"CONFIRMED"}


def test_foreign_and_unknown_ids_look_alike(trader: Caller, stranger: Caller) -> None:
    """An id of another client is answered with the very bytes and headers of an id that nobody has."""
    placed = trader.place()
    unknown = cancel(stranger, "/20200101-1")
    for order_id in placed[:3]:
        foreign = cancel(stranger, f"/{order_id}")
        assert (foreign.status, foreign.body) == (404, NOT_FOUND)
        assert foreign.headers.keys() == unknown.headers.keys()
    foreign_leg = cancel(stranger, "", {"oms_order_id": placed.entry_id, "leg_order_indicator": "STOPLOSS"})
    assert (foreign_leg.status, foreign_leg.body) == (unknown.status, unknown.body) == (404, NOT_FOUND)
    assert trader.row(placed.entry_id)["order_status"] == "CONFIRMED"


@pytest.mark.parametrize("status", ["COMPLETE", "REJECTED", "nonsense", "", None, 7, {}, ["CONFIRMED"]])
def test_status_is_never_looked_at(trader: Caller, status: object) -> None:
    """A stale or senseless `status` does not keep an order from being cancelled (check 11)."""
    placed = trader.place()
    reply = cancel(trader, f"/{placed.entry_id}", {"status": status, "leg_order_indicator": "ENTRY"})
    assert (reply.status, reply.body) == (200, CANCELLED)


def test_a_leg_is_named_in_many_ways(trader: Caller) -> None:
    """Word, number word, oms id and exchange's number of one leg mean that leg; its own id needs no word."""
    names: list[Callable[[dict[str, dict[str, str]]], str]] = [
        lambda legs: "target",
        lambda legs: "Third",
        lambda legs: " SECOND ",
        lambda legs: legs["STOPLOSS"]["oms_order_id"],
        lambda legs: legs["TARGET"]["exchange_order_id"],
    ]
    for name in names:
        placed = trader.place(instrument_token="22", price=500, quantity=1)
        trader.tick(500, 5, token=22)
        reply = cancel(trader, f"/{placed.entry_id}", {"leg_order_indicator": name(trader.legs(placed))})
        assert (reply.status, reply.body) == (200, CANCELLED)
        assert trader.legs(placed)["TARGET"]["order_status"] == "CANCELLED"


def test_the_named_legs_exchange_number_is_accepted(trader: Caller) -> None:
    """`exchange_order_id` may be the entry's or the named leg's; the other leg's is refused and nothing happens."""
    placed = trader.place(instrument_token="22", price=500, quantity=1)
    trader.tick(500, 5, token=22)
    legs = trader.legs(placed)
    stop, target = legs["STOPLOSS"]["exchange_order_id"], legs["TARGET"]["exchange_order_id"]
    refused = cancel(trader, f"/{placed.entry_id}", {"leg_order_indicator": "STOPLOSS", "exchange_order_id": target})
    assert (refused.status, refused.body) == (400, field_fault("exchange_order_id"))
    assert trader.legs(placed)["TARGET"]["order_status"] == "CONFIRMED"
    reply = cancel(trader, f"/{placed.entry_id}", {"leg_order_indicator": "STOPLOSS", "exchange_order_id": stop})
    assert (reply.status, reply.body) == (200, CANCELLED)


def test_a_legs_id_with_entry_is_refused(trader: Caller) -> None:
    """A leg's id together with ENTRY is 400: to guess would send an order that nobody meant, or do nothing."""
    placed = trader.place(instrument_token="22", price=500, quantity=1)
    trader.tick(500, 5, token=22)
    stop = trader.legs(placed)["STOPLOSS"]["oms_order_id"]
    refused = cancel(trader, f"/{stop}", {"leg_order_indicator": "ENTRY"})
    assert (refused.status, refused.body) == (400, field_fault("leg_order_indicator"))
    assert trader.legs(placed)["STOPLOSS"]["order_status"] == "TRIGGER_PENDING"
    assert cancel(trader, f"/{placed.entry_id}").body == TOO_LATE
    either = cancel(trader, f"/{stop}", {"leg_order_indicator": "TARGET"})
    assert (either.status, either.body) == (200, CANCELLED)
