"""The moment of payment: a charge succeeds, is declined, or is under way and ends later."""

from typing import Any, Literal

from embedded.emulator.cards import DECLINED, Decline, Means, behind, charge_details
from embedded.emulator.money import part
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

Outcome = Literal["succeeded", "processing", "declined", "held"]

DEBIT_S = 4 * 86_400
AVAILABLE_S = 2 * 86_400
PERMILLE, FIXED = 29, 30
DISPUTES = {"dispute": "fraudulent", "inquiry": "general", "not_received": "product_not_received"}


def charge(tx: Tx, intent: Body, method: Body) -> Outcome:
    """Try to charge the amount of an intent, and tell everybody who waits for it."""
    means = behind(method)
    tx.change(intent, payment_method=method["id"], last_payment_error=None)
    decline = _told_to_fail(tx, intent) or (None if means.is_bank else means.decline)
    if decline is not None:
        outcome = _decline(tx, intent, method, decline)
    elif means.is_bank:
        outcome = _begin(tx, intent, method)
    elif intent["capture_method"] == "manual":
        outcome = _hold(tx, intent, method)
    else:
        outcome = _succeed(tx, intent, _new_charge(tx, intent, method), means)
    _tell(tx, intent)
    return outcome


def settle(tx: Tx, intent_id: str) -> None:
    """End a payment that is under way: a bank debit has arrived, or it never will."""
    intent = tx.known("payment_intent", intent_id)
    if intent is None or intent["status"] != "processing":
        return
    tx.unschedule("settle_payment", intent_id)
    method = tx.the("payment_method", intent["payment_method"])
    means = behind(method)
    first = tx.the("charge", intent["latest_charge"])
    if means.decline is not None:
        _decline(tx, intent, method, means.decline, first)
    else:
        _succeed(tx, intent, first, means)
    _tell(tx, intent)


def capture(tx: Tx, intent: Body, amount: int) -> Body:
    """Take what was held on a card, or a part of it."""
    first = tx.the("charge", intent["latest_charge"])
    fields = {
        "captured": True,
        "amount_captured": amount,
        "amount_refunded": first["amount"] - amount,
    }
    booked = book(tx, "charge", first["id"], amount, "charge")
    tx.change(first, "charge.captured", **fields, balance_transaction=booked)
    received = {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    tx.change(intent, "payment_intent.succeeded", **received)
    _tell(tx, intent)
    return intent


def book(tx: Tx, kind: str, source: str, amount: int, category: str) -> str:
    """Write down that the balance changed, with the fee of it; return the id of what was written."""
    fee = part(amount, PERMILLE, 1000) + FIXED if kind == "charge" else 0
    details = {
        "amount": fee,
        "application": None,
        "currency": "usd",
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    booked = tx.new(
        "balance_transaction",
        "txn",
        amount=amount,
        available_on=tx.now + AVAILABLE_S,
        fee=fee,
        fee_details=[details] if fee else [],
        net=amount - fee,
        reporting_category=category,
        source=source,
        type=kind,
    )
    tx.keep(booked)
    return str(booked["id"])


def _told_to_fail(tx: Tx, intent: Body) -> Decline | None:
    """Return the decline that a person asked for at the control page, once."""
    customer = tx.known("customer", intent["customer"])
    if customer is None or not hidden(customer).get("fail_next"):
        return None
    hidden(customer)["fail_next"] -= 1
    tx.keep(customer)
    return DECLINED


def _new_charge(tx: Tx, intent: Body, method: Body, **fields: Any) -> Body:
    made = tx.new(
        "charge",
        "py" if method["type"] == "us_bank_account" else "ch",
        amount=intent["amount"],
        billing_details=method["billing_details"],
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=charge_details(method),
        receipt_email=intent["receipt_email"],
        **fields,
    )
    return tx.keep(made)


def _succeed(tx: Tx, intent: Body, made: Body, means: Means) -> Outcome:
    amount = intent["amount"]
    fields = {"status": "succeeded", "paid": True, "captured": True, "amount_captured": amount}
    made |= {**fields, "outcome": _approved(), "receipt_url": tx.url(f"receipts/{made['id']}")}
    made["balance_transaction"] = book(tx, "charge", made["id"], amount, "charge")
    tx.add(made, "charge.succeeded")
    received = {"status": "succeeded", "amount_received": amount, "latest_charge": made["id"]}
    tx.change(intent, "payment_intent.succeeded", **received)
    if means.later in DISPUTES:
        hidden(made)["dispute"] = means.later
        tx.keep(made)
        tx.schedule(tx.now, "open_dispute", made["id"])
    return "succeeded"


def _begin(tx: Tx, intent: Body, method: Body) -> Outcome:
    made = _new_charge(tx, intent, method)
    tx.emit("charge.pending", tx.view(made))
    tx.change(intent, "payment_intent.processing", status="processing", latest_charge=made["id"])
    tx.schedule(tx.now + DEBIT_S, "settle_payment", intent["id"])
    return "processing"


def _hold(tx: Tx, intent: Body, method: Body) -> Outcome:
    made = _new_charge(tx, intent, method, status="succeeded", paid=True, outcome=_approved())
    tx.emit("charge.succeeded", tx.view(made))
    fields = {"status": "requires_capture", "amount_capturable": intent["amount"]}
    kind = "payment_intent.amount_capturable_updated"
    tx.change(intent, kind, **fields, latest_charge=made["id"])
    return "held"


def _decline(
    tx: Tx, intent: Body, method: Body, decline: Decline, made: Body | None = None
) -> Outcome:
    fields = {
        "status": "failed",
        "failure_code": decline.code,
        "failure_message": decline.message,
        "outcome": _declined(decline),
        "paid": False,
    }
    made = {**(made or _new_charge(tx, intent, method)), **fields}
    tx.add(made, "charge.failed")
    error = {
        "charge": made["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": tx.view(method),
        "type": "card_error",
    }
    tx.change(
        intent,
        "payment_intent.payment_failed",
        status="requires_payment_method",
        payment_method=None,
        latest_charge=made["id"],
        last_payment_error=error,
    )
    return "declined"


def _approved() -> Body:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 10,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def _declined(decline: Decline) -> Body:
    return {
        **_approved(),
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _tell(tx: Tx, intent: Body) -> None:
    for hear in tx.around.rules.outcomes:
        hear(tx, intent)


JOBS = {"settle_payment": settle}
