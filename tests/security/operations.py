"""The operations of the product, from its OpenAPI document, and a request that fits each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

import httpx2

from tests.security.product import Json, Product

PARAMETER = re.compile(r"\{(\w+)\}")
Ids = Mapping[str, str]

# A body that fits, for every operation that takes one as JSON: a new operation is to be entered here.
BODIES: Mapping[str, Json] = {
    "sign_up": {"email": "somebody@example.com", "password": "correct horse battery"},
    "claim_account": {"token": "x", "password": "correct horse battery"},
    "verify_email": {"token": "x"},
    "forget_password": {"email": "somebody@example.com"},
    "reset_password": {"token": "x", "password": "correct horse battery"},
    "change_password": {"current_password": "a guess", "password": "correct horse battery"},
    "change_user": {"name": "Ann"},
    "change_roles": {"roles": []},
    "log_in": {"email": "somebody@example.com", "password": "correct horse battery"},
    "grant_credits": {
        "user_id": f"usr_{uuid4().hex}",
        "amount": 1,
        "reason": "test",
        "idempotency_key": "x",
    },
    "spend_credits": {"amount": 1, "reason": "test"},
    "use_example": {"prompt": "test"},
    "compare_books": {"day": "2026-01-01"},
    "sync_prices": {"dry_run": True},
    "create_checkout_session": {"price_id": "price_of_nobody"},
    "request_refund": {"reason": "test"},
    "close_payment": {"reason": "test"},
    "reject_refund": {"reason": "test"},
    "estimate_task": {"description": "Write a haiku"},
    "create_task": {"description": "Write a haiku"},
    "set_run_status": {"status": "in-progress"},
    **{
        f"discard_parked_{service}": {"reason": "test"}
        for service in ("auth", "billing", "tasks", "notifier", "agent_runner")
    },
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, and what the document says of it."""

    method: str
    path: str
    document: Json

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def id(self) -> str:
        return str(self.document["operationId"])

    @property
    def parameters(self) -> list[str]:
        """The names of the ids in its path."""
        return PARAMETER.findall(self.path)

    @property
    def query(self) -> list[str]:
        """The names of what its query may say."""
        parameters = self.document.get("parameters", [])
        return [each["name"] for each in parameters if each["in"] == "query"]

    @property
    def is_secured(self) -> bool:
        return bool(self.document.get("security"))

    @property
    def is_admin(self) -> bool:
        return any("admin key" in way for way in self.document.get("security", []))

    @property
    def is_stream(self) -> bool:
        return "text/event-stream" in self.document["responses"].get("200", {}).get("content", {})

    @property
    def media_types(self) -> set[str]:
        """In which forms it takes a body."""
        return set(self.document.get("requestBody", {}).get("content", {}))

    async def call(self, product: Product, ids: Ids, headers: Mapping[str, str]) -> httpx2.Response:
        """Make a request that fits, with these ids in the path."""
        path = PARAMETER.sub(lambda found: ids[found[1]], self.path)
        form = {"file": ("a.txt", b"text")} if "multipart/form-data" in self.media_types else None
        once = {"idempotency-key": uuid4().hex}
        return await product.http.request(
            self.method, path, headers={**once, **headers}, json=self.body, files=form
        )

    @property
    def body(self) -> Json | None:
        return BODIES[self.id] if "application/json" in self.media_types else None


async def operations(product: Product) -> list[Operation]:
    """Return every operation that the product describes."""
    document = (await product.http.get("/api/openapi.json")).json()
    return [
        Operation(method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def nowhere(operation: Operation) -> Ids:
    """Ids of the right form that are nobody's."""
    prefixes = {
        "task_id": "task",
        "file_id": "file",
        "user_id": "usr",
        "parked_id": "parked",
        "payment_id": "pay",
        "refund_id": "refund",
        "transaction_id": "txn",
        "checkout_session_id": "cs_test",
        "session_id": "ses",
    }
    return {name: f"{prefixes[name]}_{uuid4().hex}" for name in operation.parameters}
