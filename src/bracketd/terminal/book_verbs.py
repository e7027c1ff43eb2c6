"""The verbs that look: orders, show, positions, funds."""

from typing import TYPE_CHECKING, Any

import click

from bracketd.terminal.access import Access, speaks

if TYPE_CHECKING:
    from rich.tree import Tree

    from bracketd.terminal.book import Group


@click.command()
@click.option("--live/--over", "live", default=None, help="Only what works or is open; only what is over.")
@click.option("--symbol", default="", help="Only symbols that begin so.")
@click.option("--side", type=click.Choice(["BUY", "SELL"], case_sensitive=False), help="Only entries of this side.")
@click.option("--status", default="", help="Only brackets with an order of this status or info, such as UNPROTECTED.")
@speaks
def orders(access: Access, live: bool | None, symbol: str, side: str | None, status: str) -> None:
    """List the day's orders, each bracket together."""
    from bracketd.terminal.book import Filter, book_table, group_facts, groups
    from bracketd.terminal.screen import console, say_json

    wanted = Filter(live, symbol, side or "", status)
    with access.broker() as broker:
        shown = [group for group in groups(broker.orders()) if wanted.passes(group)]
    if access.as_json:
        say_json({"brackets": [group_facts(group) for group in shown]})
        return
    screen = console()
    bare = [group.order_id for group in shown if group.bare]
    if bare:
        screen.print(f"[bold white on red]UNPROTECTED: {', '.join(bare)}[/]")
    if shown:
        screen.print(book_table(shown))
    else:
        screen.print("No orders." if wanted == Filter() else "No orders that fit.")


@click.command()
@click.argument("order_id", metavar="ID")
@speaks
def show(access: Access, order_id: str) -> None:
    """Show a bracket as a tree: why it is in its state, and what happened when. ID is any of its orders'."""
    from bracketd.terminal.book import Group, group_facts
    from bracketd.terminal.screen import clock_text, console, date_text, say_json
    from bracketd.terminal.story import timeline, why

    with access.broker() as broker:
        group = Group(broker.bracket(order_id).rows)
        histories = {row.order_id: broker.history(row.order_id) for row in group.rows}
        ids = set(histories)
        happenings = timeline(group.rows, histories, [each for each in broker.trades() if each.order_id in ids])
    if access.as_json:
        lines = [
            {
                "at": date_text(each.at_ns),
                "at_ns": each.at_ns,
                "order_id": each.order_id,
                "leg": each.leg,
                "text": each.text,
                "trade_id": each.trade_id,
                "cause": each.cause,
            }
            for each in happenings
        ]
        say_json({**group_facts(group), "why": why(group), "timeline": lines})
        return
    screen = console()
    screen.print(_tree(group))
    screen.print(f"\nWhy: {why(group)}\n", style="bold red" if group.bare else None, markup=False, soft_wrap=True)
    for each in happenings:
        screen.print(
            f"{clock_text(each.at_ns)}  {each.leg:<8}  {each.order_id}  {each.text}", markup=False, soft_wrap=True
        )
        if each.cause:
            screen.print(f"{'':>12}  {'':<8}  because {each.cause}", style="dim", markup=False, soft_wrap=True)


@click.command()
@speaks
def positions(access: Access) -> None:
    """List the day's positions."""
    from bracketd.terminal.amount import rupees
    from bracketd.terminal.screen import console, say_json, table

    with access.broker() as broker:
        held = broker.positions()
    if access.as_json:
        facts = [
            {
                "symbol": each.symbol,
                "instrument": f"{each.exchange}:{each.token}",
                "product": each.product,
                "net": each.net,
                "bought": each.bought,
                "sold": each.sold,
                "average_price": rupees(each.average_price),
                "last_price": rupees(each.last_price),
                "realised": rupees(each.realised),
            }
            for each in held
        ]
        say_json({"positions": facts})
        return
    columns = ("symbol", "product", "net", "bought", "sold", "average", "last", "realised")
    made = table(*columns, numbers=columns[2:])
    for each in held:
        amounts = (each.average_price, each.last_price, each.realised)
        counts = (each.net, each.bought, each.sold)
        made.add_row(each.symbol, each.product, *map(str, counts), *map(rupees, amounts))
    console().print(made if held else "No positions.")


@click.command()
@speaks
def funds(access: Access) -> None:
    """Show the purse."""
    from bracketd.terminal.amount import rupees
    from bracketd.terminal.screen import console, say_json, table

    with access.broker() as broker:
        purse = broker.funds()
    if access.as_json:
        amounts: dict[str, Any] = {title: rupees(amount) for title, amount in purse.amounts.items()}
        say_json({"available": rupees(purse.available), "used": rupees(purse.used), "amounts": amounts})
        return
    made = table("", "rupees", numbers=("rupees",))
    for title, amount in purse.amounts.items():
        made.add_row(title, rupees(amount))
    console().print(made)


def _tree(group: "Group") -> "Tree":
    """The bracket as a tree: its legs hang on the entry."""
    from rich.tree import Tree

    from bracketd.terminal.screen import styled

    entry = group.entry
    flag = " [bold white on red]UNPROTECTED[/]" if group.bare else ""
    what = "order" if group.single else "bracket"
    tree = Tree(
        f"{what} {entry.basket_id or entry.order_id}  {styled(entry.side)} {entry.quantity} {entry.symbol}{flag}"
    )
    branch = tree.add(_line(entry))
    for row in group.rows[1:]:
        branch.add(_line(row))
    return tree


def _line(row: Any) -> str:
    from rich.markup import escape

    from bracketd.terminal.book import price_text
    from bracketd.terminal.screen import styled

    prices = price_text(row.price)
    if row.trigger:
        prices = f"{prices} trigger {price_text(row.trigger)}".strip()
    filled = f"{row.filled}/{row.quantity}" + (f" at {price_text(row.average_price)}" if row.filled else "")
    parts = (row.leg or "ORDER", row.order_id, row.order_type, prices, filled)
    shown = "  ".join(escape(part) for part in parts if part)
    info = f"  {styled(row.info)}" if row.info else ""
    return f"{shown}  {styled(row.status)}{info}"
