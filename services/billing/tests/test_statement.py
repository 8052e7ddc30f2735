"""Statements: what happened, nothing else, and whoever holds one can check it without us."""

import asyncio
import csv
import io
import json
from contextlib import ExitStack
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from json.encoder import encode_basestring
from uuid import uuid4

import pytest
from clocks import MovingClock
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from billing import chain, ledger
from billing.models import Kind, SigningKey
from billing.statement import Press, StatementKeys
from billing.statement.press import QUEUE_MAX, PressBusy
from impacter import statements as auditor
from shared.contracts.tasks import Terms
from shared.db import Database
from shared.ids import public
from shared.sealing import Seal

PATH, KEYS = "/api/credits/statement", "/.well-known/billing-keys.json"
JANUARY = datetime(2026, 1, 10, tzinfo=UTC)


class Owner:
    """A user whose credits moved in January, February and March."""

    def __init__(self, billing, issuer):
        self.billing = billing
        self.id = uuid4()
        self.headers = {"Authorization": f"Bearer {issuer.token(self.id)}"}
        self.clock = MovingClock(JANUARY)
        self.database = Database(billing.database.url, source="billing", clock=self.clock)

    async def begin(self):
        await self.give(100, 'Gift «of» January ✓\n\t"\\')
        await self.work(30, "Find me 30 leads in Zürich")
        self.clock.moment = JANUARY + timedelta(days=30)
        await self.give(50, "=2+5")
        self.clock.moment = JANUARY + timedelta(days=60)
        await self.work(20, "найди")
        return self

    async def do(self, work):
        async with self.database.transaction() as tx:
            return await work(tx)

    async def give(self, amount, description):
        grant = ledger.Grant(self.id, amount, Kind.BONUS, uuid4().hex, description)
        await self.do(lambda tx: ledger.grant(tx, [grant]))

    async def work(self, cost, description):
        task_id = uuid4()
        request = ledger.HoldRequest(self.id, task_id, Terms(expected=cost, maximum=cost))
        end = ledger.Settlement(
            task_id, is_delivered=True, units_used=None, description=description
        )
        await self.do(lambda tx: ledger.hold(tx, [request]))
        await self.do(lambda tx: ledger.settle(tx, [end]))

    async def ask(self, since=None, until=None, *, accept=None, status=200):
        span = {"from": since, "to": until}
        parameters = {name: value for name, value in span.items() if value}
        headers = self.headers | ({"Accept": accept} if accept else {})
        answer = await self.billing.client.get(PATH, params=parameters, headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    async def statement(self, since=None, until=None):
        return auditor.read((await self.ask(since, until)).content)


@pytest.fixture
async def owner(billing, issuer):
    owner = await Owner(billing, issuer).begin()
    yield owner
    await owner.database.close()


@pytest.fixture
async def keys(billing):
    answer = await billing.client.get(KEYS)
    assert "max-age" in answer.headers["cache-control"]
    return auditor.keys_of(answer.json())


def flaws(statement, keys):
    return list(auditor.flaws(statement, keys))


async def test_a_statement_tells_every_line_of_its_period_and_verifies(owner, keys):
    statement = await owner.statement("2026-01-01", "2026-02-01")

    assert [line["amount"] for line in statement["lines"]] == [100, -30]
    assert statement["account"] == public("usr", owner.id)
    assert (statement["opening"]["balance"], statement["closing"]["balance"]) == (0, 70)
    assert statement["totals"] == {"bonus": 100, "capture": -30}
    assert statement["period"]["from"] == "2026-01-01T00:00:00.000000Z"
    assert flaws(statement, keys) == []


async def test_statements_of_consecutive_periods_join(owner, keys):
    days = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"]
    months = [await owner.statement(*span) for span in pairwise(days)]

    assert [len(month["lines"]) for month in months] == [2, 1, 1, 0]
    assert [flaws(month, keys) for month in months] == [[]] * 4
    for earlier, later in pairwise(months):
        assert list(auditor.gaps(earlier, later)) == []
    assert list(auditor.gaps(months[0], months[2])) == ["between them is missing: lines 3 to 3"]


async def test_a_period_ends_now_at_the_latest(owner, keys):
    statement = await owner.statement("2026-01-01", "2199-01-01")

    assert statement["period"]["to"] == statement["issued_at"]
    assert flaws(statement, keys) == []


async def test_without_a_period_it_is_of_this_month(owner):
    statement = await owner.statement()

    assert statement["period"]["from"] == f"{datetime.now(UTC):%Y-%m}-01T00:00:00.000000Z"
    assert statement["lines"] == []


async def test_who_has_no_account_has_a_statement_of_nothing(billing, issuer, keys):
    statement = await Owner(billing, issuer).statement("2026-01-01")

    assert (statement["lines"], statement["closing"]["balance"]) == ([], 0)
    assert flaws(statement, keys) == []


@pytest.mark.parametrize(
    "span", [("2026-02-01", "2026-01-01"), ("2026-02-01", "2026-02-01"), ("2199-01-01", None)]
)
async def test_a_period_that_is_none_is_refused(owner, span):
    assert (await owner.ask(*span, status=422)).json()["code"] == "invalid"


async def test_a_statement_that_would_be_too_long_is_refused(owner):
    grants = [ledger.Grant(owner.id, 1, Kind.BONUS, uuid4().hex, "x") for _ in range(1001)]
    await owner.do(lambda tx: ledger.grant(tx, grants))

    problem = (await owner.ask("2026-01-01", accept="application/pdf", status=422)).json()

    assert (problem["code"], problem["lines"]) == ("statement_too_long", 1005)
    assert (await owner.ask("2026-01-01")).status_code == 200


def nth(place):
    return lambda statement: statement["lines"][place]


CHANGES = {
    "line 2: it was changed": (nth(1), "description", "Find me 31 leads in Zürich"),
    "line 1: its balance does not": (nth(0), "amount", 101),
    "line 2: its balance does not": (nth(1), "balance_after", 71),
    "line 1: it was changed": (nth(0), "created_at", "2026-01-11T00:00:00.000000Z"),
    "closing: it is not": (lambda statement: statement["closing"], "balance", 71),
    "totals: they are not": (lambda statement: statement["totals"], "bonus", 101),
    "opening: the first line": (lambda statement: statement["opening"], "hash", "0" * 64),
    "signature: it is not over": (lambda statement: statement["period"], "to", "2026-02-02"),
    "signature: its key": (lambda statement: statement["signature"], "key_id", "another"),
}


@pytest.mark.parametrize("flaw", CHANGES)
async def test_every_change_is_found_where_it_was_made(owner, keys, flaw):
    statement = await owner.statement("2026-01-01", "2026-02-01")
    place, name, value = CHANGES[flaw]
    place(statement)[name] = value

    assert any(found.startswith(flaw) for found in flaws(statement, keys))


async def test_a_line_that_was_taken_away_put_in_or_moved_is_found(owner, keys):
    whole = await owner.statement("2026-01-01", "2026-04-01")
    less, more, moved = deepcopy(whole), deepcopy(whole), deepcopy(whole)
    del less["lines"][1]
    more["lines"].insert(1, whole["lines"][1])
    moved["lines"][1], moved["lines"][2] = moved["lines"][2], moved["lines"][1]

    assert "line 3: it stands after line 1" in flaws(less, keys)
    assert "line 2: it stands after line 2" in flaws(more, keys)
    assert "line 3: it stands after line 1" in flaws(moved, keys)


async def test_another_account_cannot_use_anothers_statement(owner, keys):
    statement = await owner.statement("2026-01-01", "2026-02-01")
    statement["account"] = public("usr", uuid4())

    assert len(flaws(statement, keys)) == 2  # neither the chain nor the signature is theirs


async def test_a_table_gives_the_same_content(owner):
    statement = await owner.statement("2026-01-01", "2026-03-01")
    answer = await owner.ask("2026-01-01", "2026-03-01", accept="text/csv")

    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    lines = [row for row in rows if row["record"] == "line"]
    assert [row["hash"] for row in lines] == [line["hash"] for line in statement["lines"]]
    assert [row["description"] for row in lines][1:] == ["Find me 30 leads in Zürich", "'=2+5"]
    assert {row["kind"]: int(row["amount"]) for row in rows if row["record"] == "total"} == (
        statement["totals"]
    )
    assert [row["balance_after"] for row in rows if row["record"] == "closing"] == ["120"]
    assert "statement-2026-01-01-to-" in answer.headers["content-disposition"]


async def test_on_paper_it_is_a_document(owner):
    answer = await owner.ask("2026-01-01", "2026-04-01", accept="application/pdf")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")


async def test_nobody_has_two_papers_in_the_queue(owner):
    def ask():
        headers = owner.headers | {"Accept": "application/pdf"}
        return owner.billing.client.get(PATH, headers=headers)

    answers = await asyncio.gather(ask(), ask(), ask())

    printed, *refused = sorted(answers, key=lambda answer: answer.status_code)
    assert printed.status_code == 200
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {
        (429, "press_busy")
    }
    assert (await ask()).status_code == 200


def test_the_queue_for_paper_is_short():
    press = Press()
    with ExitStack() as queue:
        for _ in range(QUEUE_MAX):
            queue.enter_context(press.place(uuid4()))
        with pytest.raises(PressBusy):
            queue.enter_context(press.place(uuid4()))
    with press.place(uuid4()):
        pass


async def test_replicas_that_sign_first_at_once_make_one_key(billing):
    async with billing.database.transaction() as tx:
        await tx.execute(delete(SigningKey))
    seal = Seal(Fernet.generate_key().decode())

    async def sign():
        async with billing.database.transaction() as tx:
            return await StatementKeys(seal).signed(tx, {"a": 1})

    signed = await asyncio.gather(*(sign() for _ in range(10)))
    async with billing.database.transaction() as tx:
        rows = (await tx.execute(text("SELECT sealed_private_pem FROM signing_keys"))).all()
        await tx.execute(delete(SigningKey))

    assert len({json.dumps(item) for item in signed}) == len(rows) == 1
    assert "PRIVATE" not in rows[0].sealed_private_pem


async def test_a_new_seal_makes_a_new_key_and_old_statements_still_verify(billing):
    old, new = (StatementKeys(Seal(Fernet.generate_key().decode())) for _ in range(2))
    async with billing.database.transaction() as tx:
        await tx.execute(delete(SigningKey))
        first = await old.signed(tx, {"a": 1})
        second = await new.signed(tx, {"a": 1})
        again = [await replica.signed(tx, {"a": 1}) for replica in (old, new, old, new)]
        public_keys = auditor.keys_of(await new.public(tx))
        await tx.execute(delete(SigningKey))

    key_ids = [item["signature"]["key_id"] for item in (first, second)]
    assert [item["signature"]["key_id"] for item in again] == key_ids * 2
    assert set(public_keys) == set(key_ids)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)


@given(description=WORDS, key=WORDS)
def test_the_chain_is_spelled_as_canonical_json(description, key):
    """What billing hashes is what an auditor hashes of the line as it is shown."""
    now = JANUARY.replace(microsecond=120)
    line = {
        "amount": -3, "balance_after": 4, "counterpart": "sales", "description": description,
        "id": uuid4(), "key": key, "kind": "capture", "line": 7, "payment_id": None,
        "task_id": uuid4(),
    }  # fmt: skip
    previous = bytes(range(32))
    shown = {
        **line,
        "id": public("txn", line["id"]),
        "task_id": public("task", line["task_id"]),
        "created_at": "2026-01-10T00:00:00.000120Z",
    }

    found = chain.link(previous, line, chain.moment(now)).hex()

    assert found == auditor._hash(shown, previous.hex())


@given(texts=st.lists(WORDS, min_size=1, max_size=50))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
async def test_the_database_spells_text_as_we_do(billing, texts):
    """The proof is SQL, and has to quote as Python does: see `chain.link_sql`."""
    quoted = text("""
        SELECT to_json(word)::text FROM unnest(CAST(:words AS text[])) WITH ORDINALITY AS w (word, n)
        ORDER BY n
    """)

    async with billing.database.transaction() as tx:
        found = (await tx.execute(quoted, {"words": texts})).scalars().all()

    assert found == [encode_basestring(word) for word in texts]
