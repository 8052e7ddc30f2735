"""The pages of the billing portal."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from embedded.emulator import methods, portal
from embedded.emulator.control import Control
from embedded.emulator.errors import StripeError
from embedded.emulator.rendering import go, page
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden
from embedded.emulator.visiting import gone, means_for, typed_in

AT_PORTAL = ("pm_card_visa", "pm_card_mastercard", "pm_card_chargeCustomerFail")
PARTS = {
    "subscription_cancel": ("plan", "cancel"),
    "subscription_update": ("plan", "switch"),
    "subscription_update_confirm": ("plan", "switch"),
    "payment_method_update": ("card",),
}


ALL_PARTS = ("plan", "cancel", "switch", "card", "invoices")
FEATURES = {
    "cancel": "subscription_cancel",
    "switch": "subscription_update",
    "card": "payment_method_update",
    "invoices": "invoice_history",
}


def add_portal(router: APIRouter, control: Control) -> None:
    """Add the page of a portal session, and what its forms do."""

    @router.get("/portal/{word}", operation_id="show_portal")
    async def show(word: str) -> Response:
        """What a customer has, and what can be changed of it."""
        return await _portal_page(control, word)

    @router.post("/portal/{word}/{action}", operation_id="act_at_portal")
    async def act(word: str, action: str, request: Request) -> Response:
        """Change something, and show how it stands then."""
        typed = await typed_in(request)

        def work(tx: Tx) -> str | None:
            session = portal.visited(tx, word)
            _act(tx, session, action, typed)
            return _where_after(session)

        try:
            leads_to = await control.act(work)
        except StripeError as refusal:
            return await _portal_page(control, word, refusal)
        return go(leads_to or f"/emulator/portal/{word}")


async def _portal_page(
    control: Control, word: str, refusal: StripeError | None = None
) -> HTMLResponse:
    try:
        values = await control.act(lambda tx: _portal_values(tx, word))
    except StripeError as missing:
        return gone(missing)
    return page(
        "portal.html",
        status=refusal.status if refusal else 200,
        leads_to=values["session"]["return_url"],
        choices=means_for(AT_PORTAL),
        here=f"/emulator/portal/{word}",
        refusal=refusal.message if refusal else None,
        **values,
    )


def _portal_values(tx: Tx, word: str) -> dict[str, Any]:
    session = portal.visited(tx, word)
    customer = tx.the("customer", session["customer"])
    configuration = tx.the("billing_portal.configuration", session["configuration"])
    flow = session["flow"] or {"type": ""}
    features = configuration["features"]
    wanted = PARTS.get(flow["type"], ALL_PARTS)
    parts = [one for one in wanted if one not in FEATURES or features[FEATURES[one]]["enabled"]]
    plans = [_plan(tx, session, one) for one in portal.subscriptions_of(tx, session)]
    items = (flow.get("subscription_update_confirm") or {}).get("items") or [{}]
    return {
        "session": tx.view(session),
        "customer": customer,
        "parts": parts,
        "plans": plans,
        "method": methods.of(tx, customer["id"], plans[0]["subscription"] if plans else None),
        "invoices": tx.all("invoice", customer=customer["id"])[::-1],
        "opens": {"payment_method_update": "card"}.get(
            flow["type"], "switch" if "update" in flow["type"] else ""
        ),
        "wanted": items[0].get("price"),
    }


def _plan(tx: Tx, session: Body, subscription: Body) -> dict[str, Any]:
    item = tx.all("subscription_item", subscription=subscription["id"])[0]
    price = tx.the("price", item["price"])
    waiting = hidden(subscription).get("prices", {}).get(item["id"])
    return {
        "subscription": subscription,
        "item": item,
        "price": price,
        "product": tx.the("product", price["product"]),
        "choices": [
            {"price": one, "name": _name(tx, one)}
            for one in portal.choices(tx, session, subscription)
        ],
        "next": {"name": _name(tx, tx.the("price", waiting))} if waiting else None,
    }


def _name(tx: Tx, price: Body) -> str:
    return str(tx.the("product", price["product"])["name"])


def _act(tx: Tx, session: Body, action: str, typed: Mapping[str, str]) -> None:
    subscription = typed.get("subscription", "")
    acts: dict[str, Callable[[], object]] = {
        "cancel": lambda: portal.cancel(tx, session, subscription),
        "resume": lambda: portal.resume(tx, session, subscription),
        "switch": lambda: portal.switch(tx, session, subscription, typed.get("price", "")),
        "card": lambda: portal.change_card(
            tx, session, typed.get("number") or typed.get("means", "")
        ),
    }
    if action not in acts:
        message = f"There is nothing called {action} at the portal."
        raise StripeError(message)
    acts[action]()


def _where_after(session: Body) -> str | None:
    redirect = ((session["flow"] or {}).get("after_completion") or {}).get("redirect")
    return str(redirect["return_url"]) if redirect else None
