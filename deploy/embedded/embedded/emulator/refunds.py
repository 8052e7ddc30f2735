"""Refunds: money on its way back, arrived, or returned to us after all."""

from typing import Any

from embedded.emulator import lists
from embedded.emulator.cards import behind
from embedded.emulator.charging import book
from embedded.emulator.errors import StripeError, only_one, required
from embedded.emulator.metadata import merged
from embedded.emulator.money import check_amount, shown
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

PENDING_S = 2 * 86_400
FAILS_S = 5 * 86_400
COUNTED = ("succeeded", "pending", "requires_action")


def create(tx: Tx, call: Call) -> Body:
    """Give money back, all that is left of a charge or a part of it."""
    only_one(call.params, "charge", "payment_intent")
    charge = _charge(tx, call)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = call.get("amount", left)
    check(tx, charge, amount, left)
    return refund(
        tx, charge, amount, reason=call.get("reason"), metadata=merged(None, call.get("metadata"))
    )


def refund(tx: Tx, charge: Body, amount: int, **fields: Any) -> Body:
    """Give this much of a charge back."""
    method = tx.the("payment_method", charge["payment_method"])
    later = behind(method).later
    is_card = method["type"] == "card"
    how = {
        "card": {
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        }
    }
    made = tx.new(
        "refund",
        "re" if is_card else "pyr",
        amount=amount,
        balance_transaction=None,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={"type": "card", **how}
        if is_card
        else {"type": "us_bank_transfer", "us_bank_transfer": {}},
        payment_intent=charge["payment_intent"],
        status="pending" if later == "refund_pending" else "succeeded",
        **fields,
    )
    if made["status"] == "pending":
        made["pending_reason"] = "processing"
        tx.schedule(tx.now + PENDING_S, "settle_refund", made["id"])
    made["balance_transaction"] = book(tx, "refund", made["id"], -amount, "refund")
    tx.add(made, "refund.created")
    _count(tx, charge, "charge.refunded")
    if later == "refund_fails":
        tx.schedule(tx.now + FAILS_S, "fail_refund", made["id"])
    return made


def retrieve(tx: Tx, call: Call) -> Body:
    """Return a refund."""
    return tx.at_path("refund", call.ids["refund"], param="id")


def update(tx: Tx, call: Call) -> Body:
    """Change a refund's metadata."""
    made = retrieve(tx, call)
    if "metadata" in call.params:
        _change(tx, made, metadata=merged(made["metadata"], call.params["metadata"]))
    return made


def cancel(tx: Tx, call: Call) -> Body:
    """Take a refund back that waits for its receiver."""
    made = retrieve(tx, call)
    message = f"Refund {made['id']} cannot be canceled: only one in state requires_action can."
    raise StripeError(message, param="refund")


def list_all(tx: Tx, call: Call) -> Body:
    """List refunds."""
    where = lists.equal(call.params, "charge", "payment_intent")
    return lists.page(tx, "refund", call.params, "/v1/refunds", where)


def settle(tx: Tx, refund_id: str) -> None:
    """Let a refund that was on its way arrive."""
    made = tx.known("refund", refund_id)
    if made is not None and made["status"] == "pending":
        tx.unschedule("settle_refund", refund_id)
        made.pop("pending_reason", None)
        _change(tx, made, status="succeeded")


def fail(tx: Tx, refund_id: str, reason: str = "expired_or_canceled_card") -> None:
    """Let a refund come back to us: the money could not be given."""
    made = tx.known("refund", refund_id)
    if made is None or made["status"] not in COUNTED:
        return
    for job in ("settle_refund", "fail_refund"):
        tx.unschedule(job, refund_id)
    made.pop("pending_reason", None)
    back = book(tx, "refund_failure", made["id"], made["amount"], "refund_failure")
    _change(tx, made, status="failed", failure_reason=reason, failure_balance_transaction=back)
    tx.emit("refund.failed", tx.view(made))
    charge = tx.the("charge", made["charge"])
    _count(tx, charge, "charge.updated")


def _change(tx: Tx, made: Body, **fields: Any) -> None:
    """Change a refund; it is told of under its new name and under its old one."""
    before = tx.view(tx.the("refund", made["id"]))
    tx.change(made, "refund.updated", **fields)
    after = tx.view(made)
    if after != before:
        tx.emit("charge.refund.updated", after, {name: before.get(name) for name in fields})


def _count(tx: Tx, charge: Body, event: str) -> None:
    """Have a charge say how much of it went back."""
    counted = sum(
        one["amount"] for one in tx.all("refund", charge=charge["id"], status=list(COUNTED))
    )
    is_all = counted >= charge["amount_captured"]
    tx.change(charge, event, amount_refunded=counted, refunded=is_all)


def _charge(tx: Tx, call: Call) -> Body:
    if call.get("charge") is not None:
        return tx.get("charge", call.params["charge"], param="charge")
    if call.get("payment_intent") is None:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise StripeError(message, code="parameter_missing")
    intent = tx.get("payment_intent", call.params["payment_intent"], param="payment_intent")
    charge = tx.known("charge", intent["latest_charge"])
    if charge is None:
        message = (
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
        raise StripeError(message, param="payment_intent")
    return charge


def check(tx: Tx, charge: Body, amount: int, left: int) -> None:
    """Refuse to give back what cannot be given."""
    if charge["status"] != "succeeded" or not charge["captured"]:
        message = f"Charge {charge['id']} has not succeeded and cannot be refunded."
        raise StripeError(message, code="charge_not_refundable")
    disputes = tx.all("dispute", charge=charge["id"])
    if any(not dispute["is_charge_refundable"] for dispute in disputes):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise StripeError(message, code="charge_disputed")
    if charge["refunded"]:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(message, code="charge_already_refunded")
    check_amount(amount, "amount")
    if amount < 1:
        raise required("amount")
    if amount > left:
        currency = charge["currency"]
        message = f"Refund amount ({shown(amount, currency)}) is greater than unrefunded amount on charge ({shown(left, currency)})"
        raise StripeError(message, param="amount")


ROUTES: tuple[Route, ...] = (
    route("POST /v1/refunds", "RefundCreateParams", create, "amount charge metadata payment_intent reason"),
    route("GET /v1/refunds/{refund}", "RefundRetrieveParams", retrieve),
    route("POST /v1/refunds/{refund}", "RefundUpdateParams", update, "metadata"),
    route("POST /v1/refunds/{refund}/cancel", "RefundCancelParams", cancel),
    listing("GET /v1/refunds", "RefundListParams", list_all, "charge created payment_intent"),
)  # fmt: skip
JOBS = {"settle_refund": settle, "fail_refund": fail}
