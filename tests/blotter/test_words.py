"""What a reply and a typed amount come to, asked of the page's own modules in the browser, case by case."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.blotter.window import Window

pytestmark = pytest.mark.slow

REPLIES = [
    (200, '{"status":"success","message":"Order cancelled successfully"}', "done"),
    (200, '{"status":"success","message":"Order modified successfully","data":{}}', "done"),
    (200, '{"status":"success","message":"Order cancellation request submitted for OMS Order: 1"}', "pending"),
    (202, '{"status":"pending","message":"Order cancellation request submitted for OMS Order: 1"}', "pending"),
    (202, '{"status":"success","message":"Order cancelled successfully"}', "pending"),
    (200, '{"status":"pending","message":""}', "pending"),
    (409, '{"status":"failed","message":"Order already executed","reason":"TOO_LATE"}', "refused"),
    (409, '{"status":"success","message":"Order cancelled successfully"}', "refused"),
    (404, '{"status":"failed","message":"Order not found"}', "refused"),
    (200, '{"status":"failed","message":"Order not found"}', "refused"),
    (200, '{"status":"error","message":"`price` is invalid","error_code":44000}', "refused"),
    (200, '{"status":"success","message":"Order cancelled successfully","error_code":45000}', "unknown"),
    (200, '{"status":"success","message":"Order cancelled successfully","reason":"TOO_LATE"}', "unknown"),
    (200, '{"status":"Success"}', "unknown"),
    (200, '{"message":"Order cancelled successfully"}', "unknown"),
    (200, '{"status":"success"', "unknown"),
    (200, "null", "unknown"),
    (200, '["success"]', "unknown"),
    (200, "", "unknown"),
    (201, '{"status":"success","message":"Order cancelled successfully"}', "unknown"),
    (204, "", "unknown"),
    (409, "<html>somebody between</html>", "unknown"),
    (500, '{"status":"error","message":"Something went wrong","reason":"INTERNAL"}', "unknown"),
    (503, '{"status":"error","message":"Not serving","reason":"NOT_SERVING"}', "unknown"),
    (503, '{"status":"success","message":"Order cancelled successfully"}', "unknown"),
    (502, "<html>bad gateway</html>", "unknown"),
]

AMOUNTS: list[tuple[object, int | None]] = [
    ("411.25", 41_125),
    (" 7 ", 700),
    ("0.05", 5),
    ("0.1", 10),
    (411.25, 41_125),
    (0.1 + 0.2, 30),
    (1234567.89, 123_456_789),
    ("411.255", None),
    ("1e3", None),
    ("1,000", None),
    ("", None),
    ("four", None),
    ("Infinity", None),
    ("0x10", None),
]


def ask_module(open_window: Callable[..., Window], module: str, call: str, cases: list[Any]) -> Any:
    """What a function of one of the page's modules answers to each case."""
    window = open_window()
    window.page.goto(window.url)
    expect(window.page.locator("#login")).to_be_visible()
    script = "async ([name, cases]) => { const folder = document.querySelector('script[src]').src;"
    script += f"const module = await import(new URL(name, folder)); return cases.map((told) => {call}); }}"
    return window.page.evaluate(script, [module, cases])


def test_nothing_is_a_success_that_did_not_say_so(open_window: Callable[..., Window]) -> None:
    """A reply is done, pending, refused or unknown as its status and its words together have it."""
    told = ask_module(
        open_window, "wire.js", "module.judge(...told).kind", [[status, body] for status, body, _ in REPLIES]
    )
    assert [(*case[:2], kind) for case, kind in zip(REPLIES, told, strict=True)] == REPLIES


def test_amounts_are_whole_paise_or_none(open_window: Callable[..., Window]) -> None:
    """What is typed or told is paise to the last one, or no amount at all; nothing is rounded to something else."""
    told = ask_module(open_window, "money.js", "module.paise(told)", [amount for amount, _ in AMOUNTS])
    whole = [None if amount != amount else amount for amount in told]
    assert list(zip([amount for amount, _ in AMOUNTS], whole, strict=True)) == AMOUNTS
