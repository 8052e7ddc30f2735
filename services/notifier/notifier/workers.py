"""Effects out: leased messages are sent, and what became of each is written down."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

import structlog
from opentelemetry.trace import Span, SpanKind
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from notifier import messages
from notifier.letters import CannotWrite, Letters
from notifier.mailer import Mailer, NotSent, OutcomeUnknown
from notifier.models import Message
from shared.correlation import taking_up
from shared.db import Database, Tx
from shared.tracing import span, step

log = structlog.get_logger()

FINISHING_S_MAX = 10
OUTAGES = (OSError, DBAPIError, PoolTimeout)


class MailWorker:
    """Sends one due message at a time, with no transaction open while it does."""

    def __init__(
        self,
        database: Database,
        letters: Letters,
        mailer: Mailer,
        *,
        lease_s: float = messages.LEASE_S,
    ) -> None:
        self._database = database
        self._letters = letters
        self._mailer = mailer
        self._lease_s = lease_s

    async def work_once(self) -> bool:
        """Send the message that is due longest; tell whether there was one."""
        async with self._database.transaction() as tx:
            await messages.recover(tx)
            now = await tx.now()
            message = await messages.lease(tx, lease_s=self._lease_s)
        if message is None:
            return False
        await _finishing(self._attempt(message, now))
        return True

    async def _attempt(self, message: Message, now: datetime) -> None:
        with taking_up(message.origin), _traced(message):
            await self._try(message, now)

    async def _try(self, message: Message, now: datetime) -> None:
        try:
            mail = self._letters.write(message, at=now)
            with step("hand over mail", service="notifier", kind=SpanKind.CLIENT):
                await self._mailer.send(mail)
        except (CannotWrite, NotSent) as flaw:
            reason = str(flaw)
            await self._write(lambda tx: messages.put_off(tx, message, reason))
            log.warning("mail_not_sent", **_named(message))
        except OutcomeUnknown as flaw:
            reason = str(flaw)
            await self._write(lambda tx: messages.mark_unknown(tx, message, reason))
            log.warning("mail_outcome_unknown", **_named(message))
        else:
            await self._write(lambda tx: messages.mark_sent(tx, message))
            log.info("mail_sent", **_named(message))

    async def _write(self, outcome: Callable[[Tx], Awaitable[None]]) -> None:
        """Write what became of a mail, again while the database is away: who forgot it would send it twice."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(OUTAGES),
            wait=wait_exponential(multiplier=0.1, max=5),
            stop=stop_after_delay(self._lease_s),
            reraise=True,
        ):
            with attempt:
                async with self._database.transaction() as tx:
                    await outcome(tx)


def _traced(message: Message) -> AbstractContextManager[Span]:
    return span(
        f"mail {message.template}",
        service="notifier",
        attributes={
            "mail.id": str(message.id),
            "mail.template": message.template,
            "mail.attempt": message.attempts,
        },
    )


async def _finishing(work: Coroutine[None, None, None]) -> None:
    """Finish what is in hand, also when the process is told to stop meanwhile."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=FINISHING_S_MAX)
        task.cancel()
        raise


def _named(message: Message) -> Mapping[str, object]:
    return {
        "message_id": str(message.id),
        "template": message.template,
        "user_id": str(message.user_id),
        "attempt": message.attempts,
    }
