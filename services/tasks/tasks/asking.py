"""Asking for work over HTTP: requests that arrive together are accepted in one transaction, each once."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.db import Database, Tx
from shared.errors import DomainError
from shared.group_commit import Asked, GroupCommit
from shared.idempotency import Answer, Mark, Outcome, once_each
from tasks import lifecycle
from tasks.hub import Hub
from tasks.quotes import Wanted
from tasks.schemas import AcceptedTask


@dataclass(frozen=True, slots=True)
class Request:
    """A request for work, and what tells it from others if it carries an Idempotency-Key."""

    wanted: Wanted
    mark: Mark | None


class Asking:
    """The way in for work; any number of requests at once."""

    def __init__(self, database: Database, hub: Hub, *, checkout_url: str) -> None:
        self._hub = hub
        self._checkout_url = checkout_url
        self._group: GroupCommit[Request, Answer] = GroupCommit(database, self._decide)

    async def ask(self, wanted: Wanted, mark: Mark | None) -> Answer:
        """Return the accepted task as the answer of the route; raise why it was not accepted."""
        return await self._group.ask(Request(wanted, mark))

    async def _decide(self, tx: Tx, asked: Sequence[Asked[Request]]) -> list[Outcome]:
        async def accept(to_do: Sequence[int]) -> list[Outcome]:
            requests = [asked[place] for place in to_do]
            wanted = [Asked(item.question.wanted, item.context) for item in requests]
            await self._hub.take_turn(tx, *{item.question.user_id for item in wanted})
            answers = await lifecycle.create(tx, wanted, checkout_url=self._checkout_url)
            return [answer_of(answer) for answer in answers]

        return await once_each(tx, [item.question.mark for item in asked], accept)


def answer_of(answer: lifecycle.Accepted | DomainError) -> Outcome:
    """Return what the route says: 201 with the task, or the refusal."""
    if isinstance(answer, DomainError):
        return answer
    return Answer(201, shown(answer).model_dump_json().encode())


def shown(accepted: lifecycle.Accepted) -> AcceptedTask:
    """Show an accepted task."""
    task = accepted.task
    return AcceptedTask(
        task_id=task.id, status=task.status, credits_remaining=accepted.credits_remaining
    )
