"""Which mail answers which event: each once per cause, in whatever order the events come."""

import asyncio
import random

import pytest
from notifier_events import (
    claim_requested,
    expiring,
    finished,
    granted,
    paid_first,
    past_due,
    ran_low,
    reset_requested,
    revoked,
    signed_up,
    verification_requested,
)
from notifier_parts import SITE, TOKEN, MemoryMailer, TestClock, html_of, ids, seal, text_of
from sqlalchemy import select, text

from notifier.models import Message
from shared.contracts.messages import MessageFailed, MessageSent
from shared.contracts.tasks import Outcome
from shared.events import Event
from shared.testing import ServiceUnderTest


async def messages_of(notifier: ServiceUnderTest) -> list[Message]:
    async with notifier.database.transaction() as tx:
        return list(await tx.scalars(select(Message).order_by(Message.id)))


async def test_a_payer_is_welcomed_with_the_credits_and_a_link(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    await notifier.deliver(paid_first(ids.new(), amount=1000))
    await notifier.work()

    [mail] = mailer.accepted
    assert mail.recipient == "ada@example.com"
    assert mail.content["Subject"] == "Welcome to ImpacterAGI!"
    assert "Your 1,000 credits are ready" in html_of(mail.content)
    assert f"{SITE}/claim?token={TOKEN}" in text_of(mail.content)


async def test_who_signs_up_is_asked_to_confirm_the_address(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    await notifier.deliver(signed_up(ids.new()))
    await notifier.work()

    [mail] = mailer.accepted
    assert mail.content["Subject"] == "Confirm your e-mail address"
    assert f"{SITE}/verify?token={TOKEN}" in text_of(mail.content)


async def test_each_request_for_a_link_gets_its_own_mail(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    user_id = ids.new()
    for event in (
        verification_requested(user_id),
        verification_requested(user_id),
        reset_requested(user_id),
        reset_requested(user_id),
        claim_requested(user_id),
    ):
        await notifier.deliver(event)
    await notifier.work()

    assert mailer.subjects == [
        "Confirm your e-mail address",
        "Confirm your e-mail address",
        "Reset your password",
        "Reset your password",
        "Your 1,000 credits are waiting",
    ]


@pytest.mark.parametrize(
    ("changes", "subjects"),
    [
        ({}, ["500 credits added"]),
        ({"opened_account": True}, []),
        ({"kind": "bonus"}, []),
        ({"kind": "admin_grant"}, []),
        ({"kind": "subscription"}, ["500 credits added"]),
        ({"kind": "reinstatement"}, ["500 credits given back"]),
    ],
)
async def test_only_a_returning_customer_is_told_of_added_credits(
    notifier: ServiceUnderTest,
    mailer: MemoryMailer,
    changes: dict[str, object],
    subjects: list[str],
) -> None:
    user_id = ids.new()
    await notifier.deliver(verification_requested(user_id))
    await notifier.work()
    mailer.accepted.clear()

    await notifier.deliver(granted(user_id, **changes))
    await notifier.work()

    assert mailer.subjects == subjects


@pytest.mark.parametrize(
    ("event", "subject", "words"),
    [
        (revoked(ids.new()), "Your payment was refunded", "400 credits that it bought were"),
        (revoked(ids.new(), owed=1), "Your payment was refunded", "1 credit of it was spent"),
        (revoked(ids.new(), kind="dispute"), "Your payment was disputed", "decided for us"),
        (
            expiring(ids.new()),
            "500 credits expire on December 31, 2026",
            "until December 31, 2026, 08:30 UTC",
        ),
        (expiring(ids.new(), amount=1), "1 credit expires on December 31, 2026", "use it:"),
        (ran_low(ids.new(), 9), "You have 9 credits left", f"{SITE}/credits"),
        (ran_low(ids.new(), 0), "You have 0 credits left", "You have no credits left"),
        (past_due(ids.new()), "Your payment failed", "until November 28, 2026"),
        (past_due(ids.new(), pay_url=None), "Your payment failed", f"{SITE}/credits"),
    ],
)
async def test_a_customer_is_told_what_becomes_of_their_money(
    notifier: ServiceUnderTest, mailer: MemoryMailer, event: Event, subject: str, words: str
) -> None:
    await notifier.deliver(verification_requested(event.user_id))
    await notifier.work()
    mailer.accepted.clear()

    await notifier.deliver(event, times=3)
    await notifier.work()

    assert mailer.subjects == [subject]
    assert words in text_of(mailer.accepted[0].content)


async def test_credits_that_went_to_what_was_owed_are_told_of(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    user_id = ids.new()
    await notifier.deliver(verification_requested(user_id))
    await notifier.work()
    mailer.accepted.clear()

    for repaid in (0, 120):
        await notifier.deliver(granted(user_id, repaid=repaid))
    await notifier.work()

    first, second = (text_of(mail.content) for mail in mailer.accepted)
    assert "owed" not in first
    assert "120 credits of them make up for what was owed" in second


async def test_each_stage_of_an_expiry_has_its_own_mail(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    user_id = ids.new()
    await notifier.deliver(verification_requested(user_id))
    await notifier.work()
    mailer.accepted.clear()

    for days_left in (14, 3, 3, 1, 14):
        await notifier.deliver(expiring(user_id, days_left=days_left))
    await notifier.work()

    assert mailer.subjects == ["500 credits expire on December 31, 2026"] * 3


@pytest.mark.parametrize(
    ("event", "template"),
    [
        (paid_first(ids.new()), "welcome"),
        (claim_requested(ids.new()), "claim"),
        (granted(ids.new(), payment_id=ids.new()), "credits_added"),
    ],
)
async def test_who_waits_for_the_mail_of_a_payment_is_told_that_it_is_sent(
    notifier: ServiceUnderTest, event: Event, template: str
) -> None:
    await notifier.deliver(verification_requested(event.user_id))
    await notifier.deliver(event)
    await notifier.work()

    payment = getattr(event, "payment", None) or event
    [told] = [
        item
        for item in await notifier.published(MessageSent)
        if item.payment_id == payment.payment_id
    ]
    assert (told.user_id, told.template) == (event.user_id, template)


async def test_who_waits_for_the_mail_of_a_payment_is_told_that_it_never_will_be_sent(
    notifier: ServiceUnderTest, clock: TestClock
) -> None:
    event = granted(ids.new(), payment_id=ids.new())
    await notifier.deliver(event)

    clock.advance(8 * 86_400)
    await notifier.work()

    failed = await notifier.published(MessageFailed)
    assert [item.payment_id for item in failed if item.user_id == event.user_id] == [
        event.payment_id
    ]


@pytest.mark.parametrize(
    ("outcome", "subjects"),
    [
        (Outcome.SUCCEEDED, ["Your task is complete"]),
        (Outcome.FAILED, ["Your task could not be completed, nothing was charged"]),
        (Outcome.TIMED_OUT, ["Your task could not be completed, nothing was charged"]),
        (Outcome.CANCELLED, []),
    ],
)
async def test_a_finished_task_is_reported_unless_it_was_cancelled(
    notifier: ServiceUnderTest, mailer: MemoryMailer, outcome: Outcome, subjects: list[str]
) -> None:
    user_id = ids.new()
    await notifier.deliver(verification_requested(user_id))
    await notifier.work()
    mailer.accepted.clear()

    await notifier.deliver(finished(user_id, outcome=outcome))
    await notifier.work()

    assert mailer.subjects == subjects


async def test_a_failure_is_told_with_its_reason_or_with_what_is_known(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    user_id = ids.new()
    await notifier.deliver(
        finished(user_id, outcome=Outcome.FAILED, reason="The site\r\ndid not answer.\x00")
    )
    await notifier.deliver(finished(user_id, outcome=Outcome.TIMED_OUT, reason=None))
    await notifier.deliver(signed_up(user_id))
    await notifier.work()

    texts = "".join(text_of(mail.content) for mail in mailer.accepted)
    assert "The site did not answer." in texts
    assert "It took longer than a task may take." in texts


async def test_a_result_of_any_kind_fits_into_a_mail(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    user_id = ids.new()
    hostile = "\x00\u202e<b>\r\nBcc: eve@example.com\r\n" * 2000
    event = finished(user_id, description=hostile, result=hostile)

    await notifier.deliver_together(signed_up(user_id), event)
    await notifier.work()

    mail = next(mail for mail in mailer.accepted if "complete" in mail.content["Subject"])
    assert mail.content["Bcc"] is None
    assert len(bytes(mail)) < 30_000


async def test_an_event_that_comes_often_makes_one_mail(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    user_id = ids.new()
    events = [paid_first(user_id), granted(user_id), finished(user_id), reset_requested(user_id)]
    for event in events:
        await notifier.deliver(event, times=3)  # redelivered: the same id
        await notifier.deliver(event, times=2)  # told again: another id, the same fact
    await notifier.work()

    assert len(mailer.accepted) == len(events)


async def test_an_event_that_comes_ten_times_at_once_makes_one_mail(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    event = paid_first(ids.new())

    await asyncio.gather(*(notifier.deliver(event) for _ in range(10)))
    await asyncio.gather(*(notifier.work() for _ in range(4)))

    assert mailer.subjects == ["Welcome to ImpacterAGI!"]


async def test_many_workers_send_each_mail_once(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    await notifier.deliver_together(*(paid_first(ids.new()) for _ in range(40)))

    await asyncio.gather(*(notifier.work() for _ in range(5)))

    assert len(mailer.accepted) == 40
    assert len({mail.id for mail in mailer.accepted}) == 40


@pytest.mark.parametrize("seed", range(3))
async def test_events_in_any_order_make_the_same_mails(
    notifier: ServiceUnderTest, mailer: MemoryMailer, seed: int
) -> None:
    user_id = ids.new()
    chance = random.Random(seed)
    events = [paid_first(user_id), granted(user_id), finished(user_id), reset_requested(user_id)]
    events += chance.choices(events, k=4)
    chance.shuffle(events)

    for event in events:
        await notifier.deliver(event)
        if chance.random() < 0.5:
            await notifier.work()
    await notifier.work()

    assert mailer.subjects == [
        "500 credits added",
        "Reset your password",
        "Welcome to ImpacterAGI!",
        "Your task is complete",
    ]


async def test_a_mail_waits_for_an_address_that_is_not_known_yet(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    user_id = ids.new()
    await notifier.deliver(finished(user_id))
    await notifier.work()
    [waiting] = await messages_of(notifier)
    assert (waiting.to_address, waiting.state, mailer.accepted) == (None, "queued", [])

    clock.advance(24 * 3600)
    await notifier.deliver(signed_up(user_id))
    await notifier.work()

    assert mailer.subjects == ["Confirm your e-mail address", "Your task is complete"]
    assert {mail.recipient for mail in mailer.accepted} == {"ada@example.com"}


async def test_an_address_that_is_learned_at_the_same_moment_is_not_missed(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    users = [ids.new() for _ in range(10)]
    events = [finished(user_id) for user_id in users] + [signed_up(user_id) for user_id in users]

    await asyncio.gather(*(notifier.deliver(event) for event in events))
    await notifier.work()

    assert len(mailer.accepted) == len(events)


async def test_a_mail_whose_address_never_comes_is_given_up_after_a_week(
    notifier: ServiceUnderTest, clock: TestClock
) -> None:
    await notifier.deliver(finished(ids.new()))

    clock.advance(6 * 24 * 3600)
    await notifier.work()
    [waiting] = await messages_of(notifier)
    assert waiting.state == "queued"

    clock.advance(2 * 24 * 3600)
    await notifier.work()
    [given_up] = await messages_of(notifier)
    assert given_up.state == "failed"
    assert given_up.error == "no address became known within 7 days"


async def test_a_mail_goes_to_nobody_else(notifier: ServiceUnderTest, mailer: MemoryMailer) -> None:
    ada, bob = ids.new(), ids.new()
    await notifier.deliver(signed_up(ada, email="ada@example.com"))
    await notifier.deliver(signed_up(bob, email="bob@example.com"))
    await notifier.deliver(finished(bob, description="Bob's secret plan"))
    await notifier.work()

    to_ada = [mail for mail in mailer.accepted if mail.recipient == "ada@example.com"]
    assert len(to_ada) == 1
    assert "Bob" not in text_of(to_ada[0].content)


async def test_the_link_is_never_in_the_database_in_clear_and_gone_once_sent(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    async def everything_stored() -> str:
        async with notifier.database.transaction() as tx:
            tables = await tx.execute(
                text("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'")
            )
            dumps = [
                await tx.execute(text(f"SELECT coalesce(json_agg(t)::text, '') FROM {name} t"))
                for (name,) in tables.all()
            ]
            return "".join(dump.scalar_one() for dump in dumps)

    event = paid_first(ids.new())
    await notifier.deliver(event)
    before = await everything_stored()
    await notifier.work()
    after = await everything_stored()

    assert TOKEN in text_of(mailer.accepted[0].content)
    assert seal.open(event.sealed_token) == TOKEN
    assert TOKEN not in before
    assert event.sealed_token in before
    assert TOKEN not in after
    assert event.sealed_token not in after
