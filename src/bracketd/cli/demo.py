"""`bracketd demo`: a server to try things on, and three commands that place a bracket, show it and cancel it."""

import secrets
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import apsw
import click

from bracketd.auth.client_store import ClientExists, ClientStore
from bracketd.auth.client_tables import ClientStoreError
from bracketd.auth.clients_file import LEVERAGE_DEFAULT
from bracketd.auth.password import Passwords
from bracketd.blotter.files import MISSING, has_parts
from bracketd.cli.lifetime import NS_PER_S
from bracketd.cli.serve import serve_until_stopped
from bracketd.cli.token import new_token
from bracketd.domain.instrument import Instrument
from bracketd.domain.money import floor_to_tick, rupees_text
from bracketd.market.instruments import load_instruments
from bracketd.runtime.settings import Settings

CLIENT_ID: Final = "DEMO1"
CASH_PAISE: Final = 1_000_000_000
TOKEN_LIFETIME_H: Final = 12
SYMBOL: Final = "SBIN"
BELOW_BASE_PERCENT: Final = 10
"""The demo's limit lies this far below the base price; the synthetic walk keeps within 5 %, so it is never filled."""


def run_demo(
    host: str,
    port: int,
    data: Path | None,
    cors: tuple[str, ...] = (),
    *,
    order_rate: int | None = None,
    cancel_rate: int | None = None,
) -> None:
    """Serve with an account, the session always open, the synthetic feed and the sandbox; print what to type.

    Without a folder named, a temporary one is made and removed again at the end. Raises click.ClickException.
    """
    with ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bracketd-demo-")))
        settings = Settings(
            data=data,
            host=host,
            port=port,
            session="always",
            feed="synthetic",
            sandbox=True,
            blotter=has_parts(),
            order_rate=order_rate,
            cancel_rate=cancel_rate,
            cors=cors,
        )
        _keep_account(data)
        instrument = load_instruments().by_symbol(SYMBOL)
        if instrument is None:
            raise click.ClickException(f"The instrument file has no {SYMBOL}.")
        token = new_token(data, CLIENT_ID, TOKEN_LIFETIME_H * 3_600 * NS_PER_S)

        def say(url: str) -> None:
            page = f"{url}/#token={token}" if settings.blotter else f"none: {MISSING}"
            click.echo(_banner(url, settings.data, token, page, instrument))

        serve_until_stopped(settings, say)


def commands(url: str, token: str, instrument: Instrument) -> tuple[str, str, str]:
    """Three lines for a shell: place a bracket, show the working orders, cancel what the first one placed.

    Each needs nothing but curl, grep, tail and cut. The third takes the order's id from the order book itself.
    """
    headers = f"-H 'x-authorization-token: {token}' -H 'x-device-type: WEB'"
    json_headers = f"{headers} -H 'content-type: application/json'"
    price = rupees_text(
        floor_to_tick(instrument.base_price_paise * (100 - BELOW_BASE_PERCENT) // 100, instrument.tick_paise)
    )
    order = (
        f'{{"client_id":"{CLIENT_ID}","device":"WEB","disclosed_quantity":0,"exchange":"{instrument.exchange}",'
        f'"execution_type":"BO","instrument_token":"{instrument.token}","is_trailing":false,"order_side":"BUY",'
        f'"order_type":"LIMIT","price":{price},"product":"MIS","quantity":{instrument.lot},"square_off_value":1,'
        '"stop_loss_value":1,"trailing_stop_loss":0,"trigger_price":0,"user_order_id":10002,"validity":"DAY"}'
    )
    cancel = f'{{"client_id":"{CLIENT_ID}","execution_type":"BO","leg_order_indicator":"ENTRY","status":"CONFIRMED"}}'
    place = f"curl -sS -X POST '{url}/api/v1/orders/kart' {json_headers} --data '{order}'"
    book = f"curl -sS '{url}/api/v1/orders?type=pending&client_id={CLIENT_ID}' {headers}"
    # A row begins with these keys in this order; the last row that is an entry is the one placed last.
    row = '"oms_order_id":"[^"]*","parent_order_id":"[^"]*","leg_order_indicator":"ENTRY"'
    entry_id = f"{book} | grep -o '{row}' | tail -n 1 | cut -d '\"' -f 4"
    return (
        place,
        book,
        f"curl -sS -X DELETE \"{url}/api/v1/orders/kart/$({entry_id})\" {json_headers} --data '{cancel}'",
    )


def _keep_account(data: Path) -> None:
    """Open the demo account unless the folder has it; nobody needs its password, so nobody is told."""
    try:
        with ClientStore(data) as store:
            if store.get(CLIENT_ID) is None:
                password_hash = Passwords().hash(secrets.token_urlsafe(12))
                store.add(CLIENT_ID, password_hash, CASH_PAISE, LEVERAGE_DEFAULT, time.time_ns())
    except ClientExists:
        # Somebody else opened it between the two statements.
        return
    except (ClientStoreError, apsw.Error, OSError) as error:
        raise click.ClickException(f"Cannot open the clients of {data}: {error}.") from error


def _banner(url: str, data: Path, token: str, page: str, instrument: Instrument) -> str:
    """What the demo prints once it serves."""
    place, book, cancel = commands(url, token, instrument)
    return f"""bracketd demo at {url}
client id  {CLIENT_ID}
data       {data}
token      {token}
           good for {TOKEN_LIFETIME_H} hours
page       {page}

Place a bracket:
{place}

Show the working orders:
{book}

Cancel the bracket:
{cancel}

Ctrl-C stops the demo.
"""
