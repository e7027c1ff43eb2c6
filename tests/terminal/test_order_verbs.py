"""Orders changed as a trader types them, against a real server."""

import json
import re

import pytest
from tests.e2e.process import Server
from tests.terminal.conftest import Typist

pytestmark = pytest.mark.slow


def test_a_bracket_is_placed_and_cancelled_in_words(typist: Typist) -> None:
    """A placing shows the prices that follow from it, a cancel says what is left."""
    words = ("place", "SBIN", "BUY", "10", "--price", "450", "--target", "4", "--stop", "2", "--yes")
    said = typist.do(*words)
    assert "target     4.00 above the fill: 454.00" in said
    assert "stop-loss  2.00 below the fill: 448.00" in said
    assert "40.00 to win, 20.00 at risk" in said
    placed = re.search(r"^Placed (\S+)\. Nothing has filled: the entry works at the exchange at 450\.00\.$", said, re.M)
    assert placed is not None, said
    said = typist.do("cancel", placed[1])
    assert said == f"Cancelled {placed[1]}. Nothing has filled: the entry works no more.\n"
    assert typist.told("show", placed[1])["orders"][0]["status"] == "CANCELLED"


def test_a_dry_run_sends_nothing(typist: Typist) -> None:
    """A ticket is shown, as words and as JSON, and the book stays as it was."""
    before = typist.told("orders")
    words = ("place", "SBIN", "sell", "10", "--trigger", "440", "--target", "4", "--stop", "2", "--dry-run")
    assert "SELL 10 SBIN, SL-M, triggered at 440.00, DAY" in typist.do(*words)
    ticket = typist.told(*words)["ticket"]
    assert (ticket["expected_target"], ticket["expected_stop"]) == ("436.00", "442.00")
    assert typist.told("orders") == before


@pytest.mark.parametrize("words", [("place", "SBIN", "BUY", "1", "--target", "4", "--stop", "2"), ("cancel-all",)])
def test_nobody_there_to_be_asked_is_no_yes(typist: Typist, words: tuple[str, ...]) -> None:
    """Without a terminal and without --yes nothing is sent."""
    typist.placed()
    before = typist.told("orders")
    done = typist.type(*words)
    assert (done.returncode, "give --yes" in done.stderr) == (2, True)
    assert typist.told("orders") == before


def test_a_key_places_once(typist: Typist) -> None:
    """The same key again is the same bracket."""
    assert typist.placed("--key", "one") == typist.placed("--key", "one")
    assert typist.placed() != typist.placed()


def test_a_filled_entry_is_too_late_to_cancel_and_is_closed(typist: Typist, server: Server) -> None:
    """A cancel that comes too late has its own exit code and names the way out, which closes the bracket."""
    order_id = typist.placed()
    server.caller().tick(450, 10)
    done = typist.type("cancel", order_id, "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["reason"] == "TOO_LATE"
    sentence = "It has filled already; `bracketd exit` closes the position."
    assert done.stderr == f"Error: Refused: Order already executed (TOO_LATE). {sentence}\n"
    exited = typist.told("exit", order_id)["exited"]
    assert exited["over"] or exited["closing"]
    server.caller().tick(450, 10)
    assert typist.told("show", order_id)["over"] is True


def test_an_exit_of_what_has_not_filled_is_refused(typist: Typist) -> None:
    """Closing what is not open is refused, and the sentence names what is meant."""
    done = typist.type("exit", typist.placed())
    assert done.returncode == 1
    assert "(LEG_NOT_ACTIVE)" in done.stderr
    assert "`bracketd cancel` is what is meant" in done.stderr


def test_entry_target_and_stop_are_modified(typist: Typist, server: Server) -> None:
    """An entry's price and quantity, a target's price and a stop's trigger, each by its option."""
    order_id = typist.placed()
    entry = typist.told("modify", order_id, "--price", "449.50", "--quantity", "20")["modified"]["orders"][0]
    assert (entry["price"], entry["quantity"]) == ("449.50", 20)
    server.caller().tick(449.50, 20)
    rows = typist.told("modify", order_id, "--target-price", "460")["modified"]["orders"]
    assert next(row["price"] for row in rows if row["leg"] == "TARGET") == "460.00"
    rows = typist.told("modify", order_id, "--stop-trigger", "449")["modified"]["orders"]
    assert next(row["trigger"] for row in rows if row["leg"] == "STOPLOSS") == "449.00"
    assert typist.told("modify", order_id, "--trail", "0.5")["modified"]["orders"]
    assert "trails in steps of 0.50" in typist.do("show", order_id)


def test_a_modification_names_one_order(typist: Typist) -> None:
    """Nothing to change, or two orders at once, is wrong usage and changes nothing; a leg has to be there."""
    order_id = typist.placed()
    before = typist.told("show", order_id)
    assert typist.type("modify", order_id).returncode == 2
    assert typist.type("modify", order_id, "--price", "449", "--stop-trigger", "440").returncode == 2
    done = typist.type("modify", order_id, "--target-price", "460")
    assert (done.returncode, "no target yet" in done.stderr) == (1, True)
    assert typist.told("show", order_id) == before


def test_the_kill_switch_leaves_nothing_working(typist: Typist, server: Server) -> None:
    """Everything of the client is cancelled or closing, one line each, and nothing of another's is touched."""
    other = Typist(typist.home, **{**typist.environment, "BRACKETD_TOKEN": server.tokens["C2"]})
    theirs = other.placed("--price", "430")
    typist.placed()
    said = typist.do("cancel-all", "--yes")
    assert re.search(r"^\S+  CANCELLED +Order cancelled successfully$", said, re.M)
    assert re.search(r"^Done: \d+ orders?\.$", said, re.M)
    server.caller().tick(450, 1000)
    assert typist.told("orders", "--live")["brackets"] == []
    assert typist.do("cancel-all", "--yes") == "There was nothing to cancel.\n"
    assert typist.told("cancel-all", "--yes") == {"results": []}
    assert other.told("show", theirs)["orders"][0]["status"] == "CONFIRMED"


def test_a_refusal_names_the_field(typist: Typist) -> None:
    """A price off the tick is a sentence for people and a kind, a reason and a field for programs."""
    words = ("place", "SBIN", "BUY", "1", "--price", "450.01", "--target", "4", "--stop", "2", "--yes", "--json")
    done = typist.type(*words)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert (error["kind"], error["reason"], error["field"]) == ("BadTick", "BAD_TICK", "price")
    assert done.stderr.startswith("Error: Refused: `price` is invalid (BAD_TICK).")


@pytest.mark.parametrize("price", ["-1", "0", "NaN", "1e400", "x"])
def test_what_is_no_price_is_wrong_usage(typist: Typist, price: str) -> None:
    """A price that is none never reaches the server."""
    words = ("place", "SBIN", "BUY", "1", f"--price={price}", "--target", "4", "--stop", "2", "--yes")
    assert typist.type(*words).returncode in (1, 2)


def test_an_unknown_instrument_is_refused(typist: Typist) -> None:
    """A symbol that nobody knows is a refusal."""
    done = typist.type("place", "NOSUCH", "BUY", "1", "--target", "4", "--stop", "2", "--yes")
    assert (done.returncode, "no instrument is called NOSUCH" in done.stderr) == (1, True)


def test_an_outcome_that_is_not_known_is_neither_yes_nor_no(typist: Typist, server: Server) -> None:
    """A cancel that the exchange does not answer in time ends with a code of its own; asked again later it is done."""
    order_id = typist.placed()
    trader = server.caller()
    trader.faults({"on": "cancel_answer", "action": "delay", "delay_ms": 60_000})
    try:
        done = typist.type("cancel", order_id)
        assert done.returncode == 5
        assert done.stderr.startswith("Error: Not known: ")
        assert "twice is once" in done.stderr
    finally:
        trader.sandbox("DELETE", "faults")
    trader.advance(60_000)
    assert typist.do("cancel", order_id).startswith(f"Cancelled {order_id}.")
