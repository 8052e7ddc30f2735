"""A gateway for these tests: the services' own schemas and refusals over lists in memory, really served."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from fastapi import Response

from shared.clock import Ids

ADMIN_KEY = "the-key-that-nobody-shall-read"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

Row = dict[str, Any]

FIRST_ID = Ids().new()
counter = count(FIRST_ID.int)


def new_id() -> UUID:
    """Return an id that sorts after all before it, even within a millisecond."""
    return UUID(int=next(counter))


@dataclass
class Gateway:
    """What the services have, and what they were asked."""

    origin: str = ""
    users: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    parked: dict[str, list[Row]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    runs: dict[UUID, Row] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    grants: dict[str, Row] = field(default_factory=dict)
    ready: Row = field(default_factory=dict)
    keys: Row = field(default_factory=dict)
    books: Row = field(default_factory=lambda: {"sections": {}, "days": []})
    compared: list[str] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    prices: Row = field(default_factory=dict)
    metrics: str = ""
    reconciled: int = 0
    raw: Response | None = None
    requests: list[str] = field(default_factory=list)
    keys_seen: set[str | None] = field(default_factory=set)

    def forget(self) -> None:
        self.__dict__.update(Gateway(self.origin).__dict__)

    def add_user(self, email: str, **fields: Any) -> Row:
        usual = {
            "name": None,
            "email_verified": True,
            "credits": 1000,
            "created_at": NOON,
            "roles": [],
            "opened_by": "signup",
        }
        return add(self.users, email=email, **{**usual, **fields})

    def add_task(self, **fields: Any) -> Row:
        usual = {
            "task_id": new_id(),
            "user_id": new_id(),
            "description": "Find me 100 leads in Miami",
            "status": "pending",
            "agent_type": "lead-generation",
            "credits_spent": 0,
            "expected": 100,
            "maximum": 1100,
            "is_cancel_requested": False,
            "error": None,
            "created_at": NOON,
            "updated_at": NOON,
        }
        row = add(self.tasks, **{**usual, **fields})
        row["id"] = row["task_id"]
        return row

    def add_payment(self, email: str, **fields: Any) -> Row:
        usual = {
            "stripe_checkout_session_id": "cs_test_1",
            "stripe_invoice_id": None,
            "stripe_payment_intent_id": None,
            "price_id": None,
            "user_id": None,
            "amount_cents": 123456,
            "currency": "usd",
            "credits": 1000,
            "refund_taken": 0,
            "dispute_taken": 0,
            "status": "granted",
            "note": None,
            "created_at": NOON,
            "paid_at": NOON,
        }
        return add(self.payments, email=email, **{**usual, **fields})

    def add_message(self, **fields: Any) -> Row:
        usual = {
            "cause": "c",
            "template": "welcome",
            "user_id": new_id(),
            "to_address": "ana@example.com",
            "state": "sent",
            "attempts": 1,
            "unknown_count": 0,
            "next_attempt_at": NOON,
            "sent_at": NOON,
            "error": None,
            "created_at": NOON,
        }
        return add(self.messages, **{**usual, **fields})

    def add_parked(self, service: str, **fields: Any) -> Row:
        usual = {
            "name": "credits.held.v1",
            "state": "parked",
            "attempt": 8,
            "reason": "ValueError: no",
            "retry_at": None,
            "first_failed_at": NOON,
            "last_failed_at": NOON,
            "resolved_by": None,
            "resolution": None,
            "headers": {"ce-id": "1"},
            "body": '{"task_id":"x"}',
        }
        return add(self.parked.setdefault(service, []), **{**usual, **fields})

    def add_run(self, **fields: Any) -> Row:
        usual = {
            "id": new_id(),
            "task_id": new_id(),
            "user_id": new_id(),
            "agent_type": "research",
            "executor": "openclaw",
            "description": "Find out",
            "hold_amount": 10,
            "state": "queued",
            "attempt": 0,
            "attempts_max": 3,
            "lease_owner": None,
            "lease_until": None,
            "deadline_at": NOON,
            "created_at": NOON,
            "started_at": None,
            "finished_at": None,
            "outcome": None,
            "reason": None,
            "units_used": None,
            "result": None,
            "files": [],
        }
        run = {**usual, **fields}
        self.runs[run["task_id"]] = run
        return run


def add(rows: list[Row], **fields: Any) -> Row:
    row = {"id": new_id(), **fields}
    rows.append(row)
    return row
