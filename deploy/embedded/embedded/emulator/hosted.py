"""The pages that Stripe would host: checkout, payment links, the billing portal, invoices."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from embedded.emulator import checkout, forms, methods, paying, portal
from embedded.emulator.cards import BY_TOKEN, Means, means_of
from embedded.emulator.control import Control
from embedded.emulator.documents import pdf
from embedded.emulator.errors import StripeError
from embedded.emulator.invoicing import attempt_payment
from embedded.emulator.money import shown
from embedded.emulator.paying import Payer
from embedded.emulator.rendering import Guard, go, page
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

SESSION_ID = "{CHECKOUT_SESSION_ID}"
AT_CHECKOUT = (
    "pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_createDispute",
    "pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds",
)  # fmt: skip
AT_PORTAL = ("pm_card_visa", "pm_card_mastercard", "pm_card_chargeCustomerFail")
NOTHING_TYPED = {"email": "", "name": "", "means": AT_CHECKOUT[0], "number": ""}
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


def routes(control: Control, guard: Guard) -> APIRouter:
    """Return the pages, each with what its forms do."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(guard)])
    for make in (_checkout, _links, _portal, _invoices):
        make(router, control)
    return router


def _checkout(router: APIRouter, control: Control) -> None:
    @router.get("/checkout/{session_id}", operation_id="show_checkout")
    async def show(session_id: str) -> Response:
        """What is sold, and a form to pay it."""
        return await _checkout_page(control, session_id)

    @router.post("/checkout/{session_id}", operation_id="pay_checkout")
    async def pay(session_id: str, request: Request) -> Response:
        """Pay, and lead back to the shop; a refusal is shown where it can be mended."""
        typed = {**NOTHING_TYPED, **await _typed(request)}
        payer = Payer(
            typed["number"] or typed["means"], typed["email"] or None, typed["name"] or None
        )
        try:
            paid = await control.pay(session_id, payer)
        except StripeError as refusal:
            return await _checkout_page(control, session_id, refusal, typed)
        return go(str(paid["success_url"]).replace(SESSION_ID, session_id))

    @router.post("/checkout/{session_id}/code", operation_id="apply_code")
    async def apply(session_id: str, request: Request) -> Response:
        """Take off what a promotion code promises; an empty one takes nothing off."""
        word = (await _typed(request)).get("code", "")
        try:
            await control.act(lambda tx: _apply(tx, session_id, word))
        except StripeError as refusal:
            return await _checkout_page(control, session_id, refusal)
        return go(f"/emulator/checkout/{session_id}")


def _links(router: APIRouter, control: Control) -> None:
    @router.get("/links/{word}", operation_id="follow_link")
    async def follow(word: str) -> Response:
        """Open a session for whoever came by a link."""
        try:
            session = await control.visit_link(word)
        except StripeError as refusal:
            return page(
                "message.html", status=404, title="Not in use", text=refusal.message, link=None
            )
        return go(f"/emulator/checkout/{session['id']}")

    @router.get("/receipts/{charge_id}", operation_id="show_receipt")
    async def show_receipt(charge_id: str) -> HTMLResponse:
        """That a charge was paid."""
        try:
            charge = await control.act(lambda tx: tx.at_path("charge", charge_id))
        except StripeError as refusal:
            return _gone(refusal)
        text = f"{shown(charge['amount'], charge['currency'])}, {charge['status']}."
        return page("message.html", title="Receipt", text=text, link=None)

    @router.get("/thanks", operation_id="show_thanks")
    async def thanks() -> HTMLResponse:
        """What a link leads to after the payment, where it leads nowhere else."""
        text = "Your payment was successful. You can close this page."
        return page("message.html", title="Thanks", text=text, link=None)


def _portal(router: APIRouter, control: Control) -> None:
    @router.get("/portal/{word}", operation_id="show_portal")
    async def show(word: str) -> Response:
        """What a customer has, and what can be changed of it."""
        return await _portal_page(control, word)

    @router.post("/portal/{word}/{action}", operation_id="act_at_portal")
    async def act(word: str, action: str, request: Request) -> Response:
        """Change something, and show how it stands then."""
        typed = await _typed(request)

        def work(tx: Tx) -> str | None:
            session = portal.visited(tx, word)
            _act(tx, session, action, typed)
            return _where_after(session)

        try:
            leads_to = await control.act(work)
        except StripeError as refusal:
            return await _portal_page(control, word, refusal)
        return go(leads_to or f"/emulator/portal/{word}")


def _invoices(router: APIRouter, control: Control) -> None:
    @router.get("/invoices/{invoice_id}", operation_id="show_invoice")
    async def show(invoice_id: str) -> Response:
        """One invoice, and a form to pay it where it is open."""
        return await _invoice_page(control, invoice_id)

    @router.post("/invoices/{invoice_id}", operation_id="pay_invoice")
    async def pay(invoice_id: str, request: Request) -> Response:
        """Pay an open invoice."""
        word = (await _typed(request)).get("means", AT_CHECKOUT[0])
        try:
            await control.act(lambda tx: _pay_invoice(tx, invoice_id, word))
        except StripeError as refusal:
            return await _invoice_page(control, invoice_id, refusal)
        return go(f"/emulator/invoices/{invoice_id}")

    @router.get("/invoices/{invoice_id}/pdf", operation_id="show_invoice_pdf")
    async def show_pdf(invoice_id: str) -> Response:
        """One invoice as a document."""
        try:
            invoice = await control.act(lambda tx: tx.view(tx.at_path("invoice", invoice_id)))
        except StripeError as refusal:
            return _gone(refusal)
        return Response(pdf(invoice), media_type="application/pdf")


async def _typed(request: Request) -> dict[str, str]:
    form = forms.decoded((await request.body()).decode(errors="replace"))
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


async def _checkout_page(
    control: Control,
    session_id: str,
    refusal: StripeError | None = None,
    typed: Mapping[str, str] = NOTHING_TYPED,
) -> HTMLResponse:
    try:
        values = await control.act(lambda tx: _session(tx, session_id))
    except StripeError as missing:
        return _gone(missing)
    session = values["session"]
    if session["status"] != "open":
        link = session["success_url"] if session["status"] == "complete" else session["cancel_url"]
        text = (
            "It was paid."
            if session["status"] == "complete"
            else "Its time is over. Go back and begin again."
        )
        title = f"This session is {session['status']}"
        link = (link or "").replace(SESSION_ID, session_id) or None
        return page("message.html", title=title, text=text, link=link, words="Go on")
    return page(
        "checkout.html",
        status=refusal.status if refusal else 200,
        leads_to=session["success_url"].replace(SESSION_ID, ""),
        choices=_means(AT_CHECKOUT),
        refusal=refusal.message if refusal else None,
        typed=typed,
        **values,
    )


def _session(tx: Tx, session_id: str) -> dict[str, Any]:
    session = tx.at_path("checkout.session", session_id, param="session")
    customer = tx.known("customer", session["customer"])
    code = next((pair["promotion_code"] for pair in session["discounts"]), None)
    promotion = tx.known("promotion_code", code)
    trial = hidden(session)["subscription"]
    is_trial = bool(trial.get("trial_period_days") or trial.get("trial_end"))
    return {
        "session": tx.view(session),
        "items": checkout.items_of(tx, session),
        "email": (customer or {}).get("email") or session["customer_email"],
        "code": promotion["code"] if promotion else None,
        "due": 0 if is_trial else session["amount_total"],
        "asks": session["amount_total"] > 0 or session["mode"] == "subscription",
    }


def _apply(tx: Tx, session_id: str, word: str) -> None:
    session = paying.open_session(tx, session_id)
    if word:
        paying.apply_code(tx, session, word)
    else:
        checkout.reprice(tx, session, [])
        tx.keep(session)


async def _portal_page(
    control: Control, word: str, refusal: StripeError | None = None
) -> HTMLResponse:
    try:
        values = await control.act(lambda tx: _portal_values(tx, word))
    except StripeError as missing:
        return _gone(missing)
    return page(
        "portal.html",
        status=refusal.status if refusal else 200,
        leads_to=values["session"]["return_url"],
        choices=_means(AT_PORTAL),
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


async def _invoice_page(
    control: Control, invoice_id: str, refusal: StripeError | None = None
) -> HTMLResponse:
    try:
        invoice = await control.act(lambda tx: tx.view(tx.at_path("invoice", invoice_id)))
    except StripeError as missing:
        return _gone(missing)
    status = refusal.status if refusal else 200
    words = refusal.message if refusal else None
    return page(
        "invoice.html", status=status, invoice=invoice, choices=_means(AT_CHECKOUT), refusal=words
    )


def _pay_invoice(tx: Tx, invoice_id: str, word: str) -> None:
    invoice = tx.at_path("invoice", invoice_id)
    if invoice["status"] != "open":
        message = f"This invoice is {invoice['status']}."
        raise StripeError(message)
    means = means_of(word)
    if means is None:
        message = "The emulator takes Stripe's test cards only."
        raise StripeError(message)
    attempt_payment(tx, invoice, tx.add(methods.new(tx, means)))


def _means(tokens: Sequence[str]) -> list[Means]:
    return [BY_TOKEN[token] for token in tokens]


def _gone(refusal: StripeError) -> HTMLResponse:
    return page("message.html", status=404, title="Not found", text=refusal.message, link=None)
