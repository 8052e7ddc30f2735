"""Accounts: sign up, claim what a payment opened, prove the address, look at oneself."""

from typing import Annotated

from fastapi import APIRouter

from auth import accounts, addresses, balances, links, payers
from auth.links import Links, Purpose
from auth.models import User
from auth.passwords import Passwords
from auth.routes.browser import TheBrowser
from auth.routes.refusals import (
    BUSY,
    CLAIMED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_VALID,
    TAKEN,
)
from auth.schemas import (
    Accepted,
    Claim,
    SignedInView,
    SignUp,
    UserChange,
    UserView,
    VerifiedEmail,
    Verify,
)
from auth.sessions import Sessions
from shared.contracts.users import UserRegistered
from shared.db import Database, Tx
from shared.http import CurrentUser, Transaction, resource

router = APIRouter()

OurDatabase = Annotated[Database, resource(Database)]
OurPasswords = Annotated[Passwords, resource(Passwords)]
OurSessions = Annotated[Sessions, resource(Sessions)]
OurLinks = Annotated[Links, resource(Links)]


@router.post(
    "/api/auth/signup",
    operation_id="sign_up",
    status_code=201,
    responses=TAKEN | NOT_VALID | BUSY,
)
@router.post("/api/auth/register", status_code=201, include_in_schema=False)
async def sign_up(
    body: SignUp,
    tx: Transaction,
    passwords: OurPasswords,
    sessions: OurSessions,
    our_links: OurLinks,
    browser: TheBrowser,
) -> SignedInView:
    """Open an account with no credits, signed in; a mail asks to confirm the address."""
    password_hash = await passwords.hash(body.password, email=body.email)  # no connection held yet
    user = await accounts.sign_up(tx, addresses.read(body.email), password_hash)
    token = await our_links.issue(tx, user.id, Purpose.VERIFY_EMAIL)
    tx.publish(UserRegistered(user_id=user.id, email=user.email, sealed_token=token))
    return browser.admit(await sessions.start(tx, user, browser.device))


@router.post(
    "/api/auth/claim",
    operation_id="claim_account",
    responses=NOT_FOUND | CLAIMED | NOT_VALID | BUSY,
)
async def claim_account(
    body: Claim,
    database: OurDatabase,
    tx: Transaction,
    passwords: OurPasswords,
    sessions: OurSessions,
    browser: TheBrowser,
) -> SignedInView:
    """Set the password of an account that a payment opened or met, and sign in."""
    async with database.transaction() as early:
        claimed = await _claimed(early, body)
    password_hash = await passwords.hash(body.password, email=claimed.email)
    user = await _claim(tx, body, password_hash)
    return browser.admit(await sessions.start(tx, user, browser.device))


@router.post("/api/auth/email/verify", operation_id="verify_email", responses=NOT_VALID)
async def verify_email(body: Verify, tx: Transaction) -> VerifiedEmail:
    """Prove an address with the token that was mailed to it."""
    user = await links.spend(tx, body.token, Purpose.VERIFY_EMAIL)
    await accounts.verify_email(tx, user)
    return VerifiedEmail(email=user.email)


@router.post(
    "/api/auth/email/resend", operation_id="resend_email", status_code=202, responses=NOT_SIGNED_IN
)
async def resend_email(caller: CurrentUser, tx: Transaction, our_links: OurLinks) -> Accepted:
    """Mail another link that confirms the address, unless it is confirmed or enough were mailed lately.

    Where somebody paid with the address, it is a link that sets the password too: the payment is the mailbox's.
    """
    user = await accounts.of_token(tx, caller.id)
    if user.email_verified_at is None:
        is_a_payers = await payers.met(tx, user.id)
        mail = accounts.mail_reset if is_a_payers else accounts.mail_verification
        await mail(tx, user, our_links)
    return Accepted()


@router.get("/api/user", operation_id="get_user", responses=NOT_SIGNED_IN)
async def get_user(caller: CurrentUser, tx: Transaction) -> UserView:
    """Show the signed-in user."""
    user = await accounts.of_token(tx, caller.id)
    return UserView.of(user, await balances.available(tx, user.id))


@router.patch("/api/user", operation_id="change_user", responses=NOT_SIGNED_IN | NOT_VALID)
async def change_user(body: UserChange, caller: CurrentUser, tx: Transaction) -> UserView:
    """Change what the signed-in user is called; what is not sent stays."""
    user = await accounts.of_token(tx, caller.id)
    if "name" in body.model_fields_set:
        user.name = body.name
    return UserView.of(user, await balances.available(tx, user.id))


async def _claimed(tx: Tx, body: Claim) -> User:
    """The account to claim, with nothing changed yet."""
    if body.token is not None:
        return await links.owner(tx, body.token, Purpose.CLAIM)
    assert body.session_id is not None, "the schema asks for one"
    return await payers.claimable(tx, body.session_id)


async def _claim(tx: Tx, body: Claim, password_hash: str) -> User:
    if body.token is not None:
        user = await links.spend(tx, body.token, Purpose.CLAIM)
        await accounts.take_over(tx, user, password_hash)
        return user
    assert body.session_id is not None, "the schema asks for one"
    user = await payers.claimable(tx, body.session_id)
    user.password_hash = password_hash
    return user
