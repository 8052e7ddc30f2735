"""The life of an invoice: draft, open, paid or not; and its attempts to be paid."""

from embedded.emulator import charging, methods, payments, standing
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

DRAFT_S = 3600
DAY_S = 86_400
RETRY_DAYS = (3, 5, 7)
DUNNING_END = "dunning.end"  # cancel, unpaid or past_due


def finalize(tx: Tx, invoice: Body) -> Body:
    """Make a draft final, with a number and, where something is to be paid, an intent to be paid."""
    owner = tx.the("customer", invoice["customer"])
    number = f"{owner['invoice_prefix']}-{owner['next_invoice_sequence']:04d}"
    balance = owner["balance"] + _balance_change(invoice)
    tx.change(owner, next_invoice_sequence=owner["next_invoice_sequence"] + 1)
    tx.change(owner, "customer.updated", balance=balance)
    tx.unschedule("finalize_invoice", invoice["id"])
    tx.change(
        invoice,
        status="open",
        number=number,
        ending_balance=balance,
        effective_at=tx.now,
        automatically_finalizes_at=None,
        status_transitions={**invoice["status_transitions"], "finalized_at": tx.now},
    )
    tx.emit("invoice.finalized", tx.view(invoice))
    if invoice["amount_due"] > 0:
        _intend(tx, invoice)
    else:
        _pay(tx, invoice, None)
    return invoice


def attempt(tx: Tx, invoice: Body, method: Body | None = None) -> str:
    """Try to have an open invoice paid; return how its intent stands then."""
    intent = intent_of(tx, invoice)
    assert intent is not None, "an open invoice has something to be paid"
    subscription = subscription_of(tx, invoice)
    method = method or methods.of(tx, invoice["customer"], subscription)
    if method is None:
        _fail(tx, invoice)
    else:
        charging.charge(tx, intent, method)
    invoice.update(tx.the("invoice", invoice["id"]))
    intent = tx.the("payment_intent", intent["id"])
    return str(intent["status"])


def hear_payment(tx: Tx, intent: Body) -> None:
    """Let an invoice know how its payment ended, or that it is under way."""
    invoice = tx.known("invoice", hidden(intent).get("invoice"))
    if invoice is None or invoice["status"] != "open":
        return
    if intent["status"] == "succeeded":
        _pay(tx, invoice, intent)
    elif intent["status"] == "processing":
        hidden(invoice)["under_way"] = True
        tx.change(invoice, "invoice.updated", attempted=True, next_payment_attempt=None)
        subscription = subscription_of(tx, invoice)
        if subscription is not None and subscription["status"] == "incomplete":
            standing.in_force(tx, subscription)
    else:
        _fail(tx, invoice)


def void(tx: Tx, invoice: Body) -> Body:
    """Let an invoice be as if it had never been."""
    _give_up(tx, invoice)
    times = {**invoice["status_transitions"], "voided_at": tx.now}
    tx.change(
        invoice,
        status="void",
        status_transitions=times,
        auto_advance=False,
        next_payment_attempt=None,
    )
    tx.emit("invoice.voided", tx.view(invoice))
    standing.delinquent(tx, invoice["customer"])
    return invoice


def write_off(tx: Tx, invoice: Body, reason: str = "user_forgiven") -> Body:
    """Give up hope for an invoice; it can still be paid."""
    tx.unschedule("retry_invoice", invoice["id"])
    times = {**invoice["status_transitions"], "marked_uncollectible_at": tx.now}
    details = {"uncollectible": {"reason": reason}}
    tx.change(
        invoice,
        status="uncollectible",
        status_transitions=times,
        auto_advance=False,
        status_details=details,
    )
    tx.emit("invoice.marked_uncollectible", tx.view(invoice))
    return invoice


def intent_of(tx: Tx, invoice: Body) -> Body | None:
    """Return the intent by which an invoice is to be paid."""
    return tx.known("payment_intent", hidden(invoice).get("intent"))


def subscription_of(tx: Tx, invoice: Body) -> Body | None:
    """Return the subscription that an invoice is of."""
    return tx.known("subscription", hidden(invoice).get("subscription"))


def view(tx: Tx, invoice: Body) -> Body:
    """Show an invoice; once final, with the addresses of its page and its document."""
    if invoice["status"] != "draft":
        invoice["hosted_invoice_url"] = tx.url(f"invoices/{invoice['id']}")
        invoice["invoice_pdf"] = tx.url(f"invoices/{invoice['id']}/pdf")
    return invoice


def _balance_change(invoice: Body) -> int:
    """Return by how much a customer's balance changes: credit (below zero) is used, or comes in."""
    return int(invoice["total"]) - int(invoice["amount_due"])


def _intend(tx: Tx, invoice: Body) -> None:
    intent = payments.new(
        tx,
        invoice["amount_due"],
        invoice["currency"],
        customer=invoice["customer"],
        description="Subscription creation"
        if invoice["billing_reason"] == "subscription_create"
        else "Subscription update",
        setup_future_usage="off_session",
        payment_method_types=["card", "us_bank_account"],
    )
    hidden(intent)["invoice"] = invoice["id"]
    subscription = subscription_of(tx, invoice)
    if subscription is not None and invoice["billing_reason"] == "subscription_create":
        hidden(intent)["session"] = hidden(subscription).get("session")
    tx.add(intent, "payment_intent.created")
    hidden(invoice)["intent"] = intent["id"]
    tx.keep(invoice)
    payment = tx.new(
        "invoice_payment",
        "inpay",
        amount_requested=invoice["amount_due"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
    )
    tx.keep(payment)


def _pay(tx: Tx, invoice: Body, intent: Body | None) -> None:
    tx.unschedule("retry_invoice", invoice["id"])
    hidden(invoice).pop("under_way", None)
    tx.change(
        invoice,
        "invoice.updated",
        status="paid",
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        attempted=True,
        attempt_count=invoice["attempt_count"] + (intent is not None),
        auto_advance=False,
        next_payment_attempt=None,
        status_transitions={**invoice["status_transitions"], "paid_at": tx.now},
    )
    for payment in tx.all("invoice_payment", invoice=invoice["id"]):
        times = {"canceled_at": None, "paid_at": tx.now}
        paid = {"status": "paid", "amount_paid": payment["amount_requested"]}
        tx.change(payment, "invoice_payment.paid", **paid, status_transitions=times)
    seen = tx.view(invoice)
    tx.emit("invoice.paid", seen)
    tx.emit("invoice.payment_succeeded", seen)
    subscription = subscription_of(tx, invoice)
    if subscription is not None and subscription["latest_invoice"] == invoice["id"]:
        standing.in_force(tx, subscription)
    standing.delinquent(tx, invoice["customer"])


def _fail(tx: Tx, invoice: Body) -> None:
    """Write down that an attempt has failed; the next is on the schedule, and after the last there are consequences."""
    count = invoice["attempt_count"] + 1
    hidden(invoice).pop("under_way", None)
    subscription = subscription_of(tx, invoice)
    again_at = _again_at(tx, invoice, subscription, count)
    tx.change(
        invoice,
        "invoice.updated",
        attempted=True,
        attempt_count=count,
        next_payment_attempt=again_at,
    )
    tx.emit("invoice.payment_failed", tx.view(invoice))
    if again_at is not None:
        tx.schedule(again_at, "retry_invoice", invoice["id"])
    if subscription is not None and subscription["status"] != "incomplete":
        standing.behind(tx, subscription)
        if again_at is None:
            _lose(tx, subscription)
    standing.delinquent(tx, invoice["customer"])


def _again_at(tx: Tx, invoice: Body, subscription: Body | None, count: int) -> int | None:
    is_first = subscription is not None and subscription["status"] == "incomplete"
    if is_first or not invoice["auto_advance"] or count > len(RETRY_DAYS):
        return None
    return tx.now + RETRY_DAYS[count - 1] * DAY_S


def _lose(tx: Tx, subscription: Body) -> None:
    match tx.tables.fact(DUNNING_END, "cancel"):
        case "cancel":
            standing.end(tx, subscription, "payment_failed")
        case "unpaid":
            tx.change(subscription, standing.UPDATED, status="unpaid")
        case _:
            return


def _give_up(tx: Tx, invoice: Body) -> None:
    tx.unschedule("retry_invoice", invoice["id"])
    intent = intent_of(tx, invoice)
    if intent is not None and intent["status"] not in ("succeeded", "canceled"):
        payments.give_up(tx, intent, "void_invoice")
    for payment in tx.all("invoice_payment", invoice=invoice["id"], status="open"):
        times = {"canceled_at": tx.now, "paid_at": None}
        tx.change(payment, status="canceled", status_transitions=times)


def _finalize_in_time(tx: Tx, invoice_id: str) -> None:
    invoice = tx.known("invoice", invoice_id)
    if invoice is None or invoice["status"] != "draft" or _has_nobody(tx, invoice):
        return
    finalize(tx, invoice)
    if invoice["status"] == "open":
        attempt(tx, invoice)


def _retry(tx: Tx, invoice_id: str) -> None:
    invoice = tx.known("invoice", invoice_id)
    if invoice is None or invoice["status"] != "open" or _has_nobody(tx, invoice):
        return
    if not hidden(invoice).get("under_way"):
        attempt(tx, invoice)


def _has_nobody(tx: Tx, invoice: Body) -> bool:
    """Tell whether the customer of an invoice was deleted."""
    return "deleted" in tx.the("customer", invoice["customer"])


JOBS = {"finalize_invoice": _finalize_in_time, "retry_invoice": _retry}
VIEWS = {"invoice": view}
