"""The frame decoders of the family's published SDKs, unmodified and without what their packages import besides."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

SDKS = ("pyoauthbridge", "pocketful")
Decoder = Callable[[bytes], Any]


def decoders(sdk: str) -> dict[int, Decoder]:
    """The decoder of each mode that the SDK's reader has a branch for."""
    module = _load(sdk)
    found: dict[int, Decoder] = {
        1: module.decodeDetailedMarketData,
        2: module.decodeCompactMarketData,
        4: module.decodeSnapquoteData,
        50: module.decodeOrderUpdate,
    }
    if hasattr(module, "decodeTradeUpdate"):
        found[51] = module.decodeTradeUpdate
    return found


def _load(sdk: str) -> ModuleType:
    """The SDK's module of decoders, from its own file: the package itself would bring a web server along."""
    package = importlib.util.find_spec(sdk)
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).with_name("packetDecoder.py")
    spec = importlib.util.spec_from_file_location(f"{sdk}_packet_decoder", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
