"""Group commit: requests that arrive together are decided, and committed, in one transaction.

    asking = GroupCommit(database, decide)
    answer = await asking.ask(question)

A request never waits for others to come: what has arrived while the last transaction was under way is the next
one. A lone request has a transaction of its own.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared import tracing
from shared.db import Database, Tx
from shared.events import Event
from shared.outages import is_collision

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")

GROUP_MAX = 128


@dataclass(frozen=True, slots=True, eq=False)
class Asked(Generic[QuestionT]):
    """A question with the circumstances of its request: its correlation and its trace."""

    question: QuestionT
    context: contextvars.Context = field(default_factory=contextvars.copy_context)

    def publish(self, tx: Tx, event: Event) -> None:
        """Publish as part of what led to the question."""
        self.context.run(tx.publish, event)


Decide = Callable[[Tx, Sequence[Asked[QuestionT]]], Awaitable[Sequence[AnswerT | Exception]]]


class GroupCommit(Generic[QuestionT, AnswerT]):
    """Has `decide` answer each group of questions in one transaction.

    An exception among the answers is raised to who asked that question; the others stand.
    """

    def __init__(self, database: Database, decide: Decide[QuestionT, AnswerT]) -> None:
        self._database = database
        self._decide = decide
        self._waiting: deque[tuple[Asked[QuestionT], asyncio.Future[AnswerT]]] = deque()
        self._context = contextvars.copy_context()
        self._serving: asyncio.Task[None] | None = None

    async def ask(self, question: QuestionT) -> AnswerT:
        """Return the answer once it is committed; raise what was decided against it, or what failed."""
        answer: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((Asked(question), answer))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), context=self._context.copy())
        return await answer

    async def _serve(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), GROUP_MAX)
                await self._answer([self._waiting.popleft() for _ in range(size)])
        finally:
            self._serving = None
            # Whoever still waits when this was cancelled would wait for the next to ask.
            while self._waiting:
                self._waiting.popleft()[1].cancel()

    async def _answer(
        self, group: Sequence[tuple[Asked[QuestionT], "asyncio.Future[AnswerT]"]], *, tries: int = 3
    ) -> None:
        """Answer a group together; where that cannot be decided, each alone, for one may spoil it for all.

        One that another process was in the way of is tried again.
        """
        is_decided = False
        contexts = [asked.context for asked, _ in group]
        try:
            with tracing.together(self._database.source, contexts):
                async with self._database.transaction() as tx:
                    answers = await self._decide(tx, [asked for asked, _ in group])
                    is_decided = True
        except Exception as flaw:  # noqa: BLE001 - it is raised to those who asked
            if len(group) > 1 and not is_decided:  # a commit that failed may have been one
                for one in group:
                    await self._answer([one])
                return
            if is_collision(flaw) and tries > 1:
                await self._answer(group, tries=tries - 1)
                return
            answers = [flaw] * len(group)
        except BaseException:
            for _, waiting in group:
                waiting.cancel()
            raise
        for (_, waiting), answer in zip(group, answers, strict=True):
            _settle(waiting, answer)


def _settle(waiting: "asyncio.Future[AnswerT]", answer: AnswerT | Exception) -> None:
    if waiting.done():  # who asked has gone away; what was decided stands
        return
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
