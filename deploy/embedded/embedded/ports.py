"""Free loopback ports for the servers we start ourselves."""

import random
import socket
from contextlib import ExitStack

# Above the well-known services, below the ports which Linux hands to outgoing connections.
PORTS = range(20_000, 32_768)


def free_ports(count: int) -> list[int]:
    """Return distinct ports of 127.0.0.1 on which nobody listens at this moment."""
    with ExitStack() as held:
        return [_bind(held) for _ in range(count)]


class PortUnusable(RuntimeError):
    """The port the product shall answer on is none, or somebody else's; the text says which."""


def claim(text: str) -> int:
    """Return the port that the text names; raise PortUnusable unless it is one and nobody listens on it."""
    port = int(text) if text.isascii() and text.isdigit() else 0
    if port not in range(1, 65_536):
        message = f"PORT must be a number from 1 to 65535, not {text!r}"
        raise PortUnusable(message)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as flaw:
            message = f"port {port} cannot be used: {flaw.strerror}"
            raise PortUnusable(message) from None
    return port


def _bind(held: ExitStack) -> int:
    """Hold one more port until the caller has all it wants, so that none comes twice."""
    for port in random.sample(PORTS, len(PORTS)):
        listener = held.enter_context(socket.socket())
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
        else:
            return port
    raise RuntimeError(f"no port of 127.0.0.1 between {PORTS.start} and {PORTS.stop} is free")
