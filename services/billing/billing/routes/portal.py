"""The portal: where customers see to card, plan and invoices, at Stripe."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from billing.cashier import Cashier
from billing.routes.refusals import refusals
from billing.schemas.checkout import PortalLink
from shared.http import CurrentUser, resource

router = APIRouter()
AtCashier = Annotated[Cashier, resource(Cashier)]


@router.get(
    "/api/billing/portal-link",
    operation_id="open_portal",
    status_code=303,
    response_class=RedirectResponse,
    responses=refusals(401, 502, 503),
)
async def open_portal(user: CurrentUser, cashier: AtCashier) -> RedirectResponse:
    """Lead the user to the portal."""
    return RedirectResponse(await cashier.portal(user.id, user.email), status_code=303)


@router.post(
    "/api/billing/portal-link",
    operation_id="create_portal_link",
    responses=refusals(401, 502, 503),
)
async def create_portal_link(user: CurrentUser, cashier: AtCashier) -> PortalLink:
    """Return where the portal is, for a short while."""
    return PortalLink(url=await cashier.portal(user.id, user.email))
