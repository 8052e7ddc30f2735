"""The control page and its API: what happened, and buttons for all that can happen next."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi import Body as JsonBody
from fastapi.responses import HTMLResponse
from pydantic import ValidationError, validate_call
from starlette.responses import Response

from embedded.emulator import deliveries
from embedded.emulator.actions import actions
from embedded.emulator.control import Control
from embedded.emulator.errors import StripeError
from embedded.emulator.invoices import DUNNING_END
from embedded.emulator.rendering import Guard, go, page
from embedded.emulator.store import Body, Span, rows
from embedded.emulator.totals import TAX
from embedded.emulator.tx import Tx, hidden
from embedded.emulator.visiting import typed_in
from shared.errors import DomainError, Invalid, NotFound

Acts = Mapping[str, Callable[..., Any]]

SHOWN = Span(10)
DELIVERIES_MAX = 12
LISTED_MAX = 500
ANCHORS = {
    "advance": "clock",
    "advance_to_next": "clock",
    "expire_session": "sessions",
    "renew": "subscriptions",
    "fail_next": "subscriptions",
    "cancel": "subscriptions",
    "end_dunning_with": "subscriptions",
    "tax": "subscriptions",
    "break_next": "faults",
}
OF_WEBHOOKS = ("hold", "release", "drop", "cut", "double", "mend", "deliver_again")


class Refused(DomainError):
    """The emulated Stripe refuses this."""

    code = "refused_by_stripe"


def routes(control: Control, guard: Guard) -> APIRouter:
    """Return the control page, and the API that does the same."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(guard)])
    acts = actions(control)
    _pages(router, control, acts)
    _api(router, control, acts)
    return router


def _pages(router: APIRouter, control: Control, acts: Acts) -> None:
    @router.get("", operation_id="show_controls")
    async def show() -> HTMLResponse:
        """Everything at one glance, newest first."""
        return await _page(control)

    @router.post("/act/{name}", operation_id="act_on_stripe")
    async def act(name: str, request: Request) -> Response:
        """Do one thing, and show the page again."""
        given = {key: value for key, value in (await typed_in(request)).items() if value}
        try:
            result = await _do(acts, name, given)
        except (StripeError, Invalid) as refusal:
            return await _page(control, str(refusal))
        if isinstance(result, dict) and result.get("object") == "billing_portal.session":
            return go(result["url"])
        return go(f"/emulator#{_anchor(name)}")


def _api(router: APIRouter, control: Control, acts: Acts) -> None:
    @router.post("/api/{name}", operation_id="ask_emulator")
    async def ask(name: str, given: dict[str, Any] | None = JsonBody(None)) -> dict[str, Any]:  # noqa: B008
        """Do one thing, and answer what came of it."""
        try:
            return {"result": await _do(acts, name, given or {})}
        except StripeError as refusal:
            raise Refused(refusal.message, stripe=refusal.body("req_control")["error"]) from None

    @router.get("/api/events", operation_id="list_emulated_events")
    async def list_events(type: str | None = None) -> dict[str, Any]:  # noqa: A002 - Stripe's word
        """What happened, oldest first."""
        events = await control.events(*([type] if type else []))
        return {"events": events[-LISTED_MAX:]}

    @router.get("/api/deliveries", operation_id="list_emulated_deliveries")
    async def list_deliveries() -> dict[str, Any]:
        """The newest deliveries, newest first."""
        return {"deliveries": await control.act(lambda tx: _deliveries(tx, LISTED_MAX))}

    @router.get("/api/clock", operation_id="show_emulated_clock")
    async def show_clock() -> dict[str, Any]:
        """The account's time, and what comes due next."""
        return await control.act(lambda tx: {"now": tx.now, "next": _next(tx)})


async def _do(acts: Acts, name: str, given: Mapping[str, Any]) -> Any:
    if name not in acts:
        raise NotFound
    try:
        return await validate_call(acts[name])(**given)
    except ValidationError as flaw:
        errors = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in flaw.errors())
        message = f"That cannot be done: {errors}"
        raise Invalid(message) from None


async def _page(control: Control, refusal: str | None = None) -> HTMLResponse:
    shown = await control.act(_values)
    real = control.account.real()
    ahead = timedelta(seconds=max(0, shown["now"] - int(real)))
    return page(
        "control.html",
        status=400 if refusal else 200,
        ahead=str(ahead) if ahead.total_seconds() > 1 else None,
        mischief=control.mischief,
        faults=control.faults.on,
        refusal=refusal,
        **shown,
    )


def _values(tx: Tx) -> dict[str, Any]:
    return {
        "now": tx.now,
        "due": _next(tx),
        "sessions": [(one, _who(one)) for one in tx.select("checkout.session", {}, SHOWN)],
        "payments": [_payment(tx, charge) for charge in tx.select("charge", {}, SHOWN)],
        "subscriptions": [_subscription(tx, one) for one in tx.select("subscription", {}, SHOWN)],
        "customers": tx.select("customer", {"deleted": None}, SHOWN),
        "deliveries": _deliveries(tx, DELIVERIES_MAX),
        "dunning": tx.tables.fact(DUNNING_END, "cancel"),
        "tax": tx.tables.fact(TAX, "0"),
    }


def _who(session: Body) -> str:
    details = session["customer_details"] or {}
    known = details.get("email") or session["customer_email"] or session["customer"]
    return str(known or "a guest")


def _payment(tx: Tx, charge: Body) -> dict[str, Any]:
    return {
        "charge": charge,
        "refunds": tx.all("refund", charge=charge["id"]),
        "disputes": tx.all("dispute", charge=charge["id"]),
    }


def _subscription(tx: Tx, subscription: Body) -> dict[str, Any]:
    item = tx.all("subscription_item", subscription=subscription["id"])[0]
    price = tx.the("price", item["price"])
    customer = tx.the("customer", subscription["customer"])
    return {
        "subscription": subscription,
        "name": tx.the("product", price["product"])["name"],
        "email": customer.get("email") or customer["id"],
        "end": item["current_period_end"],
        "failing": bool(hidden(customer).get("fail_next")),
    }


def _deliveries(tx: Tx, limit: int) -> list[dict[str, Any]]:
    found = deliveries.recent(tx.tables, limit)
    return [{**one, "type": tx.the("event", one["event"])["type"]} for one in found]


def _next(tx: Tx) -> dict[str, Any] | None:
    sql = "SELECT at, job, subject FROM due WHERE at > ? ORDER BY at, seq LIMIT 1"
    return next(rows(tx.tables.execute(sql, (tx.now,))), None)


def _anchor(name: str) -> str:
    return "webhooks" if name in OF_WEBHOOKS else ANCHORS.get(name, "payments")
