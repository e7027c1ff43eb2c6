"""The clients: what a deed comes to as a request, from what there is when its turn comes."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bracketd.domain.instrument import Instrument, Level, Tick
from bracketd.domain.order import Execution, Leg, Order, OrderType, Product
from bracketd.engine.state import State
from bracketd.simulation.deeds import Cancel, Convert, Modify, Place, Print, Read
from bracketd.simulation.encodings import CONVERT, JSON, KART, ORDERS, Written, body_written, cancel_written

TICK_PAISE = 5
NEWEST = 10
"""A client deals mostly with this many of the newest of its orders."""

EXITS = {"TARGET": "TARGET", "SECOND": "TARGET", "STOPLOSS": "STOPLOSS", "THIRD": "STOPLOSS"}
READ_PATHS = {
    "orders": "/api/v1/orders?type=pending&client_id={client}",
    "completed": "/api/v1/orders?type=completed&client_id={client}",
    "trades": "/api/v1/trades?client_id={client}",
    "positions": "/api/v1/positions?type=live&client_id={client}",
    "funds": "/api/v2/funds/view?type=all&client_id={client}",
    "history": "/api/v1/order/{order}/history?client_id={client}",
}


class Request(NamedTuple):
    """One request, ready but for its token. `key` tells keyed placements apart: client, key, day.

    `meant` holds fields of the command that it must be read as, whatever its encoding. `order` is the order that it
    names and `entry` the entry of that, an entry of a bracket or cover order by its basket; `exits` is the leg by
    which they are to be closed, "" where the entry is meant; `bracket`: it names a bracket's entry. `price_paise` is
    what it asks for, 0 for none.
    """

    kind: str
    client: str
    method: str
    written: Written
    headers: tuple[tuple[bytes, bytes], ...] = ()
    key: tuple[str, str, str] = ("", "", "")
    meant: Mapping[str, object] = {}
    order: str = ""
    entry: str = ""
    exits: str = ""
    bracket: bool = False
    stranger: bool = False
    price_paise: int = 0


def rupees(paise: int) -> str:
    """An amount as clients write it."""
    return f"{paise // 100}.{paise % 100:02d}"


def placement(deed: Place, client: str, share: Instrument, printed_paise: int, day: str) -> Iterator[Request]:
    """A placement, in as many copies as the deed has."""
    sign = 1 if deed.buys else -1
    stops = deed.order_type in (OrderType.SL, OrderType.SLM)
    last = printed_paise or share.base_price_paise
    trigger = last + sign * TICK_PAISE * deed.beyond if stops else 0
    price = trigger + sign * TICK_PAISE if stops else share.base_price_paise + TICK_PAISE * deed.away
    quantity = deed.quantity
    if deed.key:
        # Whoever asks again with a key must ask for the same.
        price, trigger, quantity, stops = share.base_price_paise, 0, 5, False
    fields = {
        "client_id": client,
        "exchange": share.exchange,
        "instrument_token": str(share.token),
        "order_side": "BUY" if deed.buys else "SELL",
        "order_type": "LIMIT" if deed.key else "SL-M" if deed.order_type is OrderType.SLM else str(deed.order_type),
        "product": str(deed.product),
        "validity": "IOC" if deed.immediate and not stops and not deed.key else "DAY",
        "quantity": str(quantity),
        "price": rupees(price),
        "trigger_price": rupees(trigger),
        "user_order_id": "10002",
    }
    fields |= _execution(deed)
    key = f"{deed.key} {deed.execution} {deed.product} {deed.buys} {deed.share} {deed.target_paise} {deed.stop_paise} "
    key += str(deed.step_paise)
    headers = ((b"idempotency-key", key.encode()),) if deed.key else ()
    meant: dict[str, object] = {"quantity": quantity, "trigger_paise": trigger, "client_id": client}
    meant |= {"execution": deed.execution, "product": deed.product}
    if not deed.execution.single:
        meant |= {"stop_offset_paise": deed.stop_paise, "trailing_step_paise": deed.step_paise}
    for copy in range(deed.copies):
        written = body_written(deed.way + copy, fields, ORDERS if deed.execution.single else KART)
        once = (client, key if deed.key else "", day)
        yield Request("place", client, "POST", written, headers, once, meant, price_paise=price)


def _execution(deed: Place) -> dict[str, str]:
    """The fields that a bracket, a cover order and an order by itself have each for itself."""
    match deed.execution:
        case Execution.BO:
            legs = {"square_off_value": rupees(deed.target_paise), "stop_loss_value": rupees(deed.stop_paise)}
            return {"execution_type": "BO", "trailing_stop_loss": rupees(deed.step_paise)} | legs
        case Execution.CO:
            legs = {"stop_loss_value": rupees(deed.stop_paise), "trailing_stop_loss": rupees(deed.step_paise)}
            return {"execution_type": "CO"} | legs
        case Execution.AMO:
            return {"execution_type": "AMO"} if deed.way % 2 else {"amo": "true"}
    return {"execution_type": "REGULAR"} if deed.way % 2 else {}


def own_rows(state: State, client: str, *, working: bool) -> list[Order]:
    """The newest of the client's rows; `working`: only those that are not at their end."""
    mine: list[Order] = []
    for row in reversed(state.orders.values()):
        if row.client_id == client and not (working and row.terminal):
            mine.append(row)
            if len(mine) == NEWEST:
                break
    return mine[::-1]


def cancellation(deed: Cancel, client: str, other: str, state: State) -> Iterator[Request]:
    """A cancel, in as many copies as the deed has, each written in another way."""
    rows = own_rows(state, other if deed.stranger else client, working=deed.pick % 3 != 0)
    rows = rows or own_rows(state, client, working=False)
    if not rows:
        return
    row = rows[deed.pick % len(rows)]
    order_id = row.order_id
    fields = {"client_id": client, "oms_order_id": order_id}
    if deed.way % 7:
        fields |= {"execution_type": str(row.execution), "status": "CONFIRMED"}
    if deed.word:
        fields["leg_order_indicator"] = deed.word
    headers = ((b"prefer", b"return=representation"),) if deed.facts else ()
    meant = {"client_id": client, "ids": (order_id,), "leg": deed.word or None}
    named = _naming(Request("cancel", client, "DELETE", Written(""), headers, meant=meant), row, deed.word)
    for copy in range(deed.copies):
        yield named._replace(written=cancel_written(deed.way + copy, order_id, fields))


def _naming(request: Request, row: Order, word: str) -> Request:
    """A cancel, with what it names."""
    return request._replace(
        order=_name(row),
        entry=row.order_id if row.execution.single else row.basket_id,
        exits=EXITS.get(word.upper(), "") if row.leg is Leg.ENTRY else str(row.leg),
        bracket=row.leg is Leg.ENTRY and row.execution is Execution.BO,
        stranger=row.client_id != request.client,
    )


def _name(row: Order) -> str:
    """What an order goes by among clients: a bracket's entry by its basket, which is all that a placement tells."""
    return row.basket_id if row.leg is Leg.ENTRY and not row.execution.single else row.order_id


def modification(deed: Modify, client: str, state: State, shares: Mapping[str, Instrument]) -> Iterator[Request]:
    """A modify of a working row, by some of the fields that it has."""
    rows = own_rows(state, client, working=True)
    if not rows:
        return
    row = rows[deed.pick % len(rows)]
    base = shares[row.instrument].base_price_paise
    entry = row.leg is Leg.ENTRY
    fields = {"client_id": client, "oms_order_id": row.order_id, "execution_type": str(row.execution)}
    if deed.away is not None and row.price_paise:
        fields["price"] = rupees(base + TICK_PAISE * deed.away)
    if deed.trigger_away is not None and row.trigger_paise:
        fields["trigger_price"] = rupees(base + TICK_PAISE * deed.trigger_away)
    if deed.quantity is not None and entry:
        fields["quantity"] = str(deed.quantity)
    if deed.offset_paise is not None and entry and not row.execution.single:
        fields["stop_loss_value"] = rupees(deed.offset_paise)
    if deed.step_paise and row.leg is not Leg.TARGET and not row.execution.single:
        fields["trailing_stop_loss"] = rupees(deed.step_paise)
    path = ORDERS if row.execution.single and deed.way % 3 else KART
    paise = base + TICK_PAISE * deed.away if "price" in fields and deed.away is not None else 0
    written = body_written(deed.way, fields, path)
    yield Request("modify", client, "PUT", written, order=_name(row), price_paise=paise)


def conversion(deed: Convert, client: str, share: Instrument, state: State) -> Request:
    """A position is to change its product: mostly one that the client has."""
    held = [key for key, stake in state.stakes.items() if key.startswith(f"{client} {share.key} ") and stake.total.net]
    product, new_product = deed.product, deed.new_product
    if held and deed.way % 4:
        product = Product(held[deed.way % len(held)].rpartition(" ")[2])
        new_product = new_product if new_product is not product else deed.product
    fields = {
        "client_id": client,
        "exchange": share.exchange,
        "instrument_token": str(share.token),
        "order_side": "BUY",
        "product": str(product),
        "new_product": str(new_product),
        "quantity": str(deed.quantity),
        "validity": "DAY",
    }
    meant = {"client_id": client, "product": product, "new_product": new_product, "quantity": deed.quantity}
    method = "PUT" if deed.way % 2 else "POST"
    return Request("convert", client, method, body_written(deed.way, fields, CONVERT), meant=meant)


def market_order(client: str, share: Instrument, product: Product, shares: int) -> Request:
    """A plain order by itself that buys so many shares, or sells where they are fewer than none."""
    fields = {
        "client_id": client,
        "exchange": share.exchange,
        "instrument_token": str(share.token),
        "order_side": "BUY" if shares > 0 else "SELL",
        "order_type": "MARKET",
        "product": str(product),
        "quantity": str(abs(shares)),
    }
    return Request("place", client, "POST", body_written(0, fields, ORDERS))


def look(deed: Read, client: str, state: State) -> Iterator[Request]:
    """A look at something of the client's own."""
    rows = own_rows(state, client, working=False)
    if deed.what == "history" and not rows:
        return
    order = rows[-1].order_id if rows else ""
    yield Request(f"read {deed.what}", client, "GET", Written(READ_PATHS[deed.what].format(client=client, order=order)))


def everything(client: str) -> Request:
    """The kill switch."""
    return Request("kill", client, "DELETE", Written(f"/api/v1/orders?client_id={client}"))


def log_out(client: str) -> Request:
    """The token that asks is to be good no more."""
    return Request("logout", client, "POST", Written("/api/v1/user/logout"))


def tick_of(deed: Print, share: Instrument) -> Tick:
    """The message of the feed."""
    price = share.base_price_paise + TICK_PAISE * deed.away

    def side(sizes: tuple[int, ...] | None, sign: int) -> tuple[Level, ...] | None:
        if sizes is None:
            return None
        return tuple(Level(price + sign * TICK_PAISE * step, size) for step, size in enumerate(sizes))

    return Tick(f"{share.exchange}:{share.token}", price, deed.quantity, side(deed.bids, -1), side(deed.asks, 1))


def pushed(tick: Tick, share: Instrument) -> Request:
    """The same, pushed by hand through the sandbox."""
    body = f'{{"exchange":"{share.exchange}","instrument_token":{share.token},'
    body += f'"last_price":{rupees(tick.last_price_paise)},"last_quantity":{tick.last_quantity}}}'
    return Request("tick", "", "POST", Written("/sandbox/v1/ticks", (body.encode(),), JSON))


def cancel_by(row: Order, word: str) -> Request:
    """A plain cancel by the order's owner."""
    body = f'{{"client_id":"{row.client_id}","oms_order_id":"{row.order_id}","leg_order_indicator":"{word}"}}'
    written = Written(f"{KART}/{row.order_id}", (body.encode(),), JSON)
    return _naming(Request("cancel", row.client_id, "DELETE", written), row, word)
