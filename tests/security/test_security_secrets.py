"""No secret stays anywhere in clear: no log line, no row of any table, nothing that went over the bus."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy.exc import DBAPIError
from structlog.stdlib import ProcessorFormatter
from typing_extensions import override

from tests.security.product import OPERATOR, Json, Product
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed

LINK = re.compile(r"[?&]token=([\w.~-]+)")
OUR_OWN = [
    "ADMIN_API_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "LINK_SEALING_KEY",
    "BILLING_SEALING_KEY",
    "AUTH_PASSWORD_PEPPER",
    "BLOBS_LINK_SECRET",
]


@dataclass
class Journeys:
    """Somebody's way through the product: what was secret on it, by name, and what was logged meanwhile."""

    product: Product
    secrets: dict[str, str]
    lines: list[str] = field(default_factory=list)
    answers: list[httpx2.Response] = field(default_factory=list)

    async def post(self, path: str, status: int, body: Json, **headers: str) -> httpx2.Response:
        answer = await self.product.http.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        self.answers.append(answer)
        return answer

    def password(self) -> str:
        return self.remember("password", f"correct horse {uuid4().hex}")

    def remember(self, name: str, secret: str) -> str:
        self.secrets[f"{name} {len(self.secrets)}"] = secret
        return secret

    def keep(self, answer: httpx2.Response) -> dict[str, str]:
        """Remember the tokens of an answer; return the headers that use them."""
        self.remember("refresh token", answer.cookies["refresh_token"])
        return {"Authorization": f"Bearer {self.remember('token', answer.json()['token'])}"}

    async def link(self, address: str, subject: str) -> str:
        """Return the one-time token that was mailed, remembered."""
        found = LINK.search(await self.product.mail(address, subject))
        assert found
        return self.remember(f"link of {subject!r}", found[1])


@pytest.fixture(scope="module")
async def journeys(product: Product) -> Journeys:
    """J1, J2 and J4 with mistakes on the way, at the most talkative log level."""
    told = Journeys(product, {name: product.secrets[name] for name in OUR_OWN})
    with every_line(told.lines):
        await pays_first(told)
        await signs_up_first(told)
        await gets_work_done(told)
        await is_attacked(told)
    return told


async def pays_first(told: Journeys) -> None:
    address = f"{uuid4().hex}@example.com"
    paid = signed(event(checkout_session(email=address)), WEBHOOK_SECRET)
    assert (await told.product.http.post("/api/webhooks/stripe", **paid)).status_code == 200
    body = {"token": await told.link(address, "Welcome"), "password": told.password()}
    told.keep(await told.post("/api/auth/claim", 200, body))
    await told.post("/api/auth/claim", 422, body)


async def signs_up_first(told: Journeys) -> None:
    address, password = f"{uuid4().hex}@example.com", told.password()
    body = {"email": address, "password": password}
    signed_up = await told.post("/api/auth/signup", 201, body)
    told.keep(signed_up)
    link = await told.link(address, "Confirm")
    await told.post("/api/auth/email/verify", 200, {"token": link})
    cookie = f"refresh_token={signed_up.cookies['refresh_token']}"
    told.keep(await told.post("/api/auth/refresh", 200, {}, cookie=cookie))
    await told.post("/api/auth/password/forgot", 202, {"email": address})
    link, password = await told.link(address, "Reset"), told.password()
    await told.post("/api/auth/password/reset", 204, {"token": link, "password": password})
    told.keep(await told.post("/api/auth/login", 200, {"email": address, "password": password}))


async def gets_work_done(told: Journeys) -> None:
    customer = await told.product.funded(100)
    told.remember("token", customer.token)
    prompt = f"Write a haiku about {uuid4().hex}"
    told.secrets["prompt"] = prompt
    answer = await told.post("/api/tasks", 201, {"description": prompt}, **customer.headers)
    await told.product.task_is(customer, answer.json()["task_id"], "completed")
    await told.product.mail(customer.address, "complete")


async def is_attacked(told: Journeys) -> None:
    """Secrets where none belongs: in other fields, on other routes, under other names."""
    secret, link = told.password(), told.remember("unknown link", uuid4().hex)
    address = f"{uuid4().hex}@example.com"
    await told.post("/api/auth/signup", 422, {"email": address, "passwort": secret})
    await told.post("/api/auth/signup", 422, {"email": secret, "password": secret})
    await told.post("/api/auth/signup", 422, {"email": address, "password": secret * 40})
    await told.post("/api/auth/login", 401, {"email": address, "password": secret})
    await told.post("/api/auth/email/verify", 422, {"token": link})
    await told.post("/api/auth/refresh", 401, {}, cookie=f"refresh_token={link}")
    await told.post("/api/tasks", 401, {"description": "x"}, Authorization=f"Bearer {secret}")
    await told.post("/api/credits/grant", 401, {}, **{"x-admin-key": secret})


@contextmanager
def every_line(lines: list[str]) -> Iterator[None]:
    """Write down what the product would log to standard error at the level DEBUG."""
    root = logging.getLogger()
    ours = next(each for each in root.handlers if isinstance(each.formatter, ProcessorFormatter))
    handler, level = _Lines(lines), root.level
    handler.setFormatter(ours.formatter)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


def found_in(texts: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
    """Which secret is where, as it is or as PostgreSQL shows bytes."""
    return [
        f"{name} in {place}"
        for place, content in texts.items()
        for name, secret in secrets.items()
        if secret in content or secret.encode().hex() in content
    ]


async def test_no_log_line_holds_a_secret(journeys: Journeys):
    lines = {line: line for line in journeys.lines}

    assert any("mail_sent" in line for line in lines)
    assert found_in(lines, journeys.secrets) == []


async def test_no_answer_repeats_what_it_refused(journeys: Journeys):
    """Tokens are given out once, and nothing else that is secret."""
    refusals = {
        f"{answer.request.url.path} {answer.status_code}": answer.text
        for answer in journeys.answers
        if answer.is_error
    }

    assert len(refusals) >= 6
    assert found_in(refusals, journeys.secrets) == []


async def test_nothing_that_went_over_the_bus_holds_a_secret(journeys: Journeys):
    """Outbox rows are gone once published; these are all of them."""
    secrets = {name: secret for name, secret in journeys.secrets.items() if name != "prompt"}
    messages = {
        f"{message.name} {number}": json.dumps(dict(message.headers)) + message.body.decode()
        for number, message in enumerate(journeys.product.bus.published)
    }

    assert any("user.registered" in place for place in messages)
    assert found_in(messages, secrets) == []


@pytest.mark.parametrize("name", ["auth", "billing", "tasks", "notifier", "agent-runner"])
async def test_no_row_of_any_table_holds_a_secret(journeys: Journeys, name: str):
    """Rows as text, bytes in them in hexadecimal; what was asked for is where it belongs."""
    tables = await journeys.product.rows(
        name,
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%'",
    )
    rows = {
        f"{table} {number}": row.line
        for (table,) in tables
        for number, row in enumerate(
            await journeys.product.rows(name, f'SELECT t::text AS line FROM "{table}" t')
        )
    }
    secrets = {key: secret for key, secret in journeys.secrets.items() if key != "prompt"}

    assert len(tables) >= 6
    assert len(rows) >= 3
    assert found_in(rows, secrets) == []


@pytest.mark.parametrize("name", ["auth", "billing", "tasks", "notifier", "agent-runner"])
async def test_a_statement_that_fails_is_told_without_its_values(product: Product, name: str):
    """What a database refuses is logged, and is the reason of a parked event: prompts would be in it."""
    secret = uuid4().hex

    with pytest.raises(DBAPIError) as failure:
        await product.rows(name, "SELECT 1 / 0 WHERE CAST(:secret AS text) <> ''", secret=secret)

    assert secret not in str(failure.value)


async def test_the_operators_key_is_nowhere_in_what_operators_did(journeys: Journeys):
    """What they do is written down by the key's name."""
    grants = await journeys.product.rows(
        "billing",
        "SELECT o.ordered_by, p.description FROM grant_orders o JOIN postings p ON p.id = o.posting_id",
    )

    assert {grant.ordered_by for grant in grants} == {"admin-key"}
    assert not [grant for grant in grants if OPERATOR["x-admin-key"] in grant.description]
