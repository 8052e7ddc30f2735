"""Who reaches what: the OpenAPI document's operations, each tried by everybody who must not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

import pytest

from shared.bus import Delivery
from shared.consumer import Consumer
from shared.events import Message
from shared.ids import public
from shared.testing import eventually
from tests.security.operations import BODIES, Ids, Operation, nowhere, operations
from tests.security.product import OPERATOR, Json, Person, Product
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed

INTERNAL = [
    "id",
    "user_id",
    "roles",
    "is_admin",
    "credits",
    "amount_cents",
    "status",
    "expected",
    "maximum",
    "email_verified_at",
    "created_at",
    "__proto__",
]


@dataclass(frozen=True, slots=True)
class Belongings:
    """Everything of one customer that has an id, and what operators alone see, by service."""

    ids: Ids
    parked: Mapping[str, str]

    def of(self, operation: Operation) -> Ids:
        service = operation.path.removeprefix("/api/admin/events/").partition("/")[0]
        return {**self.ids, "parked_id": self.parked.get(service, "")}


@pytest.fixture(scope="package")
async def every(product: Product) -> list[Operation]:
    return await operations(product)


@pytest.fixture(scope="module")
async def alices(product: Product, alice: Person) -> Belongings:
    task_id = await product.ask(alice)
    task = await product.task_is(alice, task_id, "completed")
    ids = {"task_id": task_id, "file_id": task["files"][0]["id"], "user_id": alice.id}
    ids |= await paid(product, alice)
    ids["session_id"] = await newest_session(product, alice)
    return Belongings(ids, {name: await park(product, name) for name in product.services})


@pytest.fixture(scope="module")
async def bobs(product: Product, bob: Person) -> Ids:
    task_id = await product.ask(bob)
    task = await product.task_is(bob, task_id, "completed")
    ids = {"task_id": task_id, "file_id": task["files"][0]["id"]}
    ids["session_id"] = await newest_session(product, bob)
    return ids | await paid(product, bob)


async def paid(product: Product, person: Person) -> Ids:
    """Have somebody pay, and an operator begin to give it back; return what has an id of that."""
    session = checkout_session(email=person.address, client_reference_id=person.id)
    await product.http.post("/api/webhooks/stripe", **signed(event(session), WEBHOOK_SECRET))
    lines = "/api/credits/transactions?kind=purchase"

    async def is_granted() -> bool:
        found = (await product.http.get(lines, headers=person.headers)).json()["transactions"]
        return bool(found)

    await eventually(is_granted, what="the payment")
    [line, *_] = (await product.http.get(lines, headers=person.headers)).json()["transactions"]
    refund = await product.http.post(
        f"/api/admin/payments/{line['payment_id']}/refunds", json={"reason": "x"}, headers=OPERATOR
    )
    return {
        "payment_id": line["payment_id"],
        "transaction_id": line["id"],
        "refund_id": refund.json()["id"],
        "checkout_session_id": session["id"],
    }


async def newest_session(product: Product, person: Person) -> str:
    answer = await product.http.get("/api/auth/sessions", headers=person.headers)
    return str(answer.json()["sessions"][0]["id"])


async def park(product: Product, name: str) -> str:
    """Have a service park an event, and return its public id."""
    service = product.services[name]
    message = Message("no.event.v1", {}, b"of ours")
    await Consumer(service.database, service.handlers).receive([Delivery(message)])
    [row] = await product.rows(name, "SELECT id FROM parked WHERE name = 'no.event.v1'")
    return public("parked", row.id)


async def answer(
    product: Product, operation: Operation, ids: Ids, headers: Mapping[str, str]
) -> tuple[int, Json]:
    """What an operation answers: status and body."""
    response = await operation.call(product, ids, headers)
    return response.status_code, response.json() if response.content else {}


async def test_whoever_is_nobody_is_asked_to_sign_in(product: Product, every: list[Operation]):
    secured = [operation for operation in every if operation.is_secured]

    statuses = {
        str(operation): (await answer(product, operation, nowhere(operation), {}))[0]
        for operation in secured
    }

    assert len(secured) > 30
    assert {place: status for place, status in statuses.items() if status != 401} == {}


async def test_what_is_not_described_as_open_to_anybody_is_secured(every: list[Operation]):
    """A route that forgets to ask who calls is found here."""
    public_ones = {operation.id for operation in every if not operation.is_secured}

    assert public_ones == {
        *("sign_up", "log_in", "refresh_session", "log_out", "claim_account", "verify_email"),
        *("forget_password", "reset_password", "list_public_keys", "stripe_webhook"),
        *("health_live", "health_ready", "version", "statement_keys"),
        *("list_prices", "create_checkout_session", "get_checkout_session"),
    }


async def test_customers_reach_no_route_of_operators(
    product: Product, bob: Person, every: list[Operation], alices: Belongings
):
    reached = {}
    for operation in every:
        if operation.is_admin:
            refused = await answer(product, operation, alices.of(operation), bob.headers)
            absent = await answer(product, operation, nowhere(operation), bob.headers)
            wrong_key = {**bob.headers, "x-admin-key": "guessed"}
            guessed = await answer(product, operation, alices.of(operation), wrong_key)
            if (refused[0], guessed[0]) != (403, 401) or refused != absent:
                reached[str(operation)] = (refused, absent, guessed)

    assert reached == {}


async def test_what_is_somebody_elses_is_not_there(
    product: Product, bob: Person, every: list[Operation], alices: Belongings, bobs: Ids
):
    """What is foreign answers exactly as what never was; no mixture of own and foreign ids helps."""
    told = {}
    of_customers = [
        each for each in every if each.parameters and each.is_secured and not each.is_admin
    ]
    for operation in of_customers:
        absent = await answer(product, operation, nowhere(operation), bob.headers)
        mixtures = [
            {**alices.ids, name: bobs[name]}
            for name in operation.parameters
            if operation.parameters[1:]
        ]
        for ids in (alices.ids, *mixtures):
            foreign = await answer(product, operation, ids, bob.headers)
            if absent[0] != 404 or foreign != absent:
                told[f"{operation} {ids}"] = foreign

    assert len(of_customers) >= 4
    assert told == {}


async def test_what_is_ones_own_is_there(
    product: Product, alice: Person, every: list[Operation], alices: Belongings
):
    """The ids that the others are refused are right ones."""
    operator = {**alice.headers, **OPERATOR}
    missed = {
        str(operation): status
        for operation in every
        if operation.parameters
        and (status := (await answer(product, operation, alices.of(operation), operator))[0])
        not in (200, 201, 202, 204, 302, 409)
    }

    assert missed == {}


async def test_operators_are_told_alike_of_whatever_is_not_there(
    product: Product, every: list[Operation]
):
    answers = [
        await answer(product, operation, nowhere(operation), OPERATOR)
        for operation in every
        if operation.is_admin and operation.parameters
    ]

    assert answers
    assert all(one == answers[0] for one in answers)
    assert answers[0][0] == 404


async def test_no_list_shows_what_is_somebody_elses(
    product: Product, alice: Person, bob: Person, every: list[Operation], alices: Belongings
):
    shown = {}
    for operation in every:
        if operation.method == "GET" and not operation.parameters and not operation.is_stream:
            text = (await operation.call(product, {}, bob.headers)).text
            found = [mark for mark in (alice.address, *alices.ids.values()) if mark in text]
            if found:
                shown[str(operation)] = found

    assert shown == {}


async def test_somebody_elses_quote_is_no_quote(product: Product, alice: Person, bob: Person):
    work = {"description": "Write a haiku"}
    quote = await product.http.post("/api/tasks/estimate", json=work, headers=alice.headers)
    absent = {**work, "quote_id": public("quote", alice.uuid)}
    foreign = {**work, "quote_id": quote.json()["quote_id"]}

    answers = [
        await product.http.post("/api/tasks", json=body, headers=bob.headers)
        for body in (absent, foreign)
    ]

    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


async def test_no_body_takes_a_field_that_is_not_the_callers_to_set(
    product: Product, alice: Person, every: list[Operation]
):
    headers = {**alice.headers, **OPERATOR}
    taken = []
    with_bodies = [operation for operation in every if operation.body is not None]
    for operation in with_bodies:
        path = operation.path.format(**nowhere(operation))
        for field in set(INTERNAL) - fields(operation):
            body = {**BODIES[operation.id], field: "admin"}
            headers["idempotency-key"] = uuid4().hex
            refused = await product.http.request(operation.method, path, json=body, headers=headers)
            named = {error["field"] for error in refused.json().get("errors", [])}
            if refused.status_code != 422 or named != {f"body.{field}"}:
                taken.append((str(operation), field, refused.text))

    assert {operation.id for operation in with_bodies} == set(BODIES)
    assert taken == []


@pytest.mark.parametrize("piece", ["\0", "\ud800"], ids=["NUL", "half a character"])
async def test_no_body_takes_text_that_no_database_can_hold(
    product: Product, alice: Person, every: list[Operation], piece: str
):
    headers = {**alice.headers, **OPERATOR, "Content-Type": "application/json"}
    taken = []
    for operation in every:
        for field, value in (operation.body or {}).items():
            if isinstance(value, str):
                body = json.dumps({**BODIES[operation.id], field: value + piece})
                headers["idempotency-key"] = uuid4().hex
                refused = await product.http.request(
                    operation.method,
                    operation.path.format(**nowhere(operation)),
                    content=body.encode(),
                    headers=headers,
                )
                named = {error["field"] for error in refused.json().get("errors", [])}
                if refused.status_code != 422 or not named <= {f"body.{field}", "body"}:
                    taken.append((str(operation), field, refused.text))

    assert taken == []


@pytest.mark.parametrize("piece", ["%00", "%ff", "%ed%a0%80", "%0d%0aSet-Cookie:%20a=b"])
async def test_no_url_with_odd_characters_is_a_failure(
    product: Product, alice: Person, every: list[Operation], piece: str
):
    headers = {**alice.headers, **OPERATOR}
    failed = []
    for operation in every:
        if not operation.is_stream:
            path = operation.path.format(**dict.fromkeys(operation.parameters, piece))
            query = "&".join(f"{name}={piece}" for name in operation.query)
            answer = await product.http.request(
                operation.method, f"{path}?{query}", headers=headers, json=operation.body
            )
            if answer.status_code >= 500 or "set-cookie: a" in str(answer.headers):
                failed.append((str(operation), answer.status_code))

    assert failed == []


def fields(operation: Operation) -> set[str]:
    """The fields which its bodies have by right, in either spelling."""
    return set(BODIES[operation.id])
