"""Events in: payments that open accounts or meet them, and what billing says about credits."""

from typing import Any, Final

from auth import accounts, addresses, balances, payers
from auth.links import Links, Purpose, revoke
from auth.models import User
from shared.contracts.credits import (
    CreditsExpired,
    CreditsGranted,
    CreditsHeld,
    CreditsPaused,
    CreditsResumed,
    CreditsRevoked,
    CreditsSettled,
    CreditsSpent,
)
from shared.contracts.payments import PaymentCompleted
from shared.contracts.users import (
    OpeningPayment,
    UserClaimRequested,
    UserRecognized,
    UserRegistered,
)
from shared.db import Tx
from shared.events import Event
from shared.handlers import Handlers

BALANCE_CHANGES: Final[tuple[type[Event], ...]] = (
    CreditsGranted,
    CreditsSpent,
    CreditsSettled,
    CreditsRevoked,
    CreditsExpired,
    CreditsPaused,
    CreditsResumed,
)


def answering(links: Links) -> Handlers:
    """Return the handlers of auth, which put new links into what they publish."""
    handlers = Handlers("auth")

    @handlers.on(PaymentCompleted)
    async def attribute_payment(event: PaymentCompleted, tx: Tx) -> None:
        """Tell whose a guest's payment is; never change a password, a session or a verified mark.

        Anybody can write a user's id into a payment link: one that is nobody's makes its payer a guest.
        """
        is_signed_in = event.user_id is not None and await tx.get(User, event.user_id) is not None
        if is_signed_in or await payers.is_known(tx, event.payment_id):
            return
        address = addresses.read(event.email)
        is_new = await accounts.open_account(tx, address, password_hash=None)
        user = await accounts.locked(tx, address)
        if await payers.remember(tx, user, event, is_opening=is_new):
            tx.publish(
                await _welcome(tx, user, event, links)
                if is_new
                else await _attribution(tx, user, event, links)
            )

    _follow_balances(handlers)
    return handlers


def _follow_balances(handlers: Handlers) -> None:
    """Let the latest balance be known, whatever changed it."""

    @handlers.on(CreditsHeld)
    async def note_held(event: CreditsHeld, tx: Tx) -> None:
        await balances.note(tx, event.task.user_id, event.balance)

    async def note(event: Any, tx: Tx) -> None:
        await balances.note(tx, event.user_id, event.balance)

    for kind in BALANCE_CHANGES:
        handlers.on(kind)(note)


async def _welcome(tx: Tx, user: User, payment: PaymentCompleted, links: Links) -> Event:
    return UserRegistered(
        user_id=user.id,
        email=user.email,
        payment=OpeningPayment(payment_id=payment.payment_id, credits=payment.credits),
        sealed_token=await links.issue(tx, user.id, Purpose.CLAIM),
    )


async def _attribution(tx: Tx, user: User, payment: PaymentCompleted, links: Links) -> Event:
    """Whose address is proven, or whose account nobody has claimed, is recognized; else the mailbox decides.

    It decides by taking the account over: a link that only confirms the address would give the payment to whoever
    signed up with it.
    """
    if user.email_verified_at is None and user.password_hash is not None:
        await revoke(tx, user.id, Purpose.VERIFY_EMAIL)
        return UserClaimRequested(
            user_id=user.id,
            email=user.email,
            payment_id=payment.payment_id,
            credits=payment.credits,
            sealed_token=await links.issue(tx, user.id, Purpose.CLAIM),
        )
    # two payers, one address: which of them owns the mailbox is not for a Checkout Session to say
    await payers.close_claims(tx, user.id)
    return UserRecognized(user_id=user.id, payment_id=payment.payment_id)
