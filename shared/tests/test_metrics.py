"""Metrics: what is counted, what databases say, who may read it, and what happens when they do not answer."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2
import pytest
from fastapi import APIRouter
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from typing_extensions import override

from shared.bus import BusUnavailable, Delivery, PublishFailed
from shared.bus_memory import MemoryBus
from shared.consumer import Consumer
from shared.contracts.users import UserVerificationRequested
from shared.db import Database
from shared.handlers import Handlers
from shared.http import AdminKey
from shared.metrics import SERVICE, Gauge
from shared.outbox import Relay
from shared.run import build_app
from shared.scrape import Page, watched_loop
from shared.service import Service
from shared.testing import ADMIN_KEY, TokenIssuer, eventually
from shared.tokens import Verifier
from shared.workers import Loop

KEY = "the-key-of-prometheus"
EVENT = UserVerificationRequested.name
router = APIRouter(prefix="/api/wishes")


@router.get("/{wish_id}/parts/{part}")
async def show_part(wish_id: str, part: int) -> dict[str, int]:
    if part == 5:
        raise RuntimeError(wish_id)
    return {"part": part}


class Scraped:
    """A page of metrics, read as Prometheus reads it."""

    def __init__(self, page: str) -> None:
        families = list(text_string_to_metric_families(page))
        self.names = [family.name for family in families]
        self.samples = [each for family in families for each in family.samples]

    def value(self, name, **labels):
        """The one sample that has these labels, None without one."""
        found = [
            each.value
            for each in self.samples
            if each.name == name and labels.items() <= each.labels.items()
        ]
        assert len(found) < 2, found
        return found[0] if found else None


class DeafBus(MemoryBus):
    """A bus that takes nothing and knows nothing."""

    @override
    async def publish(self, messages):
        raise PublishFailed(dict.fromkeys(range(len(messages)), "deaf"))

    @override
    async def depth(self, queue):
        raise BusUnavailable("deaf")


@pytest.fixture
async def issuer():
    return TokenIssuer()


@pytest.fixture
def handlers():
    made = Handlers("notifier")

    @made.on(UserVerificationRequested)
    async def count(event, tx):
        if event.email.startswith("bad"):
            raise ValueError(event.email)

    return made


@pytest.fixture
def service(database, handlers):
    async def gauges(tx):
        effects = (await tx.execute(text("SELECT count(*) FROM effects"))).scalar_one()
        return [
            Gauge.single("impacter_effects", "Effects.", effects),
            Gauge.by("colour", "impacter_colours", "By colour.", {"red": 2}, ("red", "blue")),
        ]

    return Service(
        name="notifier",
        database=database,
        migrations="",
        router=router,
        handlers=handlers,
        resources={AdminKey: AdminKey(ADMIN_KEY)},
        gauges=gauges,
    )


@pytest.fixture
def scrape(service):
    """Reads the page of a process, which keeps nothing for the next time."""

    async def read(*services, bus=None):
        page = Page(services or (service,), bus or MemoryBus(), version="1.2.3", kept_s=-1)
        return Scraped((await page.text()).decode())

    return read


@asynccontextmanager
async def serving(*services):
    app = build_app(services, MemoryBus(), metrics_key=AdminKey(KEY))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def fact(email="ana@example.com"):
    return UserVerificationRequested(user_id=uuid4(), email=email, sealed_token="x")


async def test_requests_are_counted_by_the_whole_template_of_their_route(service, scrape):
    path = "/api/wishes/{wish_id}/parts/{part}"
    before = await scrape()
    async with serving(service) as client:
        for part in ("1", "2", "none", "5"):
            await client.get(f"/api/wishes/mine/parts/{part}")
        await client.get("/health/live")
    after = await scrape()

    def added(**labels):
        name = "impacter_http_requests_total"
        return (after.value(name, **labels) or 0) - (before.value(name, **labels) or 0)

    for status, times in (("200", 2), ("422", 1), ("500", 1)):
        assert added(service="notifier", method="GET", route=path, status=status) == times
    assert added(service="notifier", route="/health/live", status="200") == 1
    assert after.value("impacter_http_request_seconds_count", route=path) >= 4


async def test_what_strangers_make_up_is_no_label(service, scrape):
    async with serving(service) as client:
        for _ in range(3):
            await client.request(f"X{uuid4().hex}", f"/{uuid4().hex}")
    page = await scrape()

    assert page.value("impacter_http_requests_total", method="other", route="unmatched") >= 3


async def test_handled_and_failed_events_are_counted_by_name(database, handlers, scrape):
    before = await scrape()
    consumer = Consumer(database, handlers)
    for email in ("ana@example.com", "bad@example.com"):
        message = database.envelope(fact(email), None).to_message()
        await consumer.receive([Delivery(message)])
    after = await scrape()

    def added(name):
        labels = {"service": "notifier", "event": EVENT}
        return (after.value(name, **labels) or 0) - (before.value(name, **labels) or 0)

    assert added("impacter_handler_failures_total") == 1
    assert added("impacter_events_handled_total") >= 2
    assert added("impacter_handler_seconds_count") >= 2
    assert after.value("impacter_parked_events", state="retrying") == 1
    assert after.value("impacter_parked_events", state="parked") == 0


async def test_events_are_counted_when_the_bus_confirmed_them_and_when_it_did_not(database, scrape):
    confirming = MemoryBus()
    await confirming.declare({"notifier": [EVENT]})
    async with database.transaction() as tx:
        tx.publish(fact())
    before = await scrape()

    await Relay(database, DeafBus()).run_once()
    waiting = await scrape()
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE outbox SET retry_at = NULL"))
    await Relay(database, confirming).run_once()
    after = await scrape()

    def added(name):
        labels = {"service": database.source, "event": EVENT}
        return (after.value(name, **labels) or 0) - (before.value(name, **labels) or 0)

    assert added("impacter_publish_failures_total") == 1
    assert added("impacter_events_published_total") == 1
    assert waiting.value("impacter_outbox_events") == 1
    assert waiting.value("impacter_outbox_oldest_seconds") >= 0
    assert after.value("impacter_outbox_events") == 0


async def test_a_loop_that_fails_is_counted_under_its_service(scrape):
    failed = asyncio.Event()

    async def fail():
        failed.set()
        raise ValueError

    SERVICE.set("notifier")
    running = asyncio.create_task(Loop("a loop of a test", fail).run())
    await failed.wait()
    await asyncio.sleep(0)
    page = await scrape()
    running.cancel()

    labels = {"service": "notifier", "loop": "a loop of a test"}
    assert page.value("impacter_loop_failures_total", **labels) == 1


async def test_a_database_is_asked_for_the_gauges_of_its_service(service, scrape, database):
    async with database.transaction() as tx:
        await tx.execute(text("INSERT INTO effects VALUES ('a', 1), ('b', 1)"))
    page = await scrape()

    assert page.value("impacter_effects", service="notifier") == 2
    assert page.value("impacter_colours", colour="red") == 2
    assert page.value("impacter_colours", colour="blue") == 0
    for source in ("database", "bus", "service"):
        assert page.value("impacter_gauges_up", source=source) == 1


async def test_both_queues_of_a_service_are_measured(service, scrape):
    bus = MemoryBus()
    await bus.declare({"notifier": [EVENT]})
    await bus.publish([service.database.envelope(fact(), None).to_message()])
    page = await scrape(bus=bus)

    assert page.value("impacter_queue_events", service="notifier", queue="work") == 1
    assert page.value("impacter_queue_events", service="notifier", queue="dead") == 0


async def test_services_of_one_process_are_told_apart_and_no_family_comes_twice(
    service, database, scrape
):
    page = await scrape(service, Service(name="posts", database=database, migrations=""))

    assert len(page.names) == len(set(page.names))
    assert all("service" in sample.labels for sample in page.samples)
    for name in ("notifier", "posts"):
        assert page.value("impacter_outbox_events", service=name) == 0
        assert page.value("impacter_build_info", service=name, version="1.2.3") == 1
    assert page.value("process_resident_memory_bytes", service="all") > 0


async def test_a_bus_that_does_not_answer_is_a_sample(scrape):
    page = await scrape(bus=DeafBus())

    assert page.value("impacter_gauges_up", source="bus") == 0
    assert page.value("impacter_queue_events", queue="work") is None
    assert page.value("impacter_gauges_up", source="database") == 1


async def test_a_database_that_is_away_is_a_sample(database, service, scrape):
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="posts")
    page = await scrape(service, Service(name="posts", database=away, migrations=""))
    await away.close()

    assert page.value("impacter_gauges_up", service="posts", source="database") == 0
    assert page.value("impacter_outbox_events", service="posts") is None
    assert page.value("impacter_outbox_events", service="notifier") == 0


async def test_a_database_that_does_not_come_to_an_end_is_a_sample(service, database, scrape):
    async with database.transaction() as tx:
        await tx.execute(text("LOCK TABLE effects IN ACCESS EXCLUSIVE MODE"))
        page = await scrape()

    assert page.value("impacter_gauges_up", source="service") == 0
    assert page.value("impacter_effects") is None
    assert page.value("impacter_outbox_events") == 0


async def test_readers_within_a_few_seconds_share_one_answer(service, database):
    page = Page([service], MemoryBus(), version="1")
    first = Scraped((await page.text()).decode())
    async with database.transaction() as tx:
        await tx.execute(text("INSERT INTO effects VALUES ('c', 1)"))
    second = Scraped((await page.text()).decode())

    assert first.value("impacter_effects") == second.value("impacter_effects") == 0


async def test_the_lag_of_the_event_loop_is_measured(service, scrape):
    async def is_measured():
        return (await scrape()).value("impacter_loop_lag_seconds_count", service="notifier")

    async with watched_loop([service]):
        await eventually(is_measured, what="a measured wake-up")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guessed"}, {"x-admin-key": "x"}])
async def test_strangers_may_not_read(database, issuer, headers):
    resources = {AdminKey: AdminKey(ADMIN_KEY), Verifier: issuer.verifier()}
    guarded = Service(name="posts", database=database, migrations="", resources=resources)
    async with serving(guarded) as client:
        answer = await client.get("/metrics", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "impacter_" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"Bearer {ADMIN_KEY}"},
        {"x-admin-key": ADMIN_KEY},
    ],
    ids=["own key", "operators' key as bearer", "operators' key"],
)
async def test_prometheus_and_operators_may_read(service, headers):
    async with serving(service) as client:
        answer = await client.get("/metrics", headers=headers)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert Scraped(answer.text).value("impacter_build_info", service="notifier") == 1


async def test_an_empty_key_opens_nothing(database, issuer):
    resources = {AdminKey: AdminKey(""), Verifier: issuer.verifier()}
    unkeyed = Service(name="posts", database=database, migrations="", resources=resources)
    app = build_app([unkeyed], MemoryBus())
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://test"
    ) as client:
        for headers in ({"Authorization": "Bearer "}, {"x-admin-key": ""}):
            assert (await client.get("/metrics", headers=headers)).status_code == 401
