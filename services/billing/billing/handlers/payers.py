"""Whose a payment is: what auth says of payers and addresses."""

from collections.abc import Sequence

from billing import customers, ledger, payments
from billing.grants import post_bonus
from billing.handlers.registry import handlers
from shared.addresses import email_key
from shared.contracts.payments import PaymentCompleted
from shared.contracts.users import UserEmailVerified, UserRecognized, UserRegistered
from shared.db import Tx
from shared.handlers import Received


@handlers.on_many(PaymentCompleted)
async def grant_known_payers(received: Sequence[Received[PaymentCompleted]], tx: Tx) -> None:
    """Grant what a known user, or as a guest the owner of a confirmed address, bought; the rest waits for auth's word."""
    users = await ledger.known_users(tx, {item.event.user_id for item in received})
    owners = await payments.verified_owners(tx, [item.event.email for item in received])
    grants, causes = {}, {}
    for item in received:
        event = item.event
        if event.user_id is None:
            owner = owners.get(email_key(event.email))
        else:  # one that is not known yet, or nobody: auth tells
            owner = event.user_id if event.user_id in users else None
        if owner is not None:
            grants[event.payment_id], causes[event.payment_id] = owner, item.envelope
    await payments.grant_waiting(tx, grants, causes=causes)


@handlers.on(UserRegistered)
async def open_account(event: UserRegistered, tx: Tx) -> None:
    """Open the account, and grant the payment that it was opened for."""
    await payments.learn_address(tx, event.user_id, event.email, is_verified=False)
    if event.payment is not None:
        owners = {event.payment.payment_id: event.user_id}
        await payments.grant_waiting(tx, owners, opened_account=True)
    waiting = await payments.waiting_of(tx, event.user_id)
    await payments.grant_waiting(tx, dict.fromkeys(waiting, event.user_id))
    await ledger.open_account(tx, event.user_id)  # payments are locked before accounts


@handlers.on(UserRecognized)
async def grant_recognized_payer(event: UserRecognized, tx: Tx) -> None:
    """Grant a guest's payment to the account that auth found for it."""
    await payments.grant_waiting(tx, {event.payment_id: event.user_id})


@handlers.on(UserEmailVerified)
async def reward_verified_address(event: UserEmailVerified, tx: Tx) -> None:
    """Post the bonus of a sign-up, once an address, and grant what was paid with the address before."""
    await payments.learn_address(tx, event.user_id, event.email, is_verified=True)
    await customers.note_address(tx, event.user_id, event.email)
    waiting = await payments.waiting_for(tx, event.email)
    await payments.grant_waiting(tx, dict.fromkeys(waiting, event.user_id))
    await ledger.open_account(tx, event.user_id)  # payments are locked before accounts
    if event.opened_by == "signup":
        await post_bonus(tx, event.user_id, event.email)
