"""What the tests of tasks are made of: the service, a customer, the facts of others, an open stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import text

from shared.clock import Ids
from shared.contracts.credits import (
    Balance,
    CreditsDenied,
    CreditsGranted,
    CreditsHeld,
    CreditsRevoked,
    CreditsSettled,
)
from shared.contracts.tasks import (
    DeliveredFile,
    Outcome,
    TaskCreated,
    TaskFinished,
    TaskProgressed,
    TaskStarted,
    Terms,
)
from shared.ids import public
from shared.testing import ADMIN_KEY, ISSUER, ServiceUnderTest, TokenIssuer, under_test
from shared.tokens import Verifier
from tasks.hub import Hub
from tasks.service import build
from tasks.settings import TasksSettings

IDS = Ids()
READ_S_MAX = 20
SHA256 = "0" * 64


@dataclass
class TasksUnderTest:
    """The service, and who may call it."""

    running: ServiceUnderTest
    issuer: TokenIssuer
    blobs: Path

    @property
    def app(self) -> Any:
        return self.running.client._transport.app

    async def pass_pending(self) -> None:
        """Have the tasks that were heard of last before now waited for longer than they may."""
        async with self.running.database.transaction() as tx:
            await tx.execute(
                text(
                    "UPDATE tasks SET updated_at = updated_at - interval '1 hour 1 second'"
                    " WHERE status = 'pending'"
                )
            )

    @property
    def hub(self) -> Hub:
        hub: Hub = self.running.service.resources[Hub]
        return hub

    async def customer(self, *, with_credits: int = 0) -> "Customer":
        """A new user, with credits if any."""
        user_id = IDS.new()
        if with_credits:
            await self.running.deliver(granted(user_id, with_credits))
        return Customer(self, user_id, self.issuer.token(user_id))

    async def created(self, task_id: str) -> TaskCreated:
        """What was published when the task was asked for."""
        published = await self.running.published(TaskCreated)
        return next(event for event in published if event.task_id == uuid_of(task_id))


@dataclass
class Customer:
    """A signed-in user with their own headers."""

    tasks: TasksUnderTest
    id: UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.tasks.running.client.get(path, headers=self.headers, **options)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx2.Response:
        marks = {"Idempotency-Key": key} if key else {}
        return await self.tasks.running.client.post(
            path, json=body, headers={**self.headers, **marks}
        )

    async def ask(self, description: str = "Write to my bank", **others: Any) -> str:
        """Have a task accepted and return its id."""
        answer = await self.post("/api/tasks", {"description": description, **others})
        assert answer.status_code == 201, answer.text
        task_id: str = answer.json()["task_id"]
        return task_id

    async def view(self, task_id: str) -> dict[str, Any]:
        answer = await self.get(f"/api/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def following(
        self, *, after: int | None = None, token: str | None = None, path: str = "/api/events"
    ) -> Any:
        return following(self.tasks.app, token or self.token, after=after, path=path)


@asynccontextmanager
async def opened(
    database_url: str, issuer: TokenIssuer, blobs: Path
) -> AsyncIterator[TasksUnderTest]:
    settings = TasksSettings(
        site_url=ISSUER,
        jwks_url="http://test/none",
        admin_api_key=ADMIN_KEY,
        database_url=database_url,
        blobs_url=blobs.as_uri(),
        blobs_link_secret="the-secret-that-signs-links",
    )
    service = build(settings)
    service.resources[Verifier] = issuer.verifier()
    async with under_test(service) as running:
        yield TasksUnderTest(running, issuer, blobs)


def uuid_of(public_id: str) -> UUID:
    return UUID(hex=public_id.partition("_")[2])


def balance(available: int, *, reserved: int = 0, version: int = 1) -> Balance:
    return Balance(
        balance=available + reserved, reserved=reserved, available=available, version=version
    )


def granted(user_id: UUID, amount: int, *, version: int = 1) -> CreditsGranted:
    return CreditsGranted(
        user_id=user_id,
        transaction_id=IDS.new(),
        amount=amount,
        kind="purchase",
        balance=balance(amount, version=version),
    )


def revoked(user_id: UUID, left: int, *, version: int = 2) -> CreditsRevoked:
    return CreditsRevoked(
        user_id=user_id,
        payment_id=IDS.new(),
        transaction_id=IDS.new(),
        kind="refund",
        amount=1,
        owed=0,
        balance=balance(left, version=version),
    )


def held(task: TaskCreated, *, left: int = 900, version: int = 2) -> CreditsHeld:
    amount = task.terms.maximum
    return CreditsHeld(
        hold_id=IDS.new(),
        amount=amount,
        task=task,
        balance=balance(left, reserved=amount, version=version),
    )


def denied(task: TaskCreated, *, available: int = 3, version: int = 2) -> CreditsDenied:
    return CreditsDenied(
        task_id=task.task_id,
        user_id=task.user_id,
        needed=task.terms.maximum,
        balance=balance(available, version=version),
    )


def started(task: TaskCreated, *, attempt: int = 1, executor: str = "openclaw") -> TaskStarted:
    return TaskStarted(task_id=task.task_id, run_id=IDS.new(), attempt=attempt, executor=executor)


def progressed(
    task: TaskCreated, *, attempt: int = 1, note: str | None = None, text: str | None = None
) -> TaskProgressed:
    return TaskProgressed(task_id=task.task_id, attempt=attempt, note=note, text=text)


def finished(
    task: TaskCreated, outcome: Outcome = Outcome.SUCCEEDED, **others: Any
) -> TaskFinished:
    return TaskFinished(
        task_id=task.task_id,
        user_id=task.user_id,
        run_id=IDS.new(),
        description=task.description,
        outcome=outcome,
        **{"executor": "openclaw", **others},
    )


def settled(
    task: TaskCreated, captured: int, *, left: int = 990, version: int = 3
) -> CreditsSettled:
    return CreditsSettled(
        hold_id=IDS.new(),
        task_id=task.task_id,
        user_id=task.user_id,
        captured=captured,
        released=task.terms.maximum - captured,
        balance=balance(left, version=version),
    )


def delivered(name: str = "leads.csv", **others: Any) -> DeliveredFile:
    file_id = IDS.new()
    usual = {
        "file_id": file_id,
        "key": f"results/{file_id.hex}",
        "name": name,
        "size": 5,
        "media_type": "text/csv",
        "sha256": SHA256,
    }
    return DeliveredFile(**{**usual, **others})


def task_of(user_id: UUID, description: str = "Somebody else's") -> TaskCreated:
    """A task that is not kept by the service under test."""
    terms = Terms(expected=1, maximum=1)
    return TaskCreated(
        task_id=IDS.new(),
        user_id=user_id,
        agent_type="general",
        description=description,
        terms=terms,
    )


@dataclass(frozen=True)
class Heard:
    """One server-sent event."""

    kind: str
    seq: int
    data: dict[str, Any]


class LiveStream:
    """An open stream, read as a browser does."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self._changed = asyncio.Condition()
        self._is_over = False
        self._taken = 0

    async def send(self, message: dict[str, Any]) -> None:
        async with self._changed:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                self.body += message.get("body", b"")
            self._changed.notify_all()

    async def over(self) -> None:
        async with self._changed:
            self._is_over = True
            self._changed.notify_all()

    @property
    def heard(self) -> list[Heard]:
        """Every event so far."""
        blocks = self.body.decode().split("\n\n")[:-1]
        return [_heard(block) for block in blocks if not block.startswith(":")]

    async def next(self) -> Heard:
        """The next event."""
        self._taken += 1
        await self._until(lambda: len(self.heard) >= self._taken)
        return self.heard[self._taken - 1]

    async def opened(self) -> None:
        """Return when the answer has begun."""
        await self._until(lambda: self.status != 0)

    async def ended(self) -> None:
        """Return when the stream has ended."""
        await self._until(lambda: self._is_over)

    async def up_to(self, seq: int) -> list[Heard]:
        """Every event, once this one is there."""
        await self._until(lambda: any(event.seq >= seq for event in self.heard))
        return self.heard

    async def _until(self, holds: Any) -> None:
        async with asyncio.timeout(READ_S_MAX), self._changed:
            await self._changed.wait_for(holds)


@asynccontextmanager
async def following(
    app: Any, token: str, *, after: int | None = None, path: str = "/api/events"
) -> AsyncIterator[LiveStream]:
    stream = LiveStream()
    is_leaving = asyncio.Event()
    headers = [(b"authorization", f"Bearer {token}".encode())]
    if after is not None:
        headers.append((b"last-event-id", str(after).encode()))
    plain, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "headers": headers,
        "scheme": "http",
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "server": ("test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
    has_asked = False

    async def receive() -> dict[str, Any]:
        nonlocal has_asked
        if not has_asked:
            has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await is_leaving.wait()
        return {"type": "http.disconnect"}

    async def serve() -> None:
        try:
            await app(scope, receive, stream.send)
        finally:
            await stream.over()

    serving = asyncio.create_task(serve())
    try:
        yield stream
    finally:
        is_leaving.set()
        await asyncio.wait_for(serving, READ_S_MAX)


def _heard(block: str) -> Heard:
    fields = dict(line.partition(": ")[::2] for line in block.split("\n"))
    return Heard(fields["event"], int(fields["id"]), json.loads(fields["data"]))


def public_user(user_id: UUID) -> str:
    return public("usr", user_id)
