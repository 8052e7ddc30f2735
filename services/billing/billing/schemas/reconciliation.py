"""Comparisons with Stripe over HTTP."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class ReconciliationView(BaseModel):
    """A comparison: what was seen, differed, was repaired, and what is open still."""

    model_config = ConfigDict(from_attributes=True)

    scope: str
    since: datetime
    began_at: datetime
    finished_at: datetime | None
    seen: dict[str, int]
    drift: int
    repaired: int
    open: list[str]
    flaw: str | None


class Reconciliations(BaseModel):
    """A page of comparisons, newest first."""

    reconciliations: list[ReconciliationView]
    next_cursor: str | None


class Asked(BaseModel):
    """It will be done in a moment."""

    status: Literal["accepted"] = "accepted"
