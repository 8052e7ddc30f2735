"""Pages to pay on: opened once, and followed until the credits are there."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Path

from billing.cashier import Cashier
from billing.purchases import Buyer
from billing.routes.refusals import refusals
from billing.schemas.checkout import CheckoutPage, CheckoutProgress, CheckoutRequest
from shared.errors import Conflict
from shared.http import Once, OnceOnly, UserIfAny, resource
from shared.idempotency import Mark
from shared.ids import public
from shared.tokens import User

GUEST = "guest"

router = APIRouter()
SessionId = Annotated[str, Path(max_length=255, pattern=r"^cs_[A-Za-z0-9_]+$")]
AtCashier = Annotated[Cashier, resource(Cashier)]


@router.post(
    "/api/billing/checkout-session",
    operation_id="create_checkout_session",
    responses=refusals(401, 404, 409, 502, 503),
)
@router.post("/api/stripe/create-checkout-session", include_in_schema=False)
async def create_checkout_session(
    body: CheckoutRequest, user: UserIfAny, cashier: AtCashier, once: Once
) -> CheckoutPage:
    """Return where to pay a price; for the same buyer the same page while it is open."""
    page = await cashier.checkout(_buyer(body, user, once), body.price_id)
    if page.url is None or page.stripe_checkout_session_id is None:
        message = "This page takes no payment any more; ask without this Idempotency-Key."
        raise Conflict(message)
    return CheckoutPage(url=page.url, session_id=page.stripe_checkout_session_id)


@router.get(
    "/api/billing/checkout-session/{checkout_session_id}",
    operation_id="get_checkout_session",
    responses=refusals(401, 404, 502, 503),
)
@router.get("/api/stripe/session/{checkout_session_id}", include_in_schema=False)
async def get_checkout_session(
    checkout_session_id: SessionId, cashier: AtCashier, user: UserIfAny
) -> CheckoutProgress:
    """Return how far a payment has come, and whether its credits are there."""
    found = await cashier.progress(checkout_session_id)
    return CheckoutProgress.model_validate(
        {
            "status": found.status,
            "payment_status": found.payment_status,
            "credits": found.credits,
            "granted": found.granted_at is not None,
            "granted_at": found.granted_at,
            "email": found.email,
            "email_state": found.email_state,
            "account": found.account,
            "is_yours": user is not None and user.id == found.user_id,
            "waits_for": found.waits_for,
        }
    )


def _buyer(body: CheckoutRequest, user: User | None, once: OnceOnly) -> Buyer:
    mark = once.mark_of(public("usr", user.id) if user else GUEST)
    return Buyer(
        user_id=user.id if user else None,
        email=user.email if user else body.email,
        request_key=_key(mark),
        request_hash=mark.request_hash if mark else None,
    )


def _key(mark: Mark | None) -> str | None:
    """Return what a request's key is kept as: its caller's own, on either path."""
    if mark is None:
        return None
    return hashlib.sha256(f"{mark.caller}\n{mark.key}".encode()).hexdigest()
