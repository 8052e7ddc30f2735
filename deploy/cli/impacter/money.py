"""Credits and money: grants, and the payments that a person may have to look at."""

import secrets
from typing import Annotated

import typer

from impacter import accounts, output
from impacter.api import Json, operator_api, segment
from impacter.options import LIMIT, AsJson, Limit, PaymentId, Url, Who
from impacter.output import Column, field, grouped, line, prose, time


def _amount(payment: Json) -> str:
    cents = payment.get("amount_cents")
    currency = line(payment.get("currency")).upper()
    return f"{cents / 100:,.2f} {currency}" if isinstance(cents, int) else ""


def _granted(payment: Json) -> str:
    return grouped(payment.get("credits")) if payment.get("status") == "granted" else ""


def _taken_back(payment: Json) -> str:
    taken = (payment.get("refund_taken") or 0) + (payment.get("dispute_taken") or 0)
    return grouped(taken) if taken else ""


COLUMNS = [
    field("id"),
    field("status"),
    field("email", "e-mail"),
    Column(title="amount", show=_amount, is_number=True),
    time("paid_at", "paid"),
    Column(title="granted", show=_granted, is_number=True),
    Column(title="taken back", show=_taken_back, is_number=True),
    time("created_at", "created"),
    prose("note"),
]

Amount = Annotated[int, typer.Argument(min=1, metavar="AMOUNT", help="How many credits.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the user's statement.")
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The idempotency key of a grant to repeat; made anew otherwise.",
    ),
]
Decided = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="What was done; it is kept with it.")
]
Bought = Annotated[
    int,
    typer.Option("--credits", min=0, help="How many credits it buys; the payer gets them."),
]
Status = Annotated[
    str | None,
    typer.Option("--status", metavar="STATUS", help="Only these; review needs a person."),
]
Email = Annotated[str | None, typer.Option("--email", metavar="EMAIL", help="Only this payer's.")]


def grant(
    who: Who,
    amount: Amount,
    *,
    reason: Reason,
    key: Key = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Give a user credits, once for a key."""
    key = key or f"cli-{secrets.token_hex(12)}"
    with operator_api(url) as api:
        account = accounts.find(api, who)
        output.say(f"idempotency key: {key} (if the answer gets lost, repeat with --key {key})")
        body = {
            "user_id": account["id"],
            "amount": amount,
            "reason": reason,
            "idempotency_key": key,
        }
        transaction, is_new = api.post_once("/api/credits/grant", body)
    if as_json:
        output.as_json(transaction)
    else:
        _show_grant(transaction, account, is_new=is_new)


def payments(
    *,
    status: Status = None,
    email: Email = None,
    limit: Limit = LIMIT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List payments, newest first."""
    with operator_api(url) as api:
        page = api.pages("/api/admin/payments", "payments", limit=limit, status=status, email=email)
    if as_json:
        output.as_json(page)
    else:
        show(page, none="There is no such payment.")
    output.say_more_may_follow(page, limit)


def close_payment(
    payment: PaymentId,
    *,
    reason: Decided,
    credits_given: Bought = 0,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Decide a payment in review: grant its payer the credits that it buys, or note that it buys none."""
    body = {"reason": reason, "credits": credits_given}
    with operator_api(url) as api:
        closed = api.post(f"/api/admin/payments/{segment(payment)}/close", body)
    if as_json:
        output.as_json(closed)
    else:
        show({"payments": [closed]}, none="")


def show(page: Json, *, none: str) -> None:
    """Print payments as a table."""
    output.table(page["payments"], COLUMNS, none=none)


def _show_grant(transaction: Json, account: Json, *, is_new: bool) -> None:
    output.details(
        [
            ("granted", "now" if is_new else "before, with this key: nothing changed"),
            ("to", f"{line(account['email'])} ({line(account['id'])})"),
            ("credits", grouped(transaction.get("amount"))),
            ("balance after", grouped(transaction.get("balance_after"))),
            ("transaction", line(transaction.get("id"))),
            ("reason", line(transaction.get("description"))),
            ("time (UTC)", output.utc(transaction.get("created_at"))),
        ]
    )
