"""What the pages cost whoever opens them, as Chromium's own trace tells it: until something is seen, until a press shows.

    make bench-web

The product runs as `make up` runs it, with the pages as they are built; each round has a browser profile of its own.
"""

import asyncio
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Response

from benchmarks.conditions import Conditions
from embedded import web
from tests.browser.chromium import find_chromium, running_chromium
from tests.flows.product import Product, running
from tests.folders import temporary_folder

ROUNDS = 5
CATEGORIES = ["loading", "devtools.timeline", "blink.user_timing"]
TASKS = 30
SENTENCE = "Find me 100 leads in Miami, with a phone number and a web site for each"
# The picture is told of a little after it is drawn, and a trace that has ended by then has nothing of it.
IS_PAINTED = """() => new Promise((tell) => {
    const watch = new PerformanceObserver(() => tell());
    watch.observe({ type: "largest-contentful-paint", buffered: true });
})"""
PLACES = {
    "Credits": "Credits",
    "Transactions": "Transactions",
    "Work": "What do you need done?",
}
Event = Mapping[str, Any]

# Each with its unit and the most that it may be; None where it only says how it is.
LINES: dict[str, tuple[str, float | None]] = {
    "first visit: something is seen": ("ms", 1_000),
    "first visit: the largest part is seen": ("ms", 1_500),
    "first visit: scripts, compressed": ("kB", 180),
    "first visit: styles, compressed": ("kB", 10),
    "first visit: requests": ("", None),
    "dashboard with 30 tasks, cached: something is seen": ("ms", 1_000),
    "a key pressed while writing, median": ("ms", 50),
    "a key pressed while writing, worst": ("ms", 200),
    "another page asked for, median": ("ms", 100),
    "another page asked for, worst": ("ms", 200),
}


async def main() -> int:
    """Measure, and print a table; return 1 where a line is over its limit."""
    conditions = Conditions(["python", "-m", "benchmarks.pages"])
    figures = await measure(ROUNDS)
    print("\n".join([*conditions.told(), "", *_table(figures)]))
    return int(any(_is_over(name, values) for name, values in figures.items()))


async def measure(rounds: int, *, tasks: int = TASKS) -> Mapping[str, Sequence[float]]:
    """Return what each of so many rounds measured, with a history of so many tasks."""
    await asyncio.to_thread(web.build)
    figures: dict[str, list[float]] = defaultdict(list)
    async with _product() as product, running_chromium(find_chromium()) as browser:
        address, password = await _account(product, tasks)
        for number in range(1, rounds + 1):
            for name, value in await _visit(browser, product.origin, address, password):
                figures[name].append(value)
            print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    return figures


@asynccontextmanager
async def _product() -> AsyncIterator[Product]:
    with temporary_folder("bench-web") as folder:
        async with running("embedded", folder) as product:
            yield product


async def _account(product: Product, tasks: int) -> tuple[str, str]:
    """Open an account with a history; return its address and password."""
    customer = await product.customer(funds=10_000)
    for number in range(tasks):
        await customer.ask(f"Say hello, number {number}")
    return customer.address, customer.password


async def _visit(
    browser: Browser, origin: str, address: str, password: str
) -> list[tuple[str, float]]:
    """Come by for the first time, sign in, come back, write, and go from page to page."""
    context = await browser.new_context(locale="en-US")
    try:
        first = await _first_visit(browser, context, origin)
        page = context.pages[0]
        await page.get_by_role("textbox", name="E-mail").fill(address)
        await page.get_by_role("textbox", name="Password").fill(password)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_role("heading", name="What do you need done?").wait_for()
        return [*first, *await _next_visit(browser, page)]
    finally:
        await context.close()


async def _first_visit(
    browser: Browser, context: BrowserContext, origin: str
) -> list[tuple[str, float]]:
    page = await context.new_page()
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    await browser.start_tracing(page=page, categories=CATEGORIES)
    await page.goto(f"{origin}/login")
    await page.get_by_role("heading", name="Sign in").wait_for()
    await page.wait_for_load_state("load")
    await page.evaluate(IS_PAINTED)
    seen = list(answers)  # what is fetched later is not waited for
    trace = await _traced(browser)
    sizes = [(answer, (await answer.request.sizes())["responseBodySize"]) for answer in seen]
    scripts = sum(size for answer, size in sizes if ".js" in answer.url)
    styles = sum(size for answer, size in sizes if ".css" in answer.url)
    return [
        ("first visit: something is seen", _since_navigation(trace, "firstContentfulPaint")),
        (
            "first visit: the largest part is seen",
            _since_navigation(trace, "largestContentfulPaint::Candidate"),
        ),
        ("first visit: scripts, compressed", scripts / 1000),
        ("first visit: styles, compressed", styles / 1000),
        ("first visit: requests", len(seen)),
    ]


async def _next_visit(browser: Browser, page: Page) -> list[tuple[str, float]]:
    await browser.start_tracing(page=page, categories=CATEGORIES)
    await page.reload()
    field = page.get_by_label("What do you need done?")
    await field.wait_for()
    seen = _since_navigation(await _traced(browser), "firstContentfulPaint")
    await browser.start_tracing(page=page, categories=CATEGORIES)
    await field.press_sequentially(SENTENCE, delay=15)
    keys = _latencies(await _traced(browser), {"keydown", "keypress", "keyup"})
    await browser.start_tracing(page=page, categories=CATEGORIES)
    for name, title in [*PLACES.items()] * 2:
        await page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        await page.get_by_role("heading", name=title, level=1).wait_for()
    presses = _latencies(await _traced(browser), {"pointerdown", "pointerup", "click"})
    return [
        ("dashboard with 30 tasks, cached: something is seen", seen),
        ("a key pressed while writing, median", statistics.median(keys)),
        ("a key pressed while writing, worst", max(keys)),
        ("another page asked for, median", statistics.median(presses)),
        ("another page asked for, worst", max(presses)),
    ]


async def _traced(browser: Browser) -> list[Event]:
    """End the trace and return what is in it."""
    events: list[Event] = json.loads(await browser.stop_tracing())["traceEvents"]
    return events


def _since_navigation(trace: Sequence[Event], name: str) -> float:
    """Return the milliseconds from the navigation to the last event of this name that belongs to it."""
    found = [event for event in trace if event["name"] == name and "data" in event["args"]]
    navigation = found[-1]["args"]["data"]["navigationId"]
    [began] = [
        event["ts"]
        for event in trace
        if event["name"] == "navigationStart" and _navigation(event) == navigation
    ]
    return float(found[-1]["ts"] - began) / 1000


def _navigation(event: Event) -> str | None:
    told: str | None = event["args"].get("data", {}).get("navigationId")
    return told


def _latencies(trace: Iterable[Event], kinds: set[str]) -> list[float]:
    """Return the milliseconds of each interaction, from the press to the picture that shows it."""
    longest: dict[int, float] = defaultdict(float)
    for event in trace:
        told = event["args"].get("data", {}) if event["name"] == "EventTiming" else {}
        if told.get("interactionId") and told["type"] in kinds:
            longest[told["interactionId"]] = max(longest[told["interactionId"]], told["duration"])
    return list(longest.values())


def _table(figures: Mapping[str, Sequence[float]]) -> Iterator[str]:
    yield "| figure | median | rounds | aim | reached |"
    yield "| --- | --- | --- | --- | --- |"
    for name, (unit, limit) in LINES.items():
        values = figures[name]
        aim = "" if limit is None else f"≤ {limit:,g} {unit}"
        reached = "" if limit is None else ("no" if _is_over(name, values) else "yes")
        shown = f"{statistics.median(values):,.0f} {unit}".strip()
        spread = f"{min(values):,.0f}-{max(values):,.0f}"
        yield f"| {name} | {shown} | {spread} | {aim} | {reached} |"


def _is_over(name: str, values: Sequence[float]) -> bool:
    limit = LINES[name][1]
    return limit is not None and statistics.median(values) > limit


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
