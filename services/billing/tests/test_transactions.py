"""Lines as their owner reads them: by filter, as a table, and each with its trace from payment to task."""

import csv
import io
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from paid import paid

from billing import ledger
from billing.models import Kind
from shared.contracts.tasks import Terms
from shared.contracts.users import UserRegistered
from shared.ids import public
from shared.testing import ADMIN_KEY

KEY = {"x-admin-key": ADMIN_KEY}
LIST, SUMMARY = "/api/credits/transactions", "/api/credits/summary"


class Owner:
    """A user with a payment of 1,000 credits, a bonus of 10, and work that cost 12."""

    def __init__(self, billing, issuer):
        self.billing = billing
        self.id = uuid4()
        self.headers = {"Authorization": f"Bearer {issuer.token(self.id)}"}
        self.task_id = uuid4()

    async def do(self, work):
        async with self.billing.database.transaction() as tx:
            return await work(tx)

    async def begin(self):
        self.payment_id = uuid4()
        bought = (Kind.PURCHASE, f"payment:{self.payment_id}", "1,000 credits bought")

        async def work(tx):
            tx.add(paid(self.payment_id, self.id, 1000, await tx.now()))
            await tx.flush()
            grant = ledger.Grant(self.id, 1000, *bought, payment_id=self.payment_id)
            await ledger.grant(tx, [grant])
            bonus = ledger.Grant(self.id, 10, Kind.BONUS, uuid4().hex, '=SUM(A1), "a bonus"')
            await ledger.grant(tx, [bonus])
            terms = Terms(expected=12, maximum=20)
            await ledger.hold(tx, [ledger.HoldRequest(self.id, self.task_id, terms)])
            end = ledger.Settlement(
                self.task_id, is_delivered=True, units_used=None, description="Find me 12 leads"
            )
            await ledger.settle(tx, [end])

        await self.do(work)
        return self

    async def get(self, path=LIST, *, accept=None, status=200, **parameters):
        headers = self.headers | ({"Accept": accept} if accept else {})
        answer = await self.billing.client.get(path, params=parameters, headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    async def lines(self, **parameters):
        return (await self.get(**parameters)).json()["transactions"]

    async def spend(self, feature):
        body = {"amount": 1, "reason": "a post", "feature": feature}
        marks = {"Idempotency-Key": uuid4().hex}
        path = "/api/credits/spend"
        answer = await self.billing.client.post(path, json=body, headers=self.headers | marks)
        assert answer.is_success


@pytest.fixture
async def owner(billing, issuer):
    return await Owner(billing, issuer).begin()


async def test_lines_can_be_asked_for_by_kind_and_by_the_originals_word(owner):
    await owner.spend("post_generation")
    await owner.spend("posts")

    async def amounts(**wanted):
        return [line["amount"] for line in await owner.lines(**wanted)]

    assert await amounts(kind="bonus") == [10]
    assert await amounts(kind="capture") == [-1, -1, -12]
    assert await amounts(type="spend") == [-1, -12]
    assert await amounts(type="generation") == [-1]
    assert await amounts(type="purchase") == [1000]
    assert await amounts(type="bonus") == [10]
    assert await amounts(type="refund") == []


async def test_every_kind_has_a_word_of_the_originals(owner):
    async def work(tx):
        now = await tx.now()
        for kind in (Kind.SUBSCRIPTION, Kind.GOODWILL, Kind.ADMIN_GRANT, Kind.ADJUSTMENT):
            await ledger.grant(tx, [ledger.Grant(owner.id, 5, kind, uuid4().hex, "x")])
        gift = ledger.Grant(owner.id, 5, Kind.BONUS, uuid4().hex, "x", expires_at=now)
        await ledger.grant(tx, [gift])
        await ledger.expire(tx, 10)
        for kind in (Kind.REFUND, Kind.DISPUTE):
            taken = (kind, uuid4().hex, "x", owner.payment_id)
            await ledger.revoke(tx, [ledger.Revocation(owner.id, 100, *taken)])
        given = (Kind.DISPUTE, uuid4().hex, "x", owner.payment_id)
        await ledger.reinstate(tx, [ledger.Reinstatement(owner.id, 100, *given)])

    await owner.do(work)

    words = {line["kind"]: line["type"] for line in await owner.lines()}
    assert words == {
        "purchase": "purchase", "subscription": "purchase", "capture": "spend",
        "refund": "refund", "dispute": "refund", "bonus": "bonus", "goodwill": "bonus",
        "admin_grant": "bonus", "adjustment": "bonus", "reinstatement": "bonus", "expiry": "bonus",
    }  # fmt: skip


async def test_lines_can_be_asked_for_by_their_cause(owner):
    by_payment = await owner.lines(payment_id=public("pay", owner.payment_id))
    by_task = await owner.lines(task_id=public("task", owner.task_id))

    assert [line["amount"] for line in by_payment] == [1000]
    assert [line["amount"] for line in by_task] == [-12]
    assert await owner.lines(task_id=public("task", uuid4())) == []


async def test_lines_can_be_asked_for_by_time(owner):
    last, first = (await owner.lines())[0], (await owner.lines())[-1]

    assert await owner.lines(**{"from": last["created_at"], "to": last["created_at"]}) == []
    assert first in await owner.lines(to="2100-01-01")
    assert await owner.lines(**{"from": "2100-01-01"}) == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "salary"}, {"type": "salary"}, {"from": "today"}, {"to": "1"},
        {"payment_id": "pay_1"}, {"task_id": str(UUID(int=1))}, {"limit": 0}, {"limit": 201},
        {"cursor": "x"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_filter_that_is_none_is_refused(owner, wanted):
    await owner.get(status=422, **wanted)


async def test_a_table_has_all_lines_of_the_filter_and_no_formula(owner):
    answer = await owner.get(accept="text/csv")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="transactions-' in answer.headers["content-disposition"]
    assert [row["amount"] for row in rows] == ["-12", "10", "1000"]
    assert rows[1]["description"] == '\'=SUM(A1), "a bonus"'
    assert rows[0]["task_id"] == public("task", owner.task_id)
    assert answer.text.count("\r\n") == 4
    assert [row["id"] for row in rows] == [line["id"] for line in await owner.lines()]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
async def test_what_a_spreadsheet_takes_for_a_formula_is_text(owner, start):
    grant = ledger.Grant(owner.id, 1, Kind.BONUS, uuid4().hex, f"{start}cmd|x")
    await owner.do(lambda tx: ledger.grant(tx, [grant]))

    answer = await owner.get(accept="text/csv", kind="bonus")

    descriptions = [
        row["description"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))
    ]
    assert descriptions[0] == f"'{start}cmd|x"


async def test_a_long_table_is_whole(owner):
    grants = [ledger.Grant(owner.id, 1, Kind.GOODWILL, uuid4().hex, "x") for _ in range(1203)]
    await owner.do(lambda tx: ledger.grant(tx, grants))

    answer = await owner.get(accept="text/csv", kind="goodwill")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len({row["id"] for row in rows}) == len(rows) == 1203


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"), ("*/*", "application/json"), ("text/*", "text/csv"),
        ("application/json;q=0.1, text/csv", "text/csv"), ("image/png", "application/json"),
        ("text/csv;q=0, */*", "application/json"), ("text/csv;q=x", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
    ],
)  # fmt: skip
async def test_the_form_of_an_answer_is_what_is_wanted_most(owner, accept, kind):
    answer = await owner.get(accept=accept)

    assert answer.headers["content-type"].startswith(kind)


async def test_what_was_spent_is_traced_to_its_payment_and_its_task(owner):
    [spent] = await owner.lines(kind="capture")

    trace = (await owner.get(f"{LIST}/{spent['id']}")).json()

    assert trace["transaction"] == spent
    assert [(item["kind"], item["taken"]) for item in trace["spent_from"]] == [
        ("purchase", 2),
        ("bonus", 10),
    ]
    [payment] = [item["payment"] for item in trace["spent_from"] if item["payment"]]
    assert payment["id"] == public("pay", owner.payment_id)
    assert (payment["amount_cents"], payment["currency"], payment["credits"]) == (1000, "usd", 1000)
    assert trace["hold"].items() >= {"amount": 20, "captured": 12, "released": 8}.items()
    assert trace["brought"] is None


async def test_what_was_paid_is_traced_to_where_it_went(owner):
    [bought] = await owner.lines(kind="purchase")

    brought = (await owner.get(f"{LIST}/{bought['id']}")).json()["brought"]

    assert (brought["amount"], brought["remaining"]) == (1000, 998)
    assert brought["payment"]["id"] == public("pay", owner.payment_id)
    [went] = brought["went_to"]
    assert (went["taken"], went["transaction"]["task_id"]) == (2, public("task", owner.task_id))


async def test_nobody_traces_anothers_line(owner, billing, issuer):
    [bought] = await owner.lines(kind="purchase")
    other = await Owner(billing, issuer).begin()

    await other.get(f"{LIST}/{bought['id']}", status=404)
    await Owner(billing, issuer).get(f"{LIST}/{bought['id']}", status=404)


async def test_a_summary_says_what_expires_next_and_what_is_owed_and_paused(owner):
    plan = uuid4().hex

    async def work(tx):
        soon = await tx.now() + timedelta(days=3)
        for amount, moment in ((5, soon), (6, soon), (7, soon + timedelta(days=1))):
            gift = ledger.Grant(owner.id, amount, Kind.BONUS, uuid4().hex, "x", expires_at=moment)
            await ledger.grant(tx, [gift])
        kind, key = Kind.SUBSCRIPTION, uuid4().hex
        await ledger.grant(tx, [ledger.Grant(owner.id, 40, kind, key, "x", subscription_id=plan)])
        await ledger.pause(tx, [plan])
        return soon

    soon = await owner.do(work)

    summary = (await owner.get(SUMMARY)).json()
    assert summary["expiring"]["amount"] == 11
    assert summary["expiring"]["expires_at"].startswith(f"{soon:%Y-%m-%dT%H:%M}")
    assert (summary["paused"], summary["debt"]) == (40, 0)
    assert summary["available"] == 998 + 18
    assert [lot["is_paused"] for lot in summary["lots"]][-1] is True


async def test_a_summary_says_what_is_owed(owner):
    async def work(tx):
        spend = ledger.Spend(owner.id, 900, uuid4().hex, "x", "posts", {})
        await ledger.spend(tx, [spend])
        refund = (Kind.REFUND, uuid4().hex, "x", owner.payment_id)
        await ledger.revoke(tx, [ledger.Revocation(owner.id, 1000, *refund)])

    await owner.do(work)

    summary = (await owner.get(SUMMARY)).json()
    assert (summary["available"], summary["debt"]) == (0, 902)


def order(**fields):
    usual = {"amount": 10, "reason": "sorry", "idempotency_key": uuid4().hex}
    return {**usual, **fields}


async def test_an_operator_gives_to_an_address_that_is_known(billing):
    user_id, email = uuid4(), f"{uuid4().hex}@example.com"
    await billing.deliver(UserRegistered(user_id=user_id, email=email, sealed_token="x"))

    answer = await billing.client.post(
        "/api/credits/grant", json=order(email=email.upper(), kind="goodwill"), headers=KEY
    )

    assert (answer.status_code, answer.json()["kind"]) == (201, "goodwill")
    async with billing.database.transaction() as tx:
        account = await ledger.account_of(tx, user_id)
        assert account.available == 10


async def test_an_address_that_nobody_is_known_by_is_not_found(billing):
    answer = await billing.client.post(
        "/api/credits/grant", json=order(email="nobody@example.com"), headers=KEY
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "e-mail" in answer.json()["detail"]


async def test_a_grant_names_one_user(billing):
    answer = await billing.client.post("/api/credits/grant", json=order(), headers=KEY)

    assert answer.status_code == 422


async def test_what_an_operator_gives_may_expire(billing):
    user = public("usr", uuid4())
    body = order(user_id=user, expires_at="2100-01-01T00:00:00Z")

    first = await billing.client.post("/api/credits/grant", json=body, headers=KEY)
    again = await billing.client.post("/api/credits/grant", json=body, headers=KEY)
    other = body | {"expires_at": "2100-01-02T00:00:00Z"}
    conflict = await billing.client.post("/api/credits/grant", json=other, headers=KEY)
    late = order(user_id=user, expires_at="2001-01-01T00:00:00Z")
    refused = await billing.client.post("/api/credits/grant", json=late, headers=KEY)

    answers = (first, again, conflict, refused)
    assert [answer.status_code for answer in answers] == [201, 200, 409, 422]
    async with billing.database.transaction() as tx:
        account = await ledger.account_of(tx, UUID(hex=user.removeprefix("usr_")))
        assert account.available == 10
