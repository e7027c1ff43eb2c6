"""The frame decoders of a published SDK, unmodified.

    python decoder.py SDK

Each line on stdin is a mode and a frame as hexadecimal digits; the reply is what the SDK's decoder of that mode, as its
reader chooses it, makes of the frame.
"""

import importlib
import sys

from conversation import Conversation

NAMES = {
    1: "decodeDetailedMarketData",
    2: "decodeCompactMarketData",
    4: "decodeSnapquoteData",
    50: "decodeOrderUpdate",
    51: "decodeTradeUpdate",
}


def main() -> None:
    """Decode what comes."""
    conversation = Conversation()
    # pyoauthbridge looks for flask's command line among the loaded modules.
    importlib.import_module("flask.cli")
    decoders = importlib.import_module(f"{sys.argv[1]}.packetDecoder")
    for mode, frame in conversation.requests():
        conversation.attempt(lambda mode, frame: getattr(decoders, NAMES[mode])(bytes.fromhex(frame)), mode, frame)


if __name__ == "__main__":
    main()
