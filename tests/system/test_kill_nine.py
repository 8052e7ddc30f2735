"""J9 for the one process: it is killed and stopped under way, and afterwards nothing had happened."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator

import pytest
import structlog

from embedded.ports import free_ports
from shared.testing import eventually
from tests.flows.product import Product, running, start
from tests.folders import temporary_folder
from tests.processes import children_of, has_ended, processes_in
from tests.servers import need_nginx, need_rabbitmq
from tests.system.books import Books, audit, rest
from tests.system.load import PLAIN, Crowd, Journey, Plan
from tests.system.patience import Mailbox, patiently
from tests.system.stack import QUICK

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes in /proc"),
    pytest.mark.timeout(900),
]
log = structlog.get_logger()

END_S_MAX = 120
FALSIFICATIONS = (
    (
        "auth",
        "UPDATE users SET email = 'somebody@example.com' WHERE id = (SELECT id FROM users LIMIT 1)",
    ),
    (
        "billing",
        "UPDATE accounts SET balance = balance + 1 WHERE id = (SELECT id FROM accounts LIMIT 1)",
    ),
    ("billing", "UPDATE payments SET credits = 999 WHERE credits = 1000"),
    ("billing", "UPDATE holds SET task_id = id WHERE id = (SELECT id FROM holds LIMIT 1)"),
    ("tasks", "UPDATE tasks SET status = 'cancelled' WHERE status = 'completed'"),
    ("tasks", "UPDATE tasks SET credits_spent = 9 WHERE credits_spent = 10"),
    ("tasks", "UPDATE task_files SET sha256 = 'another'"),
    ("tasks", "DELETE FROM inbox WHERE name = 'task.finished.v1'"),
    ("agent_runner", "UPDATE runs SET task_id = id WHERE id = (SELECT id FROM runs LIMIT 1)"),
    (
        "notifier",
        "UPDATE messages SET cause = 'another' WHERE id = (SELECT id FROM messages LIMIT 1)",
    ),
    ("notifier", "UPDATE messages SET state = 'failed', sent_at = NULL WHERE cause = 'another'"),
)


@pytest.fixture(scope="module")
async def product() -> AsyncIterator[Product]:
    """A running embedded product."""
    with temporary_folder("product") as folder:
        async with running("embedded", folder) as started:
            yield started


async def test_the_one_process_is_killed_and_stopped_under_way(tmp_path):
    seed = int(os.environ.get("SEED", "9"))
    chance, books = random.Random(seed), Books(tmp_path)
    async with running("embedded", tmp_path, **QUICK) as product, patiently(product) as patient:
        crowd = Crowd(patient, seed=seed, size=3)
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.run())
            for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
                await crowd.probe()
                await asyncio.sleep(chance.uniform(0, 1.5))
                server = children_of(product.child.pid)["postgres"]
                await ends(product, how)
                product.child = start("embedded", tmp_path, port_of(product), **QUICK)
                await product.ready()
                assert has_ended(server)
            crowd.stop()

        await rest(books, books.queues)
        found = await audit(books, books.queues, crowd.journeys)
        log.info("survived", journeys=len(crowd.journeys), **found.counts)
        assert found.flaws == []
        await the_audit_notices(FALSIFICATIONS, books, crowd.journeys)
        await books.close()


async def the_audit_notices(
    falsifications: tuple[tuple[str, str], ...], books: Books, journeys: list[Journey]
) -> None:
    """Each falsification of the books is found."""
    known: set[str] = set()
    for service, statement in falsifications:
        await books.change(service, statement)
        found = set((await audit(books, books.queues, journeys)).flaws)
        assert found - known, statement
        known = found


async def ends(product: Product, how: signal.Signals) -> None:
    """Have the product end; it leaves no process behind, and an exit code of 0 if it was asked to."""
    os.kill(product.child.pid, how)
    code = await product.child.wait(limit_s=END_S_MAX)

    async def nobody_is_left() -> bool:
        return not processes_in(product.folder)

    await eventually(nobody_is_left, within_s=END_S_MAX, what="an end of all processes")
    assert code == (-how if how is signal.SIGKILL else 0)


async def test_two_products_side_by_side_share_nothing(product, tmp_path):
    async with running("embedded", tmp_path) as other:
        one, two = (customer_of(each, name) for each, name in ((product, "one"), (other, "two")))

        await asyncio.gather(one.run(), two.run())

        assert [*one.ended.values(), *two.ended.values()] == ["completed", "completed"]
        assert not product.mails(two.payer.address)
        assert not other.mails(one.payer.address)
        stranger = await product.http.post("/api/auth/login", json=two.payer.credentials)
        assert stranger.status_code == 401


def customer_of(product: Product, name: str) -> Journey:
    return Journey(product, Mailbox(product.folder / "mail"), Plan([PLAIN]), name)


@pytest.mark.parametrize("module", ["embedded", "distributed"])
@pytest.mark.parametrize("taken", ["port", "folder"])
async def test_what_is_taken_already_is_said_in_one_line(product, module, taken, tmp_path):
    if module == "distributed":
        need_rabbitmq()
        need_nginx()
    folder, port = tmp_path, port_of(product)
    if taken == "folder":
        folder, port = product.folder, str(free_ports(1)[0])
    said = tmp_path / "said.log"

    child = start(module, folder, port, log=said)
    code = await child.wait(limit_s=END_S_MAX)

    [line] = said.read_text().splitlines()
    assert (code, line.partition(":")[0]) == (1, "cannot start")
    assert {"port": f"port {port} ", "folder": f"{folder}/"}[taken] in line
    assert (await product.http.get("/health/ready")).status_code == 200


def port_of(product: Product) -> str:
    return product.origin.rpartition(":")[2]
