"""What every peer does: the same body in, the same row written, in a transaction of its own."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg

INSERT = "INSERT INTO effects (body) VALUES (%s)"
ASYNC_INSERT = "INSERT INTO effects (body) VALUES ($1)"
BODY = "x" * 400
CONNECTIONS = 8
SENDERS = 4

_mine = threading.local()


def broker_url() -> str:
    """Return where the broker is."""
    return os.environ["PEER_BROKER_URL"]


def database_url() -> str:
    """Return where the rows go."""
    return os.environ["PEER_DATABASE_URL"]


def insert(body: str) -> None:
    """Write a row over this thread's own connection."""
    if getattr(_mine, "connection", None) is None:
        _mine.connection = psycopg.connect(database_url(), autocommit=True)
    _mine.connection.execute(INSERT, (body,))


def enqueue(send: Callable[[str], object]) -> None:
    """Send as many events as the command line says, from a few threads."""
    count = int(sys.argv[1])
    with ThreadPoolExecutor(SENDERS) as senders:
        for _ in senders.map(send, [BODY] * count, chunksize=100):
            pass
