"""Listening: a server's address, port and certificate, or one sentence that says what is wrong with them."""

import errno
import ipaddress
import socket
import ssl

from bracketd.runtime.settings import BACKLOG, Settings


class StartRefused(Exception):
    """The server cannot start; the text is one sentence for the operator."""


def tls(settings: Settings) -> ssl.SSLContext | None:
    """What HTTPS is spoken with, None for plain HTTP; raises StartRefused. TLS 1.2 is the oldest that is spoken."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # A password, so that an encrypted key is an error and not a question on somebody's terminal.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except (OSError, ValueError) as fault:
        names = f"{settings.tls_cert} and {settings.tls_key}"
        raise StartRefused(f"TLS cannot be spoken with {names}: {fault}") from fault
    return context


def host(settings: Settings) -> str:
    """The address to listen on; raises StartRefused where passwords and tokens would leave the machine in the clear."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except OSError as fault:
        raise StartRefused(f"{settings.host} is no address of this machine: {fault.strerror or fault}") from fault
    address = str(found[0][4][0])
    private = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    if not (private or settings.tls_cert or settings.insecure):
        raise StartRefused(
            f"plain HTTP on {settings.host} would show passwords and tokens to the network:"
            " name --tls-cert and --tls-key, or say --insecure"
        )
    return address


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on an address; raises StartRefused."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as fault:
        taken = fault.errno == errno.EADDRINUSE
        why = "is in use by another program" if taken else f"cannot be listened on: {fault.strerror or fault}"
        raise StartRefused(f"port {port} of {host} {why}") from fault


def url(listener: socket.socket, tls: ssl.SSLContext | None) -> str:
    """Where the listener is reached from this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    scheme = "http" if tls is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
