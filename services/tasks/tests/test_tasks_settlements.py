"""The books of a day: what tasks saw of it is told to billing, exactly, and only of that day."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
from tasks_parts import TasksUnderTest, settled, task_of

from shared.clock import Ids
from shared.contracts.books import BooksClosed, BooksCompared
from shared.contracts.credits import CreditsSettled

IDS = Ids()
DAY = date(2026, 11, 27)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def settlement(captured: int, at: datetime | None = NOON) -> CreditsSettled:
    ended = {"captured": captured, "released": 5, "settled_at": at}
    return settled(task_of(IDS.new()), 0).model_copy(update=ended)


def closed(*events: CreditsSettled, **changes: object) -> BooksClosed:
    lines = [f"{event.hold_id} {event.captured} {event.released}" for event in events]
    digests = [hashlib.md5(line.encode()).hexdigest()[:15] for line in lines]
    values = {
        "day": DAY,
        "attempt": 1,
        "settled_count": len(events),
        "captured": sum(event.captured for event in events),
        "released": sum(event.released for event in events),
        "fingerprint": str(sum(int(digest, 16) for digest in digests)),
    }
    return BooksClosed(**{**values, **changes})


@pytest.fixture
async def ended(tasks: TasksUnderTest):
    """Two holds that ended on the day, and their neighbours of other days and of no day."""
    events = [settlement(10), settlement(0, NOON.replace(hour=0))]
    others = [
        settlement(1, NOON - timedelta(days=1)),
        settlement(2, datetime(2026, 11, 28, tzinfo=UTC)),
        settlement(3, None),
    ]
    for event in (*events, *others, *events):
        await tasks.running.deliver(event)
    yield events
    async with tasks.running.database.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM settlements")


async def answer_to(tasks: TasksUnderTest, question: BooksClosed) -> BooksCompared:
    await tasks.running.deliver(question)
    return (await tasks.running.published(BooksCompared))[-1]


async def test_a_day_that_was_seen_the_same_matches(tasks: TasksUnderTest, ended):
    answer = await answer_to(tasks, closed(*ended, attempt=2))

    assert answer == BooksCompared(
        day=DAY, attempt=2, matches=True, settled_count=2, captured=10, released=10
    )


async def test_a_settlement_that_never_arrived_is_a_difference(tasks: TasksUnderTest, ended):
    answer = await answer_to(tasks, closed(*ended, settlement(7)))

    assert (answer.matches, answer.settled_count, answer.captured) == (False, 2, 10)


async def test_other_holds_with_the_same_sums_are_a_difference(tasks: TasksUnderTest, ended):
    [first, second] = ended
    swapped = [
        first.model_copy(update={"captured": second.captured}),
        second.model_copy(update={"captured": first.captured}),
    ]

    assert not (await answer_to(tasks, closed(*swapped))).matches


async def test_a_day_without_any_matches_a_day_without_any(tasks: TasksUnderTest):
    question = closed(day=date(2020, 1, 1))

    assert (await answer_to(tasks, question)).matches
