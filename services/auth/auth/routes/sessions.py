"""Sessions: sign in, renew, sign out."""

from typing import Annotated

from fastapi import APIRouter, Response

from auth import addresses, sessions, signing_in, throttles
from auth.routes.browser import NotForeign, OurSite, RefreshCookie, TheBrowser
from auth.routes.refusals import (
    BUSY,
    FOREIGN,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_VALID,
    TOO_MANY,
)
from auth.schemas import Login, SessionPage, SessionView, SignedInView
from auth.sessions import Sessions
from auth.signing_in import Entrance
from shared.http import CurrentUser, Transaction, resource
from shared.ids import SessionId
from shared.pages import Cursor, Limit, cursor_of, id_of
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
    tx: Transaction,
    entrance: Annotated[Entrance, resource(Entrance)],
    our_sessions: OurSessions,
    browser: TheBrowser,
) -> SignedInView:
    """Start a session of seven days; the token is for fifteen minutes, the cookie renews it."""
    address = addresses.read(body.email)
    tried = throttles.marks(address.key, browser.device.address)
    who = await entrance.identify(address, body.password, tried=tried)
    user = await signing_in.admit(tx, who, tried=tried)
    return browser.admit(await our_sessions.start(tx, user, browser.device))


@router.post(
    "/api/auth/refresh",
    operation_id="refresh_session",
    response_model=SignedInView,
    responses=NOT_SIGNED_IN | FOREIGN,
    dependencies=[NotForeign],
)
async def refresh_session(
    tx: Transaction,
    our_sessions: OurSessions,
    browser: TheBrowser,
    site: OurSite,
    refresh_token: RefreshCookie = None,
) -> SignedInView | Response:
    """Continue the session of the cookie with a new token and a new cookie."""
    renewed = await our_sessions.renew(tx, refresh_token, browser.device) if refresh_token else None
    if renewed is not None:
        return browser.admit(renewed)
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


@router.get("/api/auth/sessions", operation_id="list_sessions", responses=NOT_SIGNED_IN | NOT_VALID)
async def list_sessions(
    caller: CurrentUser, tx: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> SessionPage:
    """Where the user is signed in, the newest sign-in first."""
    rows = await sessions.listed(tx, caller.id, limit=limit, before=id_of(cursor))
    views = [SessionView.of(row, caller.session_id) for row in rows]
    return SessionPage(sessions=views, next_cursor=cursor_of(rows, limit))


@router.delete(
    "/api/auth/sessions/{session_id}",
    operation_id="end_session",
    status_code=204,
    responses=NOT_SIGNED_IN | NOT_FOUND | NOT_VALID,
)
async def end_session(session_id: SessionId, caller: CurrentUser, tx: Transaction) -> None:
    """Sign a device out: it renews no access token any more, and the one that it has lasts fifteen minutes at most."""
    await sessions.end_one(tx, caller.id, session_id)
