"""As much of PostgreSQL's protocol and of AMQP as it takes to know the moments at which an answer matters."""

import struct
from collections.abc import Iterator
from enum import Enum, auto
from typing import Protocol

SSL_REFUSED = b"N"
AMQP_GREETING_BYTES = 8
AMQP_METHOD = 1
AMQP_FRAME_END = 1
BASIC_ACK = (60, 80)
WRITES = (b"INSERT", b"UPDATE", b"DELETE", b"MERGE")


class Side(Enum):
    """Who speaks."""

    CLIENT = auto()
    SERVER = auto()


class Moment(Enum):
    """What is just being said."""

    COMMITTED = auto()
    """The server says that a transaction which wrote something is committed."""
    CONFIRMED = auto()
    """The broker confirms a message that was published."""
    ACKNOWLEDGED = auto()
    """A consumer acknowledges deliveries."""


class Dialect(Protocol):
    """The reader of one connection."""

    def moments(self, side: Side, piece: bytes) -> list[Moment]:
        """Return what is said in the next piece that a side sends."""
        ...


class Unread:
    """Any protocol: nobody listens."""

    def moments(self, side: Side, piece: bytes) -> list[Moment]:
        """Return nothing."""
        return []


class Postgres:
    """PostgreSQL's protocol 3: only what the server says is read."""

    def __init__(self) -> None:
        self._unread = b""
        self._is_first = True
        self._wrote = False

    def moments(self, side: Side, piece: bytes) -> list[Moment]:
        """Return COMMITTED where the server completes the commit of a transaction that wrote."""
        if side is Side.CLIENT:
            return []
        if self._is_first and piece[:1] == SSL_REFUSED:
            piece = piece[1:]
        self._is_first = False
        self._unread += piece
        return [Moment.COMMITTED for tag in self._tags() if self._completes(tag)]

    def _tags(self) -> Iterator[bytes]:
        """Yield the tag of each command that was completed."""
        while len(self._unread) >= 5:
            kind, length = struct.unpack_from("!cI", self._unread)
            if len(self._unread) < 1 + length:
                return
            message, self._unread = self._unread[5 : 1 + length], self._unread[1 + length :]
            if kind == b"C":
                yield message.rstrip(b"\0")

    def _completes(self, tag: bytes) -> bool:
        word, _, count = tag.partition(b" ")
        if word == b"BEGIN":
            self._wrote = False
        elif word in WRITES and not count.endswith(b" 0") and count != b"0":
            self._wrote = True
        return word == b"COMMIT" and self._wrote


class Amqp:
    """AMQP 0-9-1: the acknowledgements, which are a broker's confirms in the other direction."""

    def __init__(self) -> None:
        self._unread = {Side.CLIENT: b"", Side.SERVER: b""}
        self._greeting_bytes = AMQP_GREETING_BYTES

    def moments(self, side: Side, piece: bytes) -> list[Moment]:
        """Return CONFIRMED for each confirm of the broker, ACKNOWLEDGED for each of a consumer."""
        if side is Side.CLIENT and self._greeting_bytes:
            skipped = min(self._greeting_bytes, len(piece))
            self._greeting_bytes -= skipped
            piece = piece[skipped:]
        self._unread[side] += piece
        what = Moment.CONFIRMED if side is Side.SERVER else Moment.ACKNOWLEDGED
        return [what for method in self._methods(side) if method == BASIC_ACK]

    def _methods(self, side: Side) -> Iterator[tuple[int, int]]:
        """Yield the class and number of each method."""
        while len(unread := self._unread[side]) >= 7:
            kind, _, length = struct.unpack_from("!BHI", unread)
            if len(unread) < 7 + length + AMQP_FRAME_END:
                return
            self._unread[side] = unread[7 + length + AMQP_FRAME_END :]
            if kind == AMQP_METHOD:
                yield struct.unpack_from("!HH", unread, 7)
