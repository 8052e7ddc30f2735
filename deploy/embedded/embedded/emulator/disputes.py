"""Disputes: a bank takes a payment back, and keeps it or returns it; and inquiries, which only ask."""

from collections.abc import Mapping
from typing import Any

from embedded.emulator import lists
from embedded.emulator.charging import DISPUTES
from embedded.emulator.errors import StripeError
from embedded.emulator.metadata import merged
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

FEE = 1500
ANSWER_S = 9 * 86_400
REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "general": "00"}
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")


def open_in_time(tx: Tx, charge_id: str) -> None:
    """Open the dispute that the card of a charge stands for."""
    charge = tx.known("charge", charge_id)
    if charge is not None and not charge["disputed"]:
        kind = hidden(charge).get("dispute", "dispute")
        open_dispute(tx, charge, reason=DISPUTES[kind], is_inquiry=kind == "inquiry")


def open_dispute(
    tx: Tx,
    charge: Body,
    *,
    reason: str = "fraudulent",
    amount: int | None = None,
    is_inquiry: bool = False,
) -> Body:
    """Have a bank dispute a charge or a part of it; an inquiry takes no money yet."""
    if charge["status"] != "succeeded" or charge["disputed"]:
        message = "This charge cannot be disputed."
        raise StripeError(message)
    details = charge["payment_method_details"]
    dispute = tx.new(
        "dispute",
        "du",
        amount=amount or charge["amount"] - charge["amount_refunded"],
        charge=charge["id"],
        currency=charge["currency"],
        is_charge_refundable=is_inquiry,
        payment_intent=charge["payment_intent"],
        payment_method_details=_method_details(details, reason, is_inquiry=is_inquiry),
        reason=reason,
        status="warning_needs_response" if is_inquiry else "needs_response",
    )
    dispute["evidence"]["customer_email_address"] = charge["billing_details"]["email"]
    dispute["evidence_details"]["due_by"] = tx.now + ANSWER_S
    tx.schedule(tx.now + ANSWER_S, "dispute_unanswered", dispute["id"])
    tx.add(dispute, "charge.dispute.created")
    if not is_inquiry:
        _withdraw(tx, dispute, charge)
    return dispute


def escalate(tx: Tx, dispute: Body) -> Body:
    """Let an inquiry become a dispute, with the money gone."""
    _check_open(dispute)
    if not dispute["status"].startswith("warning"):
        message = "This dispute is no inquiry."
        raise StripeError(message)
    kind = dispute["payment_method_details"]["type"]
    details = dispute["payment_method_details"]
    if kind == "card":
        details = {**details, "card": {**details["card"], "case_type": "chargeback"}}
    fields = {
        "status": "needs_response",
        "is_charge_refundable": False,
        "payment_method_details": details,
    }
    tx.change(dispute, "charge.dispute.updated", **fields)
    _withdraw(tx, dispute, tx.the("charge", dispute["charge"]))
    return dispute


def end(tx: Tx, dispute: Body, outcome: str) -> Body:
    """End a dispute: `won` returns the money, `lost` does not; an inquiry is closed."""
    _check_open(dispute)
    tx.unschedule("dispute_unanswered", dispute["id"])
    is_inquiry = dispute["status"].startswith("warning")
    status = "warning_closed" if is_inquiry else outcome
    if status == "won":
        back = _book(tx, dispute, dispute["amount"], 0, "dispute_reversal")
        dispute["balance_transactions"] = [*dispute["balance_transactions"], back]
    tx.change(dispute, status=status, is_charge_refundable=status != "lost")
    tx.emit("charge.dispute.closed", tx.view(dispute))
    if status == "won":
        tx.emit("charge.dispute.funds_reinstated", tx.view(dispute))
    return dispute


def retrieve(tx: Tx, call: Call) -> Body:
    """Return a dispute."""
    return tx.at_path("dispute", call.ids["dispute"], param="dispute")


def update(tx: Tx, call: Call) -> Body:
    """Add evidence; once submitted it is looked at, and Stripe's words for testers decide at once."""
    dispute = retrieve(tx, call)
    fields: dict[str, Any] = {}
    if "metadata" in call.params:
        fields["metadata"] = merged(dispute["metadata"], call.params["metadata"])
    if call.get("evidence") is not None or call.get("submit") is not None:
        _check_open(dispute)
        fields |= _with_evidence(
            dispute, call.get("evidence") or {}, submits=call.get("submit", True)
        )
    tx.change(dispute, "charge.dispute.updated", **fields)
    word = (dispute["evidence"]["uncategorized_text"] or "").strip()
    decided = {"winning_evidence": "won", "losing_evidence": "lost"}.get(word)
    if decided and dispute["status"].endswith("under_review"):
        end(tx, dispute, decided)
    return dispute


def close(tx: Tx, call: Call) -> Body:
    """Accept a dispute as lost."""
    return end(tx, retrieve(tx, call), "lost")


def list_all(tx: Tx, call: Call) -> Body:
    """List disputes."""
    where = lists.equal(call.params, "charge", "payment_intent")
    return lists.page(tx, "dispute", call.params, "/v1/disputes", where)


def _unanswered(tx: Tx, dispute_id: str) -> None:
    dispute = tx.known("dispute", dispute_id)
    if dispute is not None and dispute["status"].endswith("needs_response"):
        dispute["evidence_details"] = {**dispute["evidence_details"], "past_due": True}
        end(tx, dispute, "lost")


def _with_evidence(dispute: Body, given: Mapping[str, Any], *, submits: bool) -> Body:
    evidence = {**dispute["evidence"], **{name: value or None for name, value in given.items()}}
    details = {**dispute["evidence_details"], "has_evidence": True}
    if not submits:
        return {"evidence": evidence, "evidence_details": details}
    is_inquiry = dispute["status"].startswith("warning")
    return {
        "evidence": evidence,
        "evidence_details": {
            **details,
            "submission_count": details["submission_count"] + 1,
            "submission_method": "manual",
        },
        "status": "warning_under_review" if is_inquiry else "under_review",
    }


def _withdraw(tx: Tx, dispute: Body, charge: Body) -> None:
    gone = _book(tx, dispute, -dispute["amount"], FEE, "dispute")
    tx.change(dispute, balance_transactions=[gone])
    tx.change(charge, "charge.updated", disputed=True)
    tx.emit("charge.dispute.funds_withdrawn", tx.view(dispute))


def _book(tx: Tx, dispute: Body, amount: int, fee: int, category: str) -> Body:
    details = {
        "amount": fee,
        "application": None,
        "currency": "usd",
        "description": "Dispute fee",
        "type": "stripe_fee",
    }
    booked = tx.new(
        "balance_transaction",
        "txn",
        amount=amount,
        available_on=tx.now,
        description=f"Chargeback {category} for {dispute['charge']}",
        fee=fee,
        fee_details=[details] if fee else [],
        net=amount - fee,
        reporting_category=category,
        source=dispute["id"],
        type="adjustment",
    )
    return tx.view(tx.keep(booked))


def _method_details(details: Body, reason: str, *, is_inquiry: bool) -> Body | None:
    if details["type"] != "card":
        return None
    card = {
        "brand": details["card"]["brand"],
        "case_type": "inquiry" if is_inquiry else "chargeback",
        "network": details["card"]["network"],
        "network_reason_code": REASON_CODES.get(reason, "00"),
    }
    return {"card": card, "type": "card"}


def _check_open(dispute: Body) -> None:
    if dispute["status"] not in OPEN:
        message = f"This dispute is already closed with status {dispute['status']}."
        raise StripeError(message, param="dispute")


ROUTES: tuple[Route, ...] = (
    route("GET /v1/disputes/{dispute}", "DisputeRetrieveParams", retrieve),
    route("POST /v1/disputes/{dispute}", "DisputeUpdateParams", update, "evidence metadata submit"),
    route("POST /v1/disputes/{dispute}/close", "DisputeCloseParams", close),
    listing("GET /v1/disputes", "DisputeListParams", list_all, "charge created payment_intent"),
)  # fmt: skip
JOBS = {"open_dispute": open_in_time, "dispute_unanswered": _unanswered}
