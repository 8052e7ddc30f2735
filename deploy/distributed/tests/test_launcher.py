"""The launcher starts again whatever ends, at the same address, on the data that it left, and ends with it all."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from embedded.defaults import SERVICES
from shared.testing import eventually
from tests.flows.product import Customer, Product, running
from tests.folders import temporary_folder
from tests.notes import publish, take
from tests.processes import children_of, environment_of, family_of, has_ended, processes_in, send
from tests.servers import need_nginx, need_rabbitmq

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes in /proc"),
    pytest.mark.timeout(600),
]
BACK_S_MAX = 120
END_S_MAX = 120
ENGINES = ("BUS_URL", *(f"{name.upper()}_DATABASE_URL" for name in SERVICES))


@pytest.fixture(scope="module")
async def product() -> AsyncIterator[Product]:
    """The distributed product."""
    need_rabbitmq()
    need_nginx()
    with temporary_folder("product") as folder:
        async with running("distributed", folder) as started:
            yield started
            assert await end(started, signal.SIGTERM) == 0


@pytest.fixture(scope="module")
async def customer(product) -> Customer:
    return await product.customer(funds=1000)


async def killed(product: Product, part: str) -> None:
    """Kill a part; return when its successor runs."""
    first = children_of(product.child.pid)[part]
    send(signal.SIGKILL, [first], of=product.child.pid)

    async def has_successor() -> bool:
        return children_of(product.child.pid).get(part, first) != first

    await eventually(has_successor, within_s=BACK_S_MAX, what=f"a new {part}")


async def test_services_that_end_are_started_again_in_their_places(product, customer):
    parts = (*SERVICES, "gateway")
    places = {part: place_of(product, part) for part in parts}

    await asyncio.gather(*(killed(product, part) for part in parts))
    await product.ready()

    assert {part: place_of(product, part) for part in parts} == places
    await works(customer)


def place_of(product: Product, part: str) -> dict[str, str]:
    """Return where a part answers and finds its engines, as it was told."""
    told = environment_of(children_of(product.child.pid)[part])
    return {name: told[name] for name in ("PORT", *ENGINES)}


async def test_a_killed_postgresql_is_back_with_every_row(product, customer):
    before = await customer.get("/api/credits/summary")

    await killed(product, "postgres")
    await product.ready()

    assert await customer.get("/api/credits/summary") == before
    await works(customer)


async def test_a_killed_rabbitmq_is_back_with_every_durable_message(product, customer):
    url = rabbitmq_url(product)
    await publish(url, b"kept")

    await killed(product, "rabbitmq")
    await product.ready()

    assert rabbitmq_url(product) == url
    assert await take(url) == b"kept"
    await works(customer)


def rabbitmq_url(product: Product) -> str:
    """Return where the product's broker is, as its services were told."""
    return environment_of(children_of(product.child.pid)["auth"])["BUS_URL"]


async def test_a_killed_nginx_is_back_and_leaves_no_worker(product, customer):
    workers = list(family_of(children_of(product.child.pid)["nginx"]))

    await killed(product, "nginx")
    await product.ready()

    assert all(has_ended(pid) for pid in workers)
    await works(customer)


async def works(customer: Customer) -> None:
    """A task goes all the way, and is paid for."""
    await customer.log_in()
    task = await customer.ask("Write a line about spring")
    await customer.task_is(task["task_id"], "completed", within_s=BACK_S_MAX)

    async def is_settled() -> bool:
        summary = await customer.get("/api/credits/summary")
        return summary["reserved"] == 0

    await eventually(is_settled, within_s=BACK_S_MAX, what="the end of its hold")


async def test_killed_itself_it_leaves_nothing_behind(tmp_path):
    need_rabbitmq()
    need_nginx()
    async with running("distributed", tmp_path) as product:
        assert await end(product, signal.SIGKILL) == -signal.SIGKILL


async def end(product: Product, how: signal.Signals) -> int:
    """End the launcher; return its exit code, once everything that it started has ended too."""
    os.kill(product.child.pid, how)
    code = await product.child.wait(limit_s=END_S_MAX)

    async def nobody_is_left() -> bool:
        return not processes_in(product.folder)

    await eventually(nobody_is_left, within_s=END_S_MAX, what="an end of all processes")
    return code
