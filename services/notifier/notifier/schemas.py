"""What goes out over HTTP."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from shared.ids import UserId, public

MessageId = Annotated[
    UUID,
    PlainSerializer(lambda value: public("msg", value), return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^msg_[0-9a-f]{32}$"}),
]


class State(StrEnum):
    """How far a message has come."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class MessageView(BaseModel):
    """A mail's story for operators, without what it says; `to_address` is empty until it is known.

    What goes to the operator has no `user_id`.
    """

    model_config = ConfigDict(from_attributes=True)

    id: MessageId
    cause: str
    template: str
    user_id: UserId | None
    to_address: str | None
    state: State
    attempts: int
    unknown_count: int
    next_attempt_at: datetime
    sent_at: datetime | None
    error: str | None
    created_at: datetime


class MessagePage(BaseModel):
    """A page of messages, newest first."""

    messages: list[MessageView]
    next_cursor: str | None
