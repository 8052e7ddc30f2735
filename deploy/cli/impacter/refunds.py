"""Refunds: asked for by one operator, decided by another where it is much, and made by Stripe."""

import re
from decimal import Decimal
from typing import Annotated

import typer

from impacter import output
from impacter.api import Json, operator_api, segment
from impacter.failures import Misuse
from impacter.options import LIMIT, AsJson, Limit, PaymentId, Url
from impacter.output import Column, field, line, prose, time

AMOUNT = re.compile(r"\d{1,7}(\.\d{1,2})?")


def _amount(refund: Json) -> str:
    cents = refund.get("amount_cents")
    return f"{cents / 100:,.2f}" if isinstance(cents, int) else ""


def _story(refund: Json) -> str:
    steps = refund.get("steps") or ()
    return ", ".join(f"{line(step.get('step'))} by {line(step.get('by'))}" for step in steps)


COLUMNS = [
    field("id"),
    field("status"),
    field("payment_id", "payment"),
    Column(title="amount", show=_amount, is_number=True),
    time("created_at", "asked for"),
    prose("reason"),
    Column(title="story", show=_story, is_prose=True),
    prose("failure"),
]

RefundId = Annotated[str, typer.Argument(metavar="REFUND", help="An id like refund_….")]
Amount = Annotated[
    str | None,
    typer.Option("--amount", metavar="MONEY", help="How much, like 12.50; else all that is left."),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with it.")]
Status = Annotated[
    str | None,
    typer.Option("--status", metavar="STATUS", help="Only these; requested waits for somebody."),
]


def refund(
    payment: PaymentId,
    *,
    reason: Reason,
    amount: Amount = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask that a payment goes back, in part or in full; `refunds approve` has it done."""
    body: Json = {"reason": reason}
    if amount is not None:
        body["amount_cents"] = _cents(amount)
    with operator_api(url) as api:
        asked = api.post(f"/api/admin/payments/{segment(payment)}/refunds", body)
    _show(asked, as_json=as_json)


def list_refunds(
    *, status: Status = None, limit: Limit = LIMIT, url: Url = None, as_json: AsJson = False
) -> None:
    """List refunds, newest first."""
    with operator_api(url) as api:
        page = api.pages("/api/admin/refunds", "refunds", limit=limit, status=status)
    if as_json:
        output.as_json(page)
    else:
        output.table(page["refunds"], COLUMNS, none="There is no such refund.")
    output.say_more_may_follow(page, limit)


def approve(refund: RefundId, *, url: Url = None, as_json: AsJson = False) -> None:
    """Take the credits back and have Stripe send the money."""
    with operator_api(url) as api:
        decided = api.post(f"/api/admin/refunds/{segment(refund)}/approve")
    _show(decided, as_json=as_json)


def reject(refund: RefundId, *, reason: Reason, url: Url = None, as_json: AsJson = False) -> None:
    """Decide that the money stays."""
    with operator_api(url) as api:
        decided = api.post(f"/api/admin/refunds/{segment(refund)}/reject", {"reason": reason})
    _show(decided, as_json=as_json)


def _cents(amount: str) -> int:
    if not AMOUNT.fullmatch(amount) or (cents := int(Decimal(amount) * 100)) == 0:
        raise Misuse(f"{amount!r} is no amount like 12.50.")
    return cents


def _show(refund: Json, *, as_json: bool) -> None:
    if as_json:
        output.as_json(refund)
        return
    output.details(
        [
            ("refund", line(refund.get("id"))),
            ("status", line(refund.get("status"))),
            ("payment", line(refund.get("payment_id"))),
            ("amount", _amount(refund)),
            ("reason", line(refund.get("reason"))),
            ("story", _story(refund)),
        ]
    )
