"""Effects out: leased messages are sent, and what became of each is written down."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime

import structlog

from notifier import messages
from notifier.letters import CannotWrite, Letters
from notifier.mailer import Mailer, NotSent, OutcomeUnknown
from notifier.models import Message
from shared.db import Database

log = structlog.get_logger()

FINISHING_S_MAX = 10


class MailWorker:
    """Sends one due message at a time, with no transaction open while it does."""

    def __init__(self, database: Database, letters: Letters, mailer: Mailer) -> None:
        self._database = database
        self._letters = letters
        self._mailer = mailer

    async def work_once(self) -> bool:
        """Send the message that is due longest; tell whether there was one."""
        async with self._database.transaction() as tx:
            await messages.recover(tx)
            now = await tx.now()
            message = await messages.lease(tx)
        if message is None:
            return False
        await _finishing(self._attempt(message, now))
        return True

    async def _attempt(self, message: Message, now: datetime) -> None:
        try:
            await self._mailer.send(self._letters.write(message, at=now))
        except (CannotWrite, NotSent) as flaw:
            async with self._database.transaction() as tx:
                await messages.put_off(tx, message, str(flaw))
            _log("mail_not_sent", message)
        except OutcomeUnknown as flaw:
            async with self._database.transaction() as tx:
                await messages.mark_unknown(tx, message, str(flaw))
            _log("mail_outcome_unknown", message)
        else:
            async with self._database.transaction() as tx:
                await messages.mark_sent(tx, message)
            _log("mail_sent", message)


async def _finishing(work: Coroutine[None, None, None]) -> None:
    """Finish what is in hand, also when the process is told to stop meanwhile."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=FINISHING_S_MAX)
        task.cancel()
        raise


def _log(what: str, message: Message) -> None:
    log.info(
        what,
        message_id=str(message.id),
        template=message.template,
        user_id=str(message.user_id),
        attempt=message.attempts,
    )
