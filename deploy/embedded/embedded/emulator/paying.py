"""What happens when somebody pays at a checkout page."""

from dataclasses import dataclass
from typing import Any

from embedded.emulator import charging, discounts, methods, payments, promotion_codes
from embedded.emulator.cards import means_of
from embedded.emulator.checkout import reprice
from embedded.emulator.customers import check_email, new
from embedded.emulator.errors import StripeError, required
from embedded.emulator.metadata import merged
from embedded.emulator.store import Body
from embedded.emulator.subscribing import subscribe
from embedded.emulator.tx import Tx, hidden


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, and with what: a test card's number, or one of Stripe's test tokens."""

    means: str = "pm_card_visa"
    email: str | None = None
    name: str | None = None
    promotion_code: str | None = None


def pay(tx: Tx, session_id: str, payer: Payer) -> Body:
    """Pay an open session; a card that is declined leaves it open."""
    session = open_session(tx, session_id)
    if payer.promotion_code:
        apply_code(tx, session, payer.promotion_code)
    customer = _customer(tx, session, payer)
    hidden(session)["payer"] = _details(session, customer, payer)
    tx.keep(session)
    if session["mode"] == "subscription":
        _subscribe(tx, session, customer, payer)
    elif session["amount_total"] == 0:
        complete(tx, session, "no_payment_required")
    else:
        _charge(tx, session, customer, payer)
    return tx.the("checkout.session", session_id)


def open_session(tx: Tx, session_id: str) -> Body:
    """Return a session that can still be paid."""
    session = tx.at_path("checkout.session", session_id, param="session")
    if session["status"] != "open":
        message = f"This Checkout Session is {session['status']} and can no longer be paid."
        raise StripeError(message, param="session")
    return session


def apply_code(tx: Tx, session: Body, word: str) -> None:
    """Take off what a promotion code promises, where the session takes codes."""
    if not session["allow_promotion_codes"]:
        message = "This Checkout Session takes no promotion codes."
        raise StripeError(message, param="promotion_code")
    total = session["amount_subtotal"]
    code = promotion_codes.usable_code(tx, word, session["customer"], total, "promotion_code")
    pair = {"coupon": code["promotion"]["coupon"], "promotion_code": code["id"]}
    reprice(tx, session, [pair])
    tx.keep(session)


def hear_payment(tx: Tx, intent: Body) -> None:
    """Complete the session that an intent belongs to, or say how its payment ended afterwards."""
    session = tx.known("checkout.session", hidden(intent).get("session"))
    if session is None:
        return
    status = intent["status"]
    if session["status"] == "open":
        session["payment_intent"] = intent["id"] if session["mode"] == "payment" else None
        if status in ("succeeded", "processing", "requires_capture"):
            complete(tx, session, "paid" if status == "succeeded" else "unpaid")
        else:
            tx.keep(session)
    elif session["status"] == "complete" and session["payment_status"] == "unpaid":
        if status == "succeeded":
            tx.change(session, payment_status="paid")
            tx.emit("checkout.session.async_payment_succeeded", tx.view(session))
        elif status == "requires_payment_method":
            tx.emit("checkout.session.async_payment_failed", tx.view(session))


def complete(tx: Tx, session: Body, payment_status: str) -> None:
    """End a session well."""
    secret = hidden(session)
    for pair in session["discounts"] if session["mode"] == "payment" else ():
        discounts.redeem(tx, pair)
    tx.unschedule("expire_session", session["id"])
    tx.change(
        session,
        status="complete",
        payment_status=payment_status,
        customer=secret.get("customer") or session["customer"],
        customer_details=secret["payer"],
    )
    tx.emit("checkout.session.completed", tx.view(session))


def _customer(tx: Tx, session: Body, payer: Payer) -> Body | None:
    """Return who buys: the session's customer, or a new one where there shall be one."""
    wanted = session["customer"] or hidden(session).get("customer")
    if wanted is not None:
        return tx.get("customer", wanted, param="customer")
    email = payer.email or session["customer_email"]
    check_email(email)
    if email is None:
        raise required("email")
    is_needed = (
        session["mode"] == "subscription"
        or session["customer_creation"] == "always"
        or session["amount_total"] == 0
    )
    if not is_needed:
        return None
    customer = tx.add(new(tx, email=email, name=payer.name), "customer.created")
    hidden(session)["customer"] = customer["id"]
    return customer


def _details(session: Body, customer: Body | None, payer: Payer) -> Body:
    known = customer or {}
    address = {
        "city": None,
        "country": "US",
        "line1": None,
        "line2": None,
        "postal_code": "94107",
        "state": None,
    }
    return {
        "address": known.get("address") or address,
        "business_name": None,
        "email": known.get("email") or payer.email or session["customer_email"],
        "individual_name": None,
        "name": payer.name or known.get("name"),
        "phone": known.get("phone"),
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _method(tx: Tx, session: Body, payer: Payer) -> Body:
    means = means_of(payer.means)
    if means is None:
        return tx.get("payment_method", payer.means, param="payment_method")
    details = hidden(session)["payer"]
    billing = {name: details[name] for name in ("address", "email", "name", "phone")}
    return tx.add(methods.new(tx, means, billing=billing))


def _charge(tx: Tx, session: Body, customer: Body | None, payer: Payer) -> None:
    method = _method(tx, session, payer)
    intent = tx.known("payment_intent", session["payment_intent"])
    if intent is None:
        intent = _intent(tx, session, customer)
    tx.change(intent, amount=session["amount_total"])
    if charging.charge(tx, intent, method) == "declined":
        raise payments.declined(tx, intent)
    if intent["setup_future_usage"] is not None and customer is not None:
        methods.attach(tx, method, customer["id"])


def _intent(tx: Tx, session: Body, customer: Body | None) -> Body:
    given: dict[str, Any] = dict(hidden(session)["intent"])
    given["metadata"] = merged(None, given.get("metadata"))
    intent = payments.new(
        tx,
        session["amount_total"],
        session["currency"],
        customer=customer["id"] if customer else None,
        **given,
    )
    intent["payment_method_types"] = session["payment_method_types"]
    hidden(intent)["session"] = session["id"]
    return tx.add(intent, "payment_intent.created")


def _subscribe(tx: Tx, session: Body, customer: Body | None, payer: Payer) -> None:
    assert customer is not None, "a subscription has a customer"
    method = methods.attach(tx, _method(tx, session, payer), customer["id"])
    subscribe(tx, session, customer, method)
    session = tx.the("checkout.session", session["id"])
    if session["status"] == "open":  # nothing was to be charged, so nothing told us
        complete(tx, session, "no_payment_required")
