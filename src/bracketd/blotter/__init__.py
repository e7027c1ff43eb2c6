"""The blotter: a page in the browser that shows a client's book as it is, and sends what the client asks for.

The page speaks the public wire alone, REST and the websocket, like any other program: this room only hands out files.
"""
