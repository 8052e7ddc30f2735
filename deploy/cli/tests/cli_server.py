"""The gateway of these tests, really served: the services' own schemas and refusals over its lists."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import uvicorn
from cli_gateway import ADMIN_KEY, NOON, Gateway, Row, add, new_id
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response, UploadFile
from fastapi.responses import PlainTextResponse

from agent_runner.schemas import FileView, RunView, StatusChange
from auth.schemas import RolesChange, Users, UserView
from billing.models import PaymentStatus
from billing.schemas.books import CompareRequest, DayView, Report
from billing.schemas.catalogue import AllPrices, Seeded, SyncRequest, SyncResult
from billing.schemas.credits import GrantRequest
from billing.schemas.payments import Closing, Payments, PaymentView
from billing.schemas.reconciliation import Asked
from billing.schemas.refunds import RefundAsked, Refunds, RefundView, Rejection
from billing.schemas.transactions import Transaction
from notifier.schemas import MessagePage, State
from shared import problems
from shared.admin import Discard, ParkedEvent, ParkedEventInFull, ParkedEvents
from shared.errors import Conflict, Forbidden, NotFound, Unavailable
from shared.health import Ready
from shared.http import AdminKey, CurrentOperator, bind
from shared.ids import ParkedId, PaymentId, RefundId, TaskId, UserId
from shared.pages import Cursor, Limit, id_of
from tasks.schemas import OwnedTasks, StatusWord


@contextmanager
def serving(gateway: Gateway) -> Iterator[Gateway]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gateway.origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            _app(gateway), log_config=None, access_log=False, lifespan="off", ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield gateway
        finally:
            server.should_exit = True
            thread.join()


def _app(gateway: Gateway) -> FastAPI:
    async def remember(request: Request) -> None:
        gateway.requests.append(f"{request.method} {request.url.path}")
        gateway.keys_seen.add(request.headers.get("x-admin-key"))

    bound = bind({AdminKey: AdminKey(ADMIN_KEY)})
    app = FastAPI(dependencies=[Depends(remember), Depends(bound)])
    problems.install(app)

    @app.middleware("http")
    async def answer_raw(request: Request, call_next: Any) -> Response:
        return gateway.raw or await call_next(request)

    for routes in (_lists, _payments, _accounts, _books, _prices, _refunds, _desk, _events):
        app.include_router(routes(gateway))
    return app


def _page(rows: list[Row], limit: int, cursor: str | None, **filters: Any) -> tuple[list, Any]:
    before = id_of(cursor)
    found = [
        row
        for row in sorted(rows, key=lambda row: row["id"], reverse=True)
        if (before is None or row["id"] < before)
        and all(value is None or row[name] == value for name, value in filters.items())
    ][:limit]
    return found, found[-1]["id"].hex if len(found) == limit else None


def _lists(gateway: Gateway) -> APIRouter:
    router = APIRouter()

    @router.get("/api/admin/tasks")
    async def tasks(
        _: CurrentOperator,
        status: Annotated[list[StatusWord] | None, Query()] = None,
        user_id: UserId | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> OwnedTasks:
        known = [row for row in gateway.tasks if status is None or row["status"] in status]
        rows, after = _page(known, limit, cursor, user_id=user_id)
        return OwnedTasks(tasks=rows, next_cursor=after)

    @router.get("/api/admin/messages")
    async def messages(
        _: CurrentOperator, state: State | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> MessagePage:
        rows, after = _page(gateway.messages, limit, cursor, state=state)
        return MessagePage(messages=rows, next_cursor=after)

    @router.get("/health/ready")
    async def ready(response: Response) -> Ready:
        response.status_code = 200 if gateway.ready["status"] == "ready" else 503
        return Ready(**gateway.ready)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics(_: CurrentOperator) -> str:
        return gateway.metrics

    return router


def _accounts(gateway: Gateway) -> APIRouter:
    router = APIRouter()

    @router.get("/api/admin/users")
    async def users(
        _: CurrentOperator, email: str = "", limit: Limit = 50, cursor: Cursor = None
    ) -> Users:
        known = [row for row in gateway.users if email.casefold() in row["email"].casefold()]
        rows, after = _page(known, limit, cursor)
        return Users(users=rows, next_cursor=after)

    @router.get("/api/admin/users/{user_id}")
    async def user(user_id: UserId, _: CurrentOperator) -> UserView:
        return UserView(**_one(gateway.users, user_id))

    @router.put("/api/admin/users/{user_id}/roles")
    async def roles(user_id: UserId, body: RolesChange, _: CurrentOperator) -> UserView:
        account = _one(gateway.users, user_id)
        account["roles"] = body.roles
        return UserView(**account)

    @router.post("/api/credits/grant", status_code=201)
    async def grant(body: GrantRequest, _: CurrentOperator, response: Response) -> Transaction:
        known = gateway.grants.get(body.idempotency_key)
        if known is None:
            known = {"id": new_id(), "user_id": body.user_id, "amount": body.amount}
            gateway.grants[body.idempotency_key] = known
        else:
            response.status_code = 200
        if (known["user_id"], known["amount"]) != (body.user_id, body.amount):
            message = "This idempotency key was used for another grant."
            raise Conflict(message)
        return Transaction(
            **known,
            type="bonus",
            kind="admin_grant",
            balance_after=1000 + body.amount,
            description=f"{body.reason} (admin-key)",
            payment_id=None,
            task_id=None,
            created_at=NOON,
        )

    return router


def _prices(gateway: Gateway) -> APIRouter:
    router = APIRouter()

    @router.get("/api/admin/prices")
    async def prices(_: CurrentOperator) -> AllPrices:
        return AllPrices(**gateway.prices["all"])

    @router.post("/api/billing/sync-prices")
    async def sync(body: SyncRequest, _: CurrentOperator) -> SyncResult:
        return SyncResult(**{**gateway.prices["sync"], "dry_run": body.dry_run})

    @router.post("/api/admin/prices/seed")
    async def seed(_: CurrentOperator) -> Seeded:
        return Seeded(**gateway.prices["seed"])

    return router


def _payments(gateway: Gateway) -> APIRouter:
    router = APIRouter()

    @router.get("/api/admin/payments")
    async def payments(
        _: CurrentOperator,
        status: PaymentStatus | None = None,
        email: str | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Payments:
        rows, after = _page(gateway.payments, limit, cursor, status=status, email=email)
        return Payments(payments=rows, next_cursor=after)

    @router.post("/api/admin/payments/{payment_id}/close")
    async def close(payment_id: PaymentId, body: Closing, _: CurrentOperator) -> PaymentView:
        row = _one(gateway.payments, payment_id)
        if row["status"] != "review":
            message = "The payment does not wait for a person."
            raise Conflict(message)
        row |= {"status": "closed", "note": f"closed: {body.reason}"}
        return PaymentView(**row)

    return router


def _refunds(gateway: Gateway) -> APIRouter:
    router = APIRouter()

    def decided(refund_id: UUID, status: str, failure: str | None = None) -> RefundView:
        row = _one(gateway.refunds, refund_id)
        if row["status"] != "requested":
            message = f"This refund is {row['status']} already."
            raise Conflict(message)
        row |= {"status": status, "failure": failure}
        row["steps"] = [*row["steps"], step(status)]
        return RefundView(**row)

    def step(name: str) -> Row:
        return {"step": name, "by": "admin-key", "note": None, "created_at": NOON}

    @router.post("/api/admin/payments/{payment_id}/refunds", status_code=201)
    async def request(payment_id: PaymentId, body: RefundAsked, _: CurrentOperator) -> RefundView:
        _one(gateway.payments, payment_id)
        row = add(
            gateway.refunds,
            payment_id=payment_id,
            payer="ann@example.com",
            amount_cents=body.amount_cents or 123456,
            currency="usd",
            reason=body.reason,
            status="requested",
            stripe_refund_id=None,
            failure=None,
            requested_by="admin-key",
            created_at=NOON,
            steps=[step("requested")],
        )
        return RefundView(**row)

    @router.get("/api/admin/refunds")
    async def refunds(
        _: CurrentOperator, status: str | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Refunds:
        rows, after = _page(gateway.refunds, limit, cursor, status=status)
        return Refunds(refunds=rows, next_cursor=after)

    @router.post("/api/admin/refunds/{refund_id}/approve")
    async def approve(refund_id: RefundId, _: CurrentOperator) -> RefundView:
        return decided(refund_id, "approved")

    @router.post("/api/admin/refunds/{refund_id}/reject")
    async def reject(refund_id: RefundId, body: Rejection, _: CurrentOperator) -> RefundView:
        return decided(refund_id, "rejected", body.reason)

    return router


def _books(gateway: Gateway) -> APIRouter:
    router = APIRouter()

    @router.get("/.well-known/billing-keys.json")
    async def keys() -> Row:
        return gateway.keys

    @router.get("/api/admin/books")
    async def books(_: CurrentOperator, limit: int) -> Report:
        return Report(**{**gateway.books, "days": gateway.books["days"][:limit]})

    @router.post("/api/admin/reconcile", status_code=202)
    async def reconcile(_: CurrentOperator) -> Asked:
        gateway.reconciled += 1
        return Asked()

    @router.post("/api/admin/books/compare", status_code=202)
    async def compare(body: CompareRequest, _: CurrentOperator) -> DayView:
        day = body.day.isoformat()
        found = [row for row in gateway.books["days"] if row["day"] == day]
        if not found:
            raise NotFound
        gateway.compared.append(day)
        return DayView(**found[0])

    return router


def _desk(gateway: Gateway) -> APIRouter:  # noqa: C901 - one router
    router = APIRouter(prefix="/api/admin/runs")

    def find(task_id: UUID) -> Row:
        if task_id not in gateway.runs:
            raise NotFound
        run = gateway.runs[task_id]
        if run["state"] == "finished":
            message = "This task is finished."
            raise Conflict(message)
        return run

    @router.get("/{task_id}")
    async def run(task_id: TaskId, _: CurrentOperator) -> RunView:
        return RunView(**gateway.runs[task_id])

    @router.post("/{task_id}/status")
    async def change(task_id: TaskId, body: StatusChange, _: CurrentOperator) -> RunView:
        run = find(task_id)
        if body.status in ("in-progress", "running"):
            run |= {"state": "running", "executor": "human", "lease_owner": "admin-key"}
        else:
            outcome = "succeeded" if body.status == "completed" else body.status
            ending = body.model_dump(include={"result", "reason", "units_used"})
            run |= {"state": "finished", "outcome": outcome, **ending}
        return RunView(**run)

    @router.post("/{task_id}/files", status_code=201)
    async def attach(task_id: TaskId, file: UploadFile, _: CurrentOperator) -> FileView:
        run = find(task_id)
        if run["executor"] != "human":
            message = "Take the task first (status in-progress); then attach files to it."
            raise Conflict(message)
        gateway.uploads[f"{file.filename} {file.content_type}"] = await file.read()
        view = {"id": new_id(), "name": file.filename, "size": file.size, "sha256": "0" * 64}
        run["files"].append({**view, "media_type": file.content_type})
        return FileView(**run["files"][-1])

    return router


def _events(gateway: Gateway) -> APIRouter:  # noqa: C901 - one router
    router = APIRouter(prefix="/api/admin/events/{service}")

    def known(service: str) -> list[Row]:
        if service in gateway.broken:
            raise Unavailable
        return gateway.parked.get(service, [])

    def open_event(service: str, parked_id: UUID) -> Row:
        row = _one(known(service), parked_id)
        if row["state"] in ("done", "discarded"):
            message = f"This event is {row['state']} already."
            raise Conflict(message)
        return row

    @router.get("")
    async def listed(
        service: str,
        _: CurrentOperator,
        state: Annotated[list[str] | None, Query()] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ParkedEvents:
        states = state or ["retrying", "attempting", "parked"]
        found = [row for row in known(service) if row["state"] in states]
        rows, after = _page(found, limit, cursor)
        return ParkedEvents(events=rows, next_cursor=after)

    @router.get("/{parked_id}")
    async def show(service: str, parked_id: ParkedId, _: CurrentOperator) -> ParkedEventInFull:
        return ParkedEventInFull(**_one(known(service), parked_id))

    @router.post("/{parked_id}/replay", status_code=202)
    async def replay(service: str, parked_id: ParkedId, _: CurrentOperator) -> ParkedEvent:
        row = open_event(service, parked_id)
        if row["name"] == "stubborn":
            raise Forbidden
        row |= {"state": "retrying", "attempt": 0, "resolved_by": "admin-key"}
        return ParkedEvent(**row)

    @router.post("/{parked_id}/discard")
    async def discard(
        service: str, parked_id: ParkedId, body: Discard, _: CurrentOperator
    ) -> ParkedEvent:
        row = open_event(service, parked_id)
        row |= {"state": "discarded", "resolved_by": "admin-key", "resolution": body.reason}
        return ParkedEvent(**row)

    return router


def _one(rows: list[Row], row_id: UUID) -> Row:
    for row in rows:
        if row["id"] == row_id:
            return row
    raise NotFound
