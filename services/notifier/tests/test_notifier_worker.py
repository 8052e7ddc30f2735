"""What becomes of a mail that could not be sent, or of which nobody knows."""

import asyncio

import pytest
from notifier_events import finished, paid_first, signed_up
from notifier_parts import MemoryMailer, TestClock, ids, letters, seal
from sqlalchemy import select, update

from notifier.mailer import Mail, NotSent, OutcomeUnknown
from notifier.messages import ATTEMPTS_MAX, LEASE_S, UNKNOWN_PAUSE_S, lease, mark_sent, put_off
from notifier.models import Message
from notifier.workers import MailWorker
from shared.testing import ServiceUnderTest

DAY_S = 24 * 3600


async def only_message(notifier: ServiceUnderTest) -> Message:
    async with notifier.database.transaction() as tx:
        [message] = await tx.scalars(select(Message))
        return message


async def test_a_mail_that_was_not_sent_is_tried_again_later(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    mailer.flaws = [NotSent("the server is down")]
    await notifier.deliver(signed_up(ids.new()))
    await notifier.work()
    waiting = await only_message(notifier)
    assert (waiting.state, waiting.attempts, waiting.error) == ("queued", 1, "the server is down")
    assert waiting.sealed_token is not None

    clock.advance(60)
    await notifier.work()

    sent = await only_message(notifier)
    assert (sent.state, sent.attempts, sent.error) == ("sent", 2, None)
    assert sent.sent_at == clock.now()
    assert sent.sealed_token is None
    assert len(mailer.accepted) == 1


async def test_a_mail_that_is_never_sent_is_given_up_after_its_last_try(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    mailer.flaws = [NotSent("550 no such mailbox \x00")] * 100
    await notifier.deliver(signed_up(ids.new()))
    began = clock.now()

    while (await only_message(notifier)).state == "queued":
        clock.advance(
            ((await only_message(notifier)).next_attempt_at - clock.now()).total_seconds()
        )
        await notifier.work()

    failed = await only_message(notifier)
    assert (failed.state, failed.error) == ("failed", "550 no such mailbox ")
    assert mailer.tries == failed.attempts == ATTEMPTS_MAX
    assert (clock.now() - began).total_seconds() > 0.9 * DAY_S


async def test_one_refused_mail_does_not_keep_the_others_waiting(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    mailer.flaws = [NotSent("refused")]
    await notifier.deliver_together(*(signed_up(ids.new()) for _ in range(5)))
    await notifier.work()

    assert len(mailer.accepted) == 4


async def test_an_unknown_outcome_is_recorded_and_tried_once_more_after_a_pause(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    mailer.flaws = [OutcomeUnknown("the answer was lost")]
    await notifier.deliver(signed_up(ids.new()))
    await notifier.work()
    clock.advance(UNKNOWN_PAUSE_S - 1)
    await notifier.work()
    unknown = await only_message(notifier)
    assert (unknown.state, unknown.unknown_count, mailer.tries) == ("queued", 1, 1)
    assert unknown.error == "outcome unknown: the answer was lost"

    clock.advance(2)
    await notifier.work()

    sent = await only_message(notifier)
    assert (sent.state, sent.unknown_count, sent.sealed_token) == ("sent", 1, None)


async def test_a_second_unknown_outcome_is_the_last(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    mailer.flaws = [OutcomeUnknown("lost"), NotSent("down"), OutcomeUnknown("lost again")]
    await notifier.deliver(signed_up(ids.new()))
    for _ in range(10):
        await notifier.work()
        clock.advance(DAY_S)

    failed = await only_message(notifier)
    assert (failed.state, failed.unknown_count, mailer.tries) == ("failed", 2, 3)
    assert failed.error == "outcome unknown: lost again"


async def test_a_lease_whose_holder_is_gone_counts_as_unknown_and_is_taken_over(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    await notifier.deliver(signed_up(ids.new()))
    async with notifier.database.transaction() as tx:
        assert await lease(tx) is not None  # and its process ends here

    await notifier.work()
    assert mailer.tries == 0
    clock.advance(LEASE_S)
    await notifier.work()

    sent = await only_message(notifier)
    assert (sent.state, sent.attempts, sent.unknown_count) == ("sent", 2, 1)


async def test_a_late_outcome_of_a_lost_lease_changes_nothing(
    notifier: ServiceUnderTest, clock: TestClock
) -> None:
    await notifier.deliver(signed_up(ids.new()))
    async with notifier.database.transaction() as tx:
        late = await lease(tx)
    assert late is not None
    clock.advance(LEASE_S)
    await notifier.work()

    async with notifier.database.transaction() as tx:
        await put_off(tx, late, "down")
    async with notifier.database.transaction() as tx:
        await mark_sent(tx, late)

    sent = await only_message(notifier)
    assert (sent.state, sent.attempts, sent.error) == ("sent", 2, None)


async def test_no_transaction_is_open_while_a_mail_is_sent(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    await notifier.deliver(signed_up(ids.new()))
    states: list[str] = []

    class Looking:
        async def send(self, mail: Mail) -> None:
            async with notifier.database.transaction() as tx:  # would wait for a lock on the row
                await tx.execute(update(Message).values(error="seen"))
            states.append((await only_message(notifier)).state)
            await mailer.send(mail)

    await MailWorker(notifier.database, letters(), Looking()).work_once()

    assert states == ["sending"]
    assert (await only_message(notifier)).state == "sent"


async def test_a_mail_in_hand_is_finished_when_the_process_is_told_to_stop(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    await notifier.deliver(signed_up(ids.new()))
    sending, may_end = asyncio.Event(), asyncio.Event()

    class Slow:
        async def send(self, mail: Mail) -> None:
            sending.set()
            await may_end.wait()
            await mailer.send(mail)

    work = asyncio.create_task(MailWorker(notifier.database, letters(), Slow()).work_once())
    await sending.wait()
    work.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert (await only_message(notifier)).state == "sent"


async def test_an_address_that_is_none_is_not_sent_to(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    await notifier.deliver(signed_up(ids.new(), email="ada@example.com\r\nBcc: eve@example.com"))
    await notifier.work()

    message = await only_message(notifier)
    assert (message.state, mailer.tries) == ("queued", 0)
    assert message.error is not None
    assert "not one address" in message.error


async def test_a_link_sealed_with_another_key_waits_for_the_right_one(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    event = paid_first(ids.new())
    await notifier.deliver(event.model_copy(update={"sealed_token": "sealed-by-somebody-else"}))
    await notifier.work()
    waiting = await only_message(notifier)
    assert waiting.error == "its link cannot be opened with LINK_SEALING_KEY"

    async with notifier.database.transaction() as tx:
        await tx.execute(update(Message).values(sealed_token=seal.seal("the-token")))
    clock.advance(60)
    await notifier.work()

    assert len(mailer.accepted) == 1


async def test_the_oldest_due_mail_is_sent_first(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    user_id = ids.new()
    await notifier.deliver(signed_up(user_id))
    clock.advance(1)
    await notifier.deliver(finished(user_id))
    await notifier.work()

    subjects = [str(mail.content["Subject"]) for mail in mailer.accepted]
    assert subjects == ["Confirm your e-mail address", "Your task is complete"]
