"""Ids on the wire: a UUID inside, its noun's prefix in front of it outside."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_HEX_LENGTH = 32


def public(prefix: str, value: UUID) -> str:
    """Return `usr_0192…`: the prefix, an underscore and 32 hexadecimal digits."""
    return f"{prefix}_{value.hex}"


def read(prefix: str, text: str | None) -> UUID | None:
    """Return the UUID of a public id, or None where the text is none of this prefix."""
    head, _, tail = (text or "").partition("_")
    if head != prefix or not tail.isascii() or not tail.isalnum() or len(tail) != _HEX_LENGTH:
        return None
    try:
        return UUID(hex=tail)
    except ValueError:
        return None


def _parser(prefix: str) -> BeforeValidator:
    def parse(value: object) -> object:
        if isinstance(value, UUID):
            return value
        head, _, tail = value.partition("_") if isinstance(value, str) else ("", "", "")
        if head != prefix or not tail.isascii() or not tail.isalnum() or len(tail) != _HEX_LENGTH:
            message = f"expected an id like {prefix}_ and 32 hexadecimal digits"
            raise ValueError(message)
        return UUID(hex=tail)

    return BeforeValidator(parse)


def _schema(prefix: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{prefix}_[0-9a-f]{{32}}$"})


def _serializer(prefix: str) -> PlainSerializer:
    return PlainSerializer(lambda value: public(prefix, value), return_type=str)


UserId = Annotated[UUID, _parser("usr"), _serializer("usr"), _schema("usr")]
SessionId = Annotated[UUID, _parser("ses"), _serializer("ses"), _schema("ses")]
RefundId = Annotated[UUID, _parser("refund"), _serializer("refund"), _schema("refund")]
PaymentId = Annotated[UUID, _parser("pay"), _serializer("pay"), _schema("pay")]
TransactionId = Annotated[UUID, _parser("txn"), _serializer("txn"), _schema("txn")]
HoldId = Annotated[UUID, _parser("hold"), _serializer("hold"), _schema("hold")]
TaskId = Annotated[UUID, _parser("task"), _serializer("task"), _schema("task")]
QuoteId = Annotated[UUID, _parser("quote"), _serializer("quote"), _schema("quote")]
RunId = Annotated[UUID, _parser("run"), _serializer("run"), _schema("run")]
FileId = Annotated[UUID, _parser("file"), _serializer("file"), _schema("file")]
ParkedId = Annotated[UUID, _parser("parked"), _serializer("parked"), _schema("parked")]
