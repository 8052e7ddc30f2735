"""What the notifier's metrics say: mails by state, and how late they are."""

from notifier_events import granted, signed_up
from notifier_parts import ids

from notifier.mailer import NotSent
from notifier.metrics import gauges


async def read(notifier):
    async with notifier.database.transaction() as tx:
        return {gauge.name: gauge.values for gauge in await gauges(tx)}


async def test_mails_are_counted_by_state_and_the_latest_is_told(notifier, clock):
    await notifier.deliver(signed_up(ids.new()))
    clock.advance(90)
    waiting = await read(notifier)
    await notifier.work()
    sent = await read(notifier)
    clock.advance(2 * 86_400)
    later = await read(notifier)

    assert waiting["impacter_mails"] == {"queued": 1, "sending": 0, "sent": 0, "failed": 0}
    assert waiting["impacter_mail_oldest_seconds"]["queued"] == 90
    assert waiting["impacter_mail_overdue_seconds"] == {"": 90}
    assert sent["impacter_mails"] == {"queued": 0, "sending": 0, "sent": 1, "failed": 0}
    assert later["impacter_mails"]["sent"] == 0


async def test_a_mail_between_two_tries_is_not_late(notifier, mailer, clock):
    mailer.flaws = [NotSent("the server is down")]
    await notifier.deliver(signed_up(ids.new()))
    await notifier.work()
    clock.advance(1)
    now = await read(notifier)

    assert now["impacter_mails"]["queued"] == 1
    assert now["impacter_mail_overdue_seconds"] == {"": 0}


async def test_a_mail_whose_address_is_not_known_yet_is_not_late(notifier, clock):
    await notifier.deliver(granted(ids.new()))
    clock.advance(3600)
    now = await read(notifier)

    assert now["impacter_mails"]["queued"] == 1
    assert now["impacter_mail_overdue_seconds"] == {"": 0}
