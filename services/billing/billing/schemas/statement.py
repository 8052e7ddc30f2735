"""The statement over HTTP, as its JSON reads."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class StatementPeriod(BaseModel):
    """From a moment on, up to another."""

    model_config = ConfigDict(populate_by_name=True)

    since: str = Field(alias="from")
    until: str = Field(alias="to")


class StatementState(BaseModel):
    """How the account stood after a line; `hash` is that line's."""

    line: int
    balance: int
    hash: str


class StatementLine(BaseModel):
    """A line. `hash` is the SHA-256 of its canonical JSON (RFC 8785) with `previous`, the hash before, instead of it."""

    line: int
    id: str
    created_at: str
    kind: str
    counterpart: str
    description: str
    amount: int
    balance_after: int
    key: str
    payment_id: str | None
    task_id: str | None
    hash: str


class StatementSignature(BaseModel):
    """An Ed25519 signature (base64url) over the canonical JSON of all the rest."""

    algorithm: str
    key_id: str
    value: str


class Statement(BaseModel):
    """An account's lines over a period, the chain that holds them, and a signature."""

    format: str
    issuer: str
    account: str
    period: StatementPeriod
    issued_at: str
    opening: StatementState
    closing: StatementState
    totals: dict[str, int]
    lines: list[StatementLine]
    signature: StatementSignature


class KeySet(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]
