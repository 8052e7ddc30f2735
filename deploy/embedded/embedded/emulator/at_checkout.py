"""The pages at which people pay: checkout sessions, payment links, receipts."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from embedded.emulator import checkout, paying
from embedded.emulator.control import Control
from embedded.emulator.errors import StripeError
from embedded.emulator.money import shown
from embedded.emulator.paying import Payer
from embedded.emulator.rendering import go, page
from embedded.emulator.tx import Tx, hidden
from embedded.emulator.visiting import AT_CHECKOUT, gone, means_for, typed_in

SESSION_ID = "{CHECKOUT_SESSION_ID}"
NOTHING_TYPED = {"email": "", "name": "", "means": AT_CHECKOUT[0], "number": ""}


def add_checkout(router: APIRouter, control: Control) -> None:
    """Add the page of a session, and what its forms do."""

    @router.get("/checkout/{session_id}", operation_id="show_checkout")
    async def show(session_id: str) -> Response:
        """What is sold, and a form to pay it."""
        return await _checkout_page(control, session_id)

    @router.post("/checkout/{session_id}", operation_id="pay_checkout")
    async def pay(session_id: str, request: Request) -> Response:
        """Pay, and lead back to the shop; a refusal is shown where it can be mended."""
        typed = {**NOTHING_TYPED, **await typed_in(request)}
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
        word = (await typed_in(request)).get("code", "")
        try:
            await control.act(lambda tx: _apply(tx, session_id, word))
        except StripeError as refusal:
            return await _checkout_page(control, session_id, refusal)
        return go(f"/emulator/checkout/{session_id}")


def add_links(router: APIRouter, control: Control) -> None:
    """Add what payment links lead to, and where a payment ends that leads nowhere else."""

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
            return gone(refusal)
        text = f"{shown(charge['amount'], charge['currency'])}, {charge['status']}."
        return page("message.html", title="Receipt", text=text, link=None)

    @router.get("/thanks", operation_id="show_thanks")
    async def thanks() -> HTMLResponse:
        """What a link leads to after the payment, where it leads nowhere else."""
        text = "Your payment was successful. You can close this page."
        return page("message.html", title="Thanks", text=text, link=None)


async def _checkout_page(
    control: Control,
    session_id: str,
    refusal: StripeError | None = None,
    typed: Mapping[str, str] = NOTHING_TYPED,
) -> HTMLResponse:
    try:
        values = await control.act(lambda tx: _session(tx, session_id))
    except StripeError as missing:
        return gone(missing)
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
        choices=means_for(AT_CHECKOUT),
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
