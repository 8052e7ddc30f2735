"""Sessions: sign in, renew, sign out."""

from typing import Annotated

from fastapi import APIRouter, Response

from auth import addresses, sessions, signing_in, throttles
from auth.routes.browser import ClientAddress, NotForeign, OurSite, RefreshCookie
from auth.routes.refusals import BUSY, FOREIGN, NOT_SIGNED_IN, NOT_VALID, TOO_MANY
from auth.schemas import Login, SignedInView
from auth.sessions import Sessions
from auth.signing_in import Entrance
from shared.http import Transaction, resource
from shared.problems import document

router = APIRouter()

OurSessions = Annotated[Sessions, resource(Sessions)]


@router.post(
    "/api/auth/login",
    operation_id="log_in",
    responses=NOT_SIGNED_IN | NOT_VALID | TOO_MANY | BUSY,
)
async def log_in(
    body: Login,
    response: Response,
    tx: Transaction,
    entrance: Annotated[Entrance, resource(Entrance)],
    our_sessions: OurSessions,
    site: OurSite,
    client: ClientAddress,
) -> SignedInView:
    """Start a session of seven days; the token is for fifteen minutes, the cookie renews it."""
    address = addresses.read(body.email)
    tried = throttles.marks(address.key, client)
    who = await entrance.identify(address, body.password, tried=tried)
    user = await signing_in.admit(tx, who, tried=tried)
    return site.admit(response, await our_sessions.start(tx, user))


@router.post(
    "/api/auth/refresh",
    operation_id="refresh_session",
    response_model=SignedInView,
    responses=NOT_SIGNED_IN | FOREIGN,
    dependencies=[NotForeign],
)
async def refresh_session(
    response: Response,
    tx: Transaction,
    our_sessions: OurSessions,
    site: OurSite,
    refresh_token: RefreshCookie = None,
) -> SignedInView | Response:
    """Continue the session of the cookie with a new token and a new cookie."""
    signed_in = await our_sessions.renew(tx, refresh_token) if refresh_token else None
    if signed_in is not None:
        return site.admit(response, signed_in)
    # answered, not raised: the end of a session whose token was reused is to be committed
    refusal = document(401, "unauthorized", "The session is over; sign in again.")
    refusal.headers["WWW-Authenticate"] = "Bearer"
    site.dismiss(refusal)
    return refusal


@router.post(
    "/api/auth/logout",
    operation_id="log_out",
    status_code=204,
    responses=FOREIGN,
    dependencies=[NotForeign],
)
async def log_out(
    response: Response, tx: Transaction, site: OurSite, refresh_token: RefreshCookie = None
) -> None:
    """End the session of the cookie, and take the cookie back."""
    if refresh_token is not None:
        await sessions.end(tx, refresh_token)
    site.dismiss(response)
