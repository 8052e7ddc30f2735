"""Group commit: what arrives together is one transaction; each key is answered once, each failure is one's own."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared.contracts.users import UserVerificationRequested
from shared.db import CORRELATION
from shared.errors import Conflict
from shared.group_commit import GroupCommit
from shared.idempotency import Answer, Mark, once_each

ADD = text("INSERT INTO effects VALUES (:word, 1)")


class Refused(Conflict):
    """No."""


class Words:
    """Writes down words, each once: "no" is refused, "crash" fails, and so does what is there already."""

    def __init__(self, database):
        self.groups = []
        self.has_begun = asyncio.Event()
        self.database = database
        self.group = GroupCommit(database, self.decide)

    async def decide(self, tx, asked):
        self.groups.append([item.question[0] for item in asked])
        self.has_begun.set()

        async def write(to_do):
            return [await self.write(tx, asked[place]) for place in to_do]

        return await once_each(tx, [item.question[1] for item in asked], write)

    async def write(self, tx, item):
        word, _ = item.question
        if word == "no":
            return Refused()
        if word == "crash":
            raise RuntimeError(word)
        await tx.execute(ADD, {"word": word})
        event = UserVerificationRequested(user_id=uuid4(), email=word, sealed_token="x")
        item.publish(tx, event)
        return Answer(201, word.encode())

    async def say(self, *words, key=None):
        """Say words at once, all under one key if one is given; return what came of each."""
        asked = [self.group.ask((word, key and mark(key, word))) for word in words]
        return await asyncio.gather(*asked, return_exceptions=True)

    async def written(self):
        async with self.database.transaction() as tx:
            return set((await tx.execute(text("SELECT id FROM effects"))).scalars())


def mark(key, word):
    return Mark("usr_1", "/words", key, word.encode())


@pytest.fixture
def words(database):
    return Words(database)


async def test_what_arrives_together_is_committed_together(words):
    answers = await words.say("a", "b", "c")

    assert [answer.body for answer in answers] == [b"a", b"b", b"c"]
    assert words.groups == [["a", "b", "c"]]
    assert await words.written() == {"a", "b", "c"}


async def test_what_arrives_under_way_is_the_next_group(words):
    first = asyncio.create_task(words.say("a"))
    await words.has_begun.wait()
    await asyncio.gather(words.say("b", "c"), first)

    assert words.groups == [["a"], ["b", "c"]]


async def test_a_refusal_is_one_askers_own(words):
    good, refused, also_good = await words.say("a", "no", "b")

    assert (good.body, also_good.body) == (b"a", b"b")
    assert isinstance(refused, Refused)
    assert await words.written() == {"a", "b"}


async def test_a_failure_costs_nobody_else_anything(words):
    good, failed, also_good = await words.say("a", "crash", "b")

    assert (good.body, also_good.body) == (b"a", b"b")
    assert isinstance(failed, RuntimeError)
    assert await words.written() == {"a", "b"}
    assert words.groups == [["a", "crash", "b"], ["a"], ["crash"], ["b"]]


async def test_one_key_is_answered_once_within_a_group_and_across_groups(words):
    first, second = await words.say("a", "a", key="k")
    [third] = await words.say("a", key="k")

    assert {answer.body for answer in (first, second, third)} == {b"a"}
    assert [answer.is_replay for answer in (first, second, third)] == [False, True, True]


async def test_one_key_with_two_requests_is_a_conflict_for_the_second(words):
    first, second = await words.say("a", "b", key="k")
    [third] = await words.say("c", key="k")

    assert first.body == b"a"
    assert isinstance(second, Conflict)
    assert isinstance(third, Conflict)
    assert await words.written() == {"a"}


async def test_a_refused_request_leaves_its_key_free(words):
    refused = await words.say("no", "no", key="k")
    [answer] = await words.say("a", key="k")

    assert [type(flaw) for flaw in refused] == [Refused, Refused]
    assert (answer.body, answer.is_replay) == (b"a", False)


async def test_two_groups_with_the_same_keys_do_not_wait_for_each_other(database):
    replicas = [Words(database), Words(database)]
    keys = [f"k{number}" for number in range(50)]
    for round_number in range(5):
        marks = [(f"{round_number} {key}", mark(f"{round_number} {key}", "x")) for key in keys]

        answers = await asyncio.gather(
            *(replicas[0].group.ask(one) for one in marks),
            *(replicas[1].group.ask(one) for one in reversed(marks)),
        )

        assert sum(not answer.is_replay for answer in answers) == len(keys)


async def test_each_event_belongs_to_the_action_that_asked(words):
    actions = {word: uuid4() for word in ("a", "b")}

    async def ask(word):
        CORRELATION.set(actions[word])
        await words.say(word)

    await asyncio.gather(*(asyncio.create_task(ask(word)) for word in actions))

    async with words.database.transaction() as tx:
        rows = (
            await tx.execute(text("SELECT headers, convert_from(body, 'UTF8') FROM outbox"))
        ).all()
    assert words.groups == [["a", "b"]]
    for headers, body in rows:
        [word] = [word for word in actions if f'"email":"{word}"' in body]
        assert headers["ce-correlationid"] == str(actions[word])


async def test_who_goes_away_takes_nothing_along(words):
    gone = asyncio.create_task(words.say("a"))
    await words.has_begun.wait()
    gone.cancel()

    [answer] = await words.say("b")

    assert answer.body == b"b"
    assert await words.written() == {"a", "b"}


async def test_who_waits_behind_a_group_that_is_ended_does_not_wait_for_ever(words):
    first = asyncio.create_task(words.say("one"))
    await words.has_begun.wait()
    behind = asyncio.create_task(words.group.ask(("two", None)))
    await asyncio.sleep(0)

    words.group._serving.cancel()
    ended = await asyncio.gather(first, behind, return_exceptions=True)

    assert [type(each) for each in ended] == [list, asyncio.CancelledError]
    assert await words.say("three") == [Answer(201, b"three")]
