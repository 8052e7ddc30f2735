"""Spending over HTTP: what credits go to, and what went to what."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from billing.schemas.credits import CREDITS_MAX
from shared.ids import TransactionId
from shared.problems import Problem
from shared.text import Text

METADATA_BYTES_MAX = 4096
METADATA_DEPTH_MAX = 10
OTHER = "other"
"""The feature of what does not say what it was spent on."""


def _is_kept_as_it_is(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what a database can keep, and give back as it was."""
    if _depth(metadata) > METADATA_DEPTH_MAX:
        message = f"must not be nested deeper than {METADATA_DEPTH_MAX} levels"
        raise ValueError(message)
    text = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    if "\\u0000" in text or len(text.encode()) > METADATA_BYTES_MAX:
        message = f"must be at most {METADATA_BYTES_MAX} bytes of JSON, without the NUL character"
        raise ValueError(message)
    return metadata


def _depth(value: Any, limit: int = METADATA_DEPTH_MAX) -> int:
    if limit < 0 or not isinstance(value, (dict, list)):
        return 0
    parts = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(part, limit - 1) for part in parts), default=0)


Metadata = Annotated[dict[str, Any], AfterValidator(_is_kept_as_it_is)]
Feature = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]


class SpendRequest(BaseModel):
    """Credits to be spent now, why, and on which feature of the caller's."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[int, Field(gt=0, le=CREDITS_MAX, strict=True)]
    reason: Annotated[Text, Field(min_length=1, max_length=500)]
    feature: Feature = OTHER
    metadata: Metadata = Field(default_factory=dict)


class SpentView(BaseModel):
    """What was spent, and the credits that are available after it."""

    transaction_id: TransactionId
    credits: int


class ShortOfCreditsProblem(Problem):
    """There are not enough credits; more are at `checkout_url`."""

    needed: int
    available: int
    checkout_url: str


class ExampleRequest(BaseModel):
    """What the example feature is asked."""

    model_config = ConfigDict(extra="forbid")

    prompt: Annotated[Text, Field(max_length=2000)] = ""


class ExampleAnswer(BaseModel):
    """What the example feature made of it, and what that cost."""

    success: bool
    result: str
    credits_used: int
    credits_left: int
    transaction_id: TransactionId


class UsageView(BaseModel):
    """Credits that went to a feature; `id` is the transaction they left with."""

    id: TransactionId
    feature: str
    amount: int
    metadata: dict[str, Any]
    created_at: datetime


class FeatureTotal(BaseModel):
    """What went to one feature in all."""

    feature: str
    amount: int
    count: int


class UsagePage(BaseModel):
    """A page of usage, newest first, and the totals of all that the filter lets through."""

    usage: list[UsageView]
    totals: list[FeatureTotal]
    next_cursor: str | None
