"""What became of a mail is written down, also where the database was away when it was to be."""

from notifier_events import signed_up
from notifier_parts import MemoryMailer, ids, settings
from sqlalchemy import select
from typing_extensions import override

from notifier.mailer import Mail
from notifier.models import Message
from notifier.service import assemble
from shared.db import Database
from shared.testing import TokenIssuer, under_test
from tests.system.proxy import Proxy, before_database, through


class Unlucky(MemoryMailer):
    """A mailer behind whose back the connections to the database are lost."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._proxy = proxy

    @override
    async def send(self, mail: Mail) -> None:
        await super().send(mail)
        self._proxy.reset()


async def test_a_mail_is_sent_once_though_the_database_was_away_afterwards(database_url: str):
    proxy = before_database(database_url)
    async with proxy.listening() as port:
        url, mailer = through(database_url, port), Unlucky(proxy)
        service = assemble(
            settings(url),
            database=Database(url, source="notifier"),
            mailer=mailer,
            verifier=TokenIssuer().verifier(),
        )
        async with under_test(service) as notifier:
            await notifier.deliver(signed_up(ids.new()))

            await notifier.work()

            async with notifier.database.transaction() as tx:
                [message] = await tx.scalars(select(Message))
            assert (message.state, message.unknown_count, mailer.tries) == ("sent", 0, 1)
