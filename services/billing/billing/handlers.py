"""Events in: payments become credits, tasks pass the gate, outcomes settle their holds."""

from collections.abc import Sequence

from billing import ledger, payments
from billing.grants import post_bonus
from shared.contracts.credits import CreditsDenied, CreditsHeld, CreditsSettled
from shared.contracts.payments import PaymentCompleted
from shared.contracts.tasks import Outcome, TaskCreated, TaskFinished
from shared.contracts.users import UserEmailVerified, UserRecognized, UserRegistered
from shared.db import Tx
from shared.handlers import Handlers, Received

handlers = Handlers("billing")


@handlers.on_many(PaymentCompleted)
async def grant_known_payers(received: Sequence[Received[PaymentCompleted]], tx: Tx) -> None:
    """Grant what a known user or the owner of a confirmed address bought; the rest waits for auth's word."""
    users = await ledger.known_users(tx, {item.event.user_id for item in received})
    owners = await payments.verified_owners(tx, [item.event.email for item in received])
    grants, causes = {}, {}
    for item in received:
        event = item.event
        asked_for = event.user_id if event.user_id in users else None
        owner = asked_for or owners.get(payments.email_key(event.email))
        if owner is not None:
            grants[event.payment_id], causes[event.payment_id] = owner, item.envelope
    await payments.grant_waiting(tx, grants, causes=causes)


@handlers.on(UserRegistered)
async def open_account(event: UserRegistered, tx: Tx) -> None:
    """Open the account, and grant the payment that it was opened for."""
    await ledger.open_account(tx, event.user_id)
    await payments.learn_address(tx, event.user_id, event.email, is_verified=False)
    if event.payment is not None:
        owners = {event.payment.payment_id: event.user_id}
        await payments.grant_waiting(tx, owners, opened_account=True)
    waiting = await payments.waiting_of(tx, event.user_id)
    await payments.grant_waiting(tx, dict.fromkeys(waiting, event.user_id))


@handlers.on(UserRecognized)
async def grant_recognized_payer(event: UserRecognized, tx: Tx) -> None:
    """Grant a guest's payment to the account that auth found for it."""
    await payments.grant_waiting(tx, {event.payment_id: event.user_id})


@handlers.on(UserEmailVerified)
async def reward_verified_address(event: UserEmailVerified, tx: Tx) -> None:
    """Post the bonus of a sign-up, once an address, and grant what was paid with the address before."""
    await ledger.open_account(tx, event.user_id)
    await payments.learn_address(tx, event.user_id, event.email, is_verified=True)
    if event.opened_by == "signup":
        await post_bonus(tx, event.user_id, event.email)
    waiting = await payments.waiting_for(tx, event.email)
    await payments.grant_waiting(tx, dict.fromkeys(waiting, event.user_id))


@handlers.on_many(TaskCreated)
async def admit_tasks(received: Sequence[Received[TaskCreated]], tx: Tx) -> None:
    """The gate: a task reaches an agent only through the CreditsHeld published here."""
    requests = [
        ledger.HoldRequest(item.event.user_id, item.event.task_id, item.event.terms)
        for item in received
    ]
    by_task = {item.event.task_id: item for item in received}
    for answer in await ledger.hold(tx, requests):
        item = by_task[answer.request.task_id]
        verdict = _held(item.event, answer) or _denied(item.event, answer)
        tx.publish(verdict, cause=item.envelope)


@handlers.on_many(TaskFinished)
async def settle_tasks(received: Sequence[Received[TaskFinished]], tx: Tx) -> None:
    """Capture what delivered work cost, at most what was held, and release the rest."""
    settlements = [
        ledger.Settlement(
            task_id=item.event.task_id,
            is_delivered=item.event.outcome is Outcome.SUCCEEDED,
            units_used=item.event.units_used,
            description=item.event.description,
        )
        for item in received
    ]
    by_task = {item.event.task_id: item for item in received}
    for settled in await ledger.settle(tx, settlements):
        tx.publish(_settled(settled), cause=by_task[settled.task_id].envelope)


def _held(event: TaskCreated, answer: ledger.Held) -> CreditsHeld | None:
    if answer.hold_id is None:
        return None
    return CreditsHeld(
        hold_id=answer.hold_id, amount=event.terms.maximum, task=event, balance=answer.balance
    )


def _denied(event: TaskCreated, answer: ledger.Held) -> CreditsDenied:
    return CreditsDenied(
        task_id=event.task_id,
        user_id=event.user_id,
        needed=event.terms.maximum,
        balance=answer.balance,
    )


def _settled(settled: ledger.Settled) -> CreditsSettled:
    return CreditsSettled(
        hold_id=settled.hold_id,
        task_id=settled.task_id,
        user_id=settled.user_id,
        captured=settled.captured,
        released=settled.released,
        balance=settled.balance,
    )
