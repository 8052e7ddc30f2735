"""The gate and the settlement as other services see them: events in, events out."""

from uuid import uuid4

from billing import ledger
from billing.models import Kind
from billing.proof import prove
from shared.contracts.credits import CreditsDenied, CreditsHeld, CreditsSettled
from shared.contracts.tasks import Outcome, TaskCreated, TaskFinished, Terms


async def funded(billing, amount):
    user_id = uuid4()
    async with billing.database.transaction() as tx:
        grant = ledger.Grant(user_id, amount, Kind.BONUS, uuid4().hex, "a gift")
        await ledger.grant(tx, [grant])
    return user_id


def created(user_id, maximum=10):
    return TaskCreated(
        task_id=uuid4(),
        user_id=user_id,
        agent_type="general",
        description="Do it",
        terms=Terms(expected=maximum, maximum=maximum),
    )


def finished(task, outcome=Outcome.SUCCEEDED):
    return TaskFinished(
        task_id=task.task_id,
        user_id=task.user_id,
        run_id=uuid4(),
        description="Do it",
        outcome=outcome,
        executor="demo",
    )


async def of(billing, kind, user_id):
    events = await billing.published(kind)
    return [item for item in events if getattr(item, "task", item).user_id == user_id]


async def test_a_task_with_credits_passes_and_carries_itself_on(billing):
    task = created(await funded(billing, 100), 30)

    await billing.deliver(task, times=3)

    [held] = await of(billing, CreditsHeld, task.user_id)
    assert (held.amount, held.balance.available, held.task) == (30, 70, task)


async def test_a_task_without_credits_never_passes(billing):
    task = created(await funded(billing, 9), 10)

    await billing.deliver(task, times=3)

    assert await of(billing, CreditsHeld, task.user_id) == []
    [denied, *_] = await of(billing, CreditsDenied, task.user_id)
    assert (denied.needed, denied.balance.available) == (10, 9)


async def test_a_task_of_somebody_unknown_is_denied(billing):
    task = created(uuid4())

    await billing.deliver(task)

    assert len(await of(billing, CreditsDenied, task.user_id)) == 1


async def test_a_batch_admits_what_the_credits_reach_for(billing):
    user_id = await funded(billing, 25)
    tasks = [created(user_id, 10) for _ in range(5)]

    await billing.deliver_together(*tasks)

    assert len(await of(billing, CreditsHeld, user_id)) == 2
    assert len(await of(billing, CreditsDenied, user_id)) == 3


async def test_a_finished_task_is_settled_once(billing):
    task = created(await funded(billing, 100), 30)
    await billing.deliver(task)

    await billing.deliver(finished(task), times=3)
    await billing.deliver(finished(task, Outcome.FAILED))

    [settled] = await of(billing, CreditsSettled, task.user_id)
    assert (settled.captured, settled.released, settled.balance.available) == (30, 0, 70)
    async with billing.database.transaction() as tx:
        assert await prove(tx) == {}


async def test_undelivered_outcomes_cost_nothing(billing):
    user_id = await funded(billing, 100)
    for outcome in (Outcome.FAILED, Outcome.CANCELLED, Outcome.TIMED_OUT):
        task = created(user_id)
        await billing.deliver(task)
        await billing.deliver(finished(task, outcome))

    settled = await of(billing, CreditsSettled, user_id)
    assert [(item.captured, item.released) for item in settled] == [(0, 10)] * 3
    assert settled[-1].balance.available == 100


async def test_an_outcome_of_a_denied_task_settles_nothing(billing):
    task = created(await funded(billing, 5), 10)
    await billing.deliver(task)

    await billing.deliver(finished(task, Outcome.CANCELLED))

    assert await of(billing, CreditsSettled, task.user_id) == []
