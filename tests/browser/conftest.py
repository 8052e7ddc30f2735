"""The fixtures of the browser tests: the product with its pages, a browser, and people at it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from embedded import web
from tests.browser.chromium import need_chromium, running_chromium
from tests.browser.visitors import Visitor
from tests.flows.product import Product, running
from tests.folders import temporary_folder

PICTURES = Path(__file__).parents[2] / "reports" / "browser"
# People do research here, agents all the rest.
VARIABLES = {"AGENT_RUNNER_EXECUTORS": '{"research": "human"}'}
# What a dead process was doing is taken over soon, and has time enough.
PATIENT = {
    **VARIABLES,
    "AGENT_RUNNER_RUN_S_MAX": "600",
    "AGENT_RUNNER_LEASE_S": "3",
    "AGENT_RUNNER_RETRY_S": "0",
}
Arriving = Callable[..., Awaitable[Visitor]]


@pytest.fixture(scope="package")
async def pages() -> None:
    """The pages, built from the sources as they are now."""
    await asyncio.to_thread(web.build)


@pytest.fixture(scope="package")
async def browser(pages: None) -> AsyncIterator[Browser]:
    async with running_chromium(need_chromium()) as started:
        yield started


@pytest.fixture(scope="package")
async def product(browser: Browser) -> AsyncIterator[Product]:
    """The running product, as `make up` runs it."""
    with temporary_folder("browser") as folder:
        async with running("embedded", folder, **VARIABLES) as started:
            yield started


@pytest.fixture
async def own_product(browser: Browser) -> AsyncIterator[Product]:
    """A product of one test's own, which may be killed, or taken into another time."""
    with temporary_folder("own-product") as folder:
        async with running("embedded", folder, **PATIENT) as started:
            yield started


@pytest.fixture
async def own_visitor(browser: Browser, own_product: Product) -> AsyncIterator[Visitor]:
    """Somebody who comes by there."""
    context = await browser.new_context(locale="en-US")
    yield await Visitor.arriving(context, own_product)
    await context.close()


@pytest.fixture
async def arriving(
    browser: Browser, product: Product, request: pytest.FixtureRequest
) -> AsyncIterator[Arriving]:
    """`await arriving()` is somebody who comes by, with a browser that has never been here.

    Nothing may go wrong on their page meanwhile; of a test that fails there is a picture.
    """
    async with AsyncExitStack() as ending:
        people: list[Visitor] = []

        async def arrive(**options: Any) -> Visitor:
            context = await browser.new_context(**{"locale": "en-US", **options})
            ending.push_async_callback(context.close)
            people.append(await Visitor.arriving(context, product))
            return people[-1]

        yield arrive
        if getattr(request.node, "has_failed", False):
            await _picture(request.node.name, people)
        complaints = [each for person in people for each in person.complaints]
    assert complaints == []


@pytest.fixture
async def visitor(arriving: Arriving) -> Visitor:
    """Somebody who comes by."""
    return await arriving()


@pytest.fixture
async def operator(arriving: Arriving) -> Visitor:
    """Somebody who may see the operators' pages."""
    person = await arriving()
    await person.arrive_as_operator()
    return person


async def _picture(name: str, people: list[Visitor]) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for number, person in enumerate(people):
        file = PICTURES / f"{name.replace('/', '_')}-{number}.png"
        await person.page.screenshot(path=file)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Note on the test itself that it failed, for the fixtures that end after it."""
    report = yield
    if report.when == "call" and report.failed:
        item.has_failed = True  # type: ignore[attr-defined]
    return report
