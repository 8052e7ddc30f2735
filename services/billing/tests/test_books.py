"""The books of a day: closed once, asked about until others agree, proved by the walk after it."""

import asyncio
import itertools
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from clocks import MovingClock
from sqlalchemy import delete, text, update

from billing import books, ledger, patrol
from billing.models import Book, Kind, Proof
from shared.contracts.books import BooksClosed, BooksCompared, BooksProved, Finding
from shared.contracts.tasks import Terms
from shared.db import Database
from shared.testing import ADMIN_KEY

MONTHS = itertools.count()


class Night:
    """Billing's books at a time of our own, a month for each test; `over` is when its first day is closed."""

    def __init__(self, billing):
        self.billing = billing
        self.first = date(2020, 3, 1) + timedelta(days=30 * next(MONTHS))
        self.over = datetime.combine(self.first, time(), UTC) + timedelta(days=1, minutes=5)
        self.clock = MovingClock(self.over - timedelta(hours=12))
        self.database = Database(billing.database.url, source="billing", clock=self.clock)

    async def do(self, work):
        async with self.database.transaction() as tx:
            return await work(tx)

    async def step(self):
        while await self.do(books.step):
            pass

    async def until(self, moment):
        self.clock.moment = max(self.clock.moment, moment)
        await self.step()

    async def settled(self, used, maximum=10):
        """Have a hold end at this moment."""
        user_id, task_id = uuid4(), uuid4()
        terms = Terms(expected=used, maximum=maximum)

        async def work(tx):
            gift = ledger.Grant(user_id, maximum, Kind.BONUS, uuid4().hex, "a gift")
            await ledger.grant(tx, [gift])
            await ledger.hold(tx, [ledger.HoldRequest(user_id, task_id, terms)])
            end = ledger.Settlement(task_id, bool(used), None, "a task")
            return await ledger.settle(tx, [end])

        return await self.do(work)

    async def asked(self, days_later=0):
        day = self.first + timedelta(days=days_later)
        return [item for item in await self.billing.published(BooksClosed) if item.day == day]

    async def proved(self):
        told = await self.billing.published(BooksProved)
        return [item for item in told if item.day == self.first]

    async def answer(self, question, **changes):
        fields = {name: getattr(question, name) for name in ("day", "attempt", *books.COUNTS)}
        answer = BooksCompared(**{"matches": True, **fields, **changes})
        await self.do(lambda tx: books.hear(tx, answer))

    async def book(self):
        return await self.do(lambda tx: tx.get(Book, self.first))

    async def walked(self):
        """Have every table walked to its end, from now on."""

        async def begin(tx):
            await tx.execute(update(Proof).values(began_at=await tx.now(), finished_at=None))

        async def walk(tx):
            rest = update(Proof).where(Proof.finished_at.is_(None))
            await tx.execute(rest.values(due_at=await tx.now()))
            await patrol.step(tx)

        await self.do(begin)
        while await self.do(unwalked):
            await self.do(walk)


async def unwalked(tx):
    found = await tx.execute(text("SELECT 1 FROM proofs WHERE finished_at IS NULL"))
    return bool(found.all())


@pytest.fixture
async def night(billing):
    night = Night(billing)

    async def begin(tx):
        await tx.execute(text("DELETE FROM outbox"))
        await tx.execute(delete(Book))
        await tx.execute(update(Proof).values(covers_at=None, finished_at=None))
        long_ago = night.over - timedelta(days=2)
        tx.add(Book(day=night.first - timedelta(days=1), closed_at=long_ago, proved_at=long_ago))

    await night.do(begin)
    yield night
    await night.database.close()


async def test_a_day_is_closed_once_it_is_over_and_not_before(night):
    await night.settled(7)
    await night.settled(0)

    await night.until(night.over - timedelta(seconds=1))
    early = await night.asked()
    await night.until(night.over)

    [question] = await night.asked()
    assert early == []
    assert (question.settled_count, question.captured, question.released) == (2, 7, 13)
    book = await night.book()
    assert book.moved == {"bonus": 20, "capture": -7}


async def test_what_ends_on_another_day_is_in_the_books_of_that_day(night):
    await night.settled(1)
    night.clock.moment = night.over
    await night.settled(2)
    await night.until(night.over + timedelta(days=1))

    [first], [second] = await night.asked(), await night.asked(1)
    assert (first.captured, second.captured) == (1, 2)


async def test_days_that_were_missed_are_closed_one_after_the_other(night):
    await night.until(night.over + timedelta(days=3))

    days = [item.day for item in await night.billing.published(BooksClosed)]
    assert days == [night.first + timedelta(days=number) for number in range(4)]


async def test_many_replicas_close_a_day_once(night):
    night.clock.moment = night.over

    await asyncio.gather(*(night.step() for _ in range(8)))

    assert len(await night.asked()) == 1


async def test_a_difference_is_asked_about_again_before_it_counts(night):
    await night.settled(7)
    await night.until(night.over)
    [question] = await night.asked()

    await night.answer(question, matches=False, captured=0, settled_count=0, released=0)
    not_yet = await night.book()
    await night.until(night.over + books.PAUSES[0] + timedelta(seconds=10))

    assert (not_yet.compared_at, not_yet.differences["captured"]) == (None, -7)
    assert [item.attempt for item in await night.asked()] == [1, 2]
    await night.answer((await night.asked())[-1])
    book = await night.book()
    assert (book.differences, book.compared_at is not None) == ({}, True)


async def test_a_difference_that_stays_counts_in_the_end(night):
    await night.until(night.over)
    for _ in range(20):
        question = (await night.asked())[-1]
        await night.answer(question, matches=False, captured=question.captured + 3)
        await night.until(night.clock.moment + timedelta(hours=5))

    book = await night.book()
    assert book.differences == {"captured": 3}
    assert len(await night.asked()) == len(books.PAUSES) + 1
    assert book.compared_at is not None


async def test_other_holds_with_the_same_sums_are_a_difference(night):
    await night.until(night.over)
    [question] = await night.asked()

    await night.answer(question, matches=False)

    assert (await night.book()).differences == {"other_holds": 1}


async def test_an_answer_to_an_earlier_question_changes_nothing(night):
    await night.until(night.over)
    [question] = await night.asked()
    await night.answer(question, matches=False, captured=1)
    await night.until(night.over + timedelta(hours=1))

    await night.answer(question, matches=False, captured=99)

    assert (await night.book()).differences == {"captured": 1}


async def test_a_day_is_proved_by_walks_that_began_after_it(night):
    await night.walked()
    await night.until(night.over)
    before = await night.book()
    await night.walked()
    await night.step()

    assert before.proved_at is None
    book = await night.book()
    assert (book.proved_at is not None, book.broken) == (True, {})


async def test_a_rule_that_is_broken_is_noted_in_the_days_books(night):
    await night.settled(7)
    await night.until(night.over)
    less = "UPDATE accounts SET is_low = is_low, paused_remaining = {} WHERE balance > 0"
    await night.do(lambda tx: tx.execute(text(less.format(1))))

    await night.walked()
    await night.step()
    await night.do(lambda tx: tx.execute(text(less.format(0))))

    assert list((await night.book()).broken) == ["what is paused is what paused lots have left"]


async def test_what_the_proof_of_a_day_found_is_told_once_it_is_compared_and_walked(night):
    await night.settled(7)
    await night.until(night.over)
    [question] = await night.asked()
    await night.walked()
    await night.step()
    too_early = await night.proved()
    await night.answer(question)

    assert too_early == []
    [proved] = await night.proved()
    assert (proved.attempt, proved.balanced, proved.differences) == (1, True, ())


async def test_a_day_that_is_compared_again_is_told_of_again(night):
    await night.until(night.over)
    await night.walked()
    await night.step()
    for _ in books.PAUSES:
        await night.answer((await night.asked())[-1], matches=False, released=5)
        await night.until(night.clock.moment + timedelta(hours=5))
    await night.answer((await night.asked())[-1], matches=False, released=5)
    await night.do(lambda tx: books.compare_again(tx, night.first))
    await night.step()
    await night.answer((await night.asked())[-1])

    first, second = await night.proved()
    assert (first.balanced, first.differences) == (False, (Finding(what="released", by=5),))
    assert (second.balanced, second.attempt) == (True, first.attempt + 1)


async def test_operators_have_a_day_compared_again(night):
    await night.until(night.over)
    [question] = await night.asked()
    await night.answer(question)
    url, key = "/api/admin/books/compare", {"x-admin-key": ADMIN_KEY}

    again = await night.billing.client.post(url, json={"day": night.first.isoformat()}, headers=key)
    unknown = await night.billing.client.post(url, json={"day": "2019-01-01"}, headers=key)

    assert (again.status_code, unknown.status_code) == (202, 404)
    assert again.json()["state"] == "comparing"
    await night.do(lambda tx: books.compare_again(tx, night.first))
    await night.step()
    assert [item.attempt for item in await night.asked()] == [1, 2]


async def test_the_report_tells_of_each_day_and_each_section(night, billing):
    await night.settled(7)
    await night.until(night.over)
    [question] = await night.asked()
    await night.answer(question)
    await night.walked()
    await night.step()

    answer = await billing.client.get("/api/admin/books", headers={"x-admin-key": ADMIN_KEY})

    report = answer.json()
    assert {"day": night.first.isoformat(), "state": "balanced"}.items() <= report["days"][
        0
    ].items()
    assert {"ledger", "tasks"} <= set(report["sections"])
    assert report["sections"]["ledger"]["state"] == "well"


async def test_a_customer_sees_the_last_day_that_was_proved(night, billing, issuer):
    [settled] = await night.settled(7)
    headers = {"Authorization": f"Bearer {issuer.token(settled.user_id)}"}

    async def shown():
        answer = await billing.client.get("/api/credits/summary", headers=headers)
        return answer.json()["books"]

    before = await shown()
    await night.until(night.over)
    [question] = await night.asked()
    await night.answer(question)
    await night.walked()
    await night.step()

    assert before is None
    assert {"day": night.first.isoformat(), "balanced": True}.items() <= (await shown()).items()
