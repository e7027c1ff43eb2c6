"""The verbs that change orders: place, modify, cancel, exit, cancel-all."""

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from bracketd.terminal.access import Access, speaks
from bracketd.terminal.amount import Amount
from bracketd.terminal.asking import confirm
from bracketd.terminal.ticket import Ticket
from bracketd.terminal.verdict import REFUSED, USAGE, Verdict, verdict_of

if TYPE_CHECKING:
    from bracketd.client import Bracket

ZERO = Decimal(0)
YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command()
@click.argument("symbol")
@click.argument("side", type=click.Choice(["BUY", "SELL"], case_sensitive=False))
@click.argument("quantity", type=click.IntRange(min=1))
@click.option("--price", type=Amount(), help="Limit; without it the entry is at market.")
@click.option("--trigger", type=Amount(), help="Trigger; with it the entry is a stop order.")
@click.option("--target", type=Amount(), required=True, help="Target, in rupees away from the fill.")
@click.option("--stop", type=Amount(), required=True, help="Stop-loss, in rupees away from the fill.")
@click.option("--trail", type=Amount(), help="Step by which the stop-loss trails.")
@click.option("--validity", type=click.Choice(["DAY", "IOC"], case_sensitive=False), default="DAY", show_default=True)
@click.option("--key", help="Idempotency key: the same key again is the same bracket.")
@click.option("--dry-run", is_flag=True, help="Show the ticket and send nothing.")
@YES
@speaks
def place(
    access: Access,
    symbol: str,
    side: str,
    quantity: int,
    price: Decimal | None,
    trigger: Decimal | None,
    target: Decimal,
    stop: Decimal,
    trail: Decimal | None,
    validity: str,
    key: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Place a bracket: QUANTITY shares of SYMBOL (SBIN, or NSE:3045), with a target and a stop-loss."""
    ticket = Ticket(
        symbol=symbol,
        side=side.upper(),
        quantity=quantity,
        price=price or ZERO,
        trigger=trigger or ZERO,
        target=target,
        stop=stop,
        trailing=trail or ZERO,
        validity=validity.upper(),
    )
    if not access.as_json:
        click.echo("\n".join(ticket.lines()))
    if dry_run:
        if access.as_json:
            click.echo(json.dumps({"ticket": ticket.facts()}))
        return
    confirm("Place it?", yes=yes, as_json=access.as_json)
    with access.broker() as broker:
        placed = broker.place_bracket(
            symbol,
            ticket.side,
            quantity,
            target=target,
            stop=stop,
            price=price,
            trigger=trigger,
            trailing=ticket.trailing,
            validity=ticket.validity,
            key=key,
        )
        _tell(access, "placed", placed, f"Placed {placed.order_id}")


@click.command()
@click.argument("order_id", metavar="ID")
@click.option("--price", type=Amount(), help="The entry's limit.")
@click.option("--trigger", type=Amount(), help="The entry's trigger.")
@click.option("--quantity", type=click.IntRange(min=1), help="The entry's new total.")
@click.option("--target", type=Amount(), help="Target, in rupees away from the fill.")
@click.option("--stop", type=Amount(), help="Stop-loss, in rupees away from the fill.")
@click.option("--trail", type=Amount(), help="Step by which the stop-loss trails.")
@click.option("--target-price", type=Amount(), help="A working target's price, by hand.")
@click.option("--stop-trigger", type=Amount(), help="A working stop-loss's trigger, by hand.")
@speaks
def modify(
    access: Access,
    order_id: str,
    price: Decimal | None,
    trigger: Decimal | None,
    quantity: int | None,
    target: Decimal | None,
    stop: Decimal | None,
    trail: Decimal | None,
    target_price: Decimal | None,
    stop_trigger: Decimal | None,
) -> None:
    """Change a bracket: its entry, or the price of one working leg. ID is any of its orders' or its basket's."""
    entry: dict[str, Any] = {"price": price, "trigger": trigger, "quantity": quantity, "target": target, "stop": stop}
    of_entry = any(value is not None for value in entry.values())
    chosen = [of_entry, target_price is not None, stop_trigger is not None]
    if sum(chosen) > 1:
        raise Verdict("One order at a time: the entry, --target-price or --stop-trigger.", USAGE)
    if not any(chosen) and trail is None:
        raise Verdict("Nothing to change: name what it is to be.", USAGE)
    with access.broker() as broker:
        bracket = broker.bracket(order_id)
        if target_price is not None:
            _leg(bracket.target, "target")
            bracket.modify_target(target_price)
        elif stop_trigger is not None or (trail is not None and not of_entry and bracket.entry.terminal):
            _leg(bracket.stop, "stop-loss")
            bracket.modify_stop(trigger=stop_trigger, trailing=trail)
        else:
            bracket.modify(trailing=trail, **entry)
        _tell(access, "modified", bracket, f"Modified {bracket.order_id}")


@click.command()
@click.argument("order_id", metavar="ID")
@speaks
def cancel(access: Access, order_id: str) -> None:
    """Cancel what of an entry has not filled; legs stay, so that what is open stays protected."""
    with access.broker() as broker:
        bracket = broker.bracket(order_id)
        bracket.cancel()
        _look_again(bracket)
        _tell(access, "cancelled", bracket, f"Cancelled {bracket.order_id}")


@click.command()
@click.argument("order_id", metavar="ID")
@speaks
def exit_bracket(access: Access, order_id: str) -> None:
    """Close a bracket: cancel the entry's rest and the target; the stop-loss becomes a market order."""
    with access.broker() as broker:
        bracket = broker.bracket(order_id)
        bracket.exit()
        _look_again(bracket)
        _tell(access, "exited", bracket, f"Closing {bracket.order_id}")


@click.command()
@YES
@speaks
def cancel_all(access: Access, yes: bool) -> None:
    """The kill switch: cancel every entry and close every bracket. Asks first."""
    from bracketd.client import BrokerError
    from bracketd.client.rows import Result, result_of
    from bracketd.terminal.book import groups

    with access.broker() as broker:
        if not yes:
            live = [group for group in groups(broker.orders()) if not group.over]
            open_shares = sum(1 for group in live if group.open_shares)
            waiting = sum(1 for group in live if not group.entry.terminal)
            question = (
                f"Cancel {_number(waiting, 'entry', 'entries')} and close {_number(open_shares, 'open bracket')}?"
            )
            confirm(question, yes=yes, as_json=access.as_json)
        try:
            results: list[Result] = broker.cancel_everything()
        except BrokerError as error:
            _say_results(access, [result_of(row) for row in error.results], whole=False)
            raise
        _say_results(access, results, whole=True)


def _say_results(access: Access, results: list[Any], *, whole: bool) -> None:
    if access.as_json:
        # What is refused is told once, with the error.
        if whole or results:
            facts = [{"order_id": each.order_id, "status": each.status, "message": each.message} for each in results]
            click.echo(json.dumps({"results": facts}))
        return
    for each in results:
        click.echo(f"{each.order_id}  {each.status:<16} {each.message}")
    if whole:
        click.echo(f"Done: {_number(len(results), 'order')}." if results else "There was nothing to cancel.")


def _tell(access: Access, verb: str, bracket: "Bracket", sentence: str) -> None:
    """What became of a bracket: the sentence and why it is so now."""
    from bracketd.terminal.book import Group, group_facts
    from bracketd.terminal.story import why

    group = Group(bracket.rows)
    if access.as_json:
        click.echo(json.dumps({verb: {**group_facts(group), "why": why(group)}}, ensure_ascii=False))
    else:
        click.echo(f"{sentence}. {why(group)}")


def _look_again(bracket: "Bracket") -> None:
    """Read it again after it was changed; what was done stays done where that fails."""
    from bracketd.client import BrokerError

    try:
        bracket.refresh()
    except BrokerError as error:
        click.echo(f"Done, but it could not be read again: {verdict_of(error, 'the server').message}", err=True)


def _leg(leg: object, name: str) -> None:
    if leg is None:
        raise Verdict(f"There is no {name} yet: nothing has filled.", REFUSED, kind="LegNotActive")


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
