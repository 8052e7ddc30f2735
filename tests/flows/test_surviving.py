"""J9, the plain cases: a process is killed in the middle of everything, and afterwards nothing had happened."""

import asyncio
import os
import signal
from pathlib import Path
from uuid import uuid4

import pytest

from shared.testing import eventually
from tests.flows.product import Customer, link_token, running, start
from tests.servers import need_nginx, need_rabbitmq

SERVICES = ("auth", "billing", "tasks", "notifier", "agent_runner")
QUICK = {"AGENT_RUNNER_LEASE_S": "3", "AGENT_RUNNER_RETRY_S": "0"}


async def strangers_pay(product, count):
    """Some guests pay, each told of twice; return them."""
    payers = [Customer(product, f"{uuid4().hex}@example.com") for _ in range(count)]
    sessions = [await product.pay(payer.address) for payer in payers]
    for payer, session in zip(payers, sessions, strict=True):
        await product.pay(payer.address, session=session)
    return payers


async def nothing_had_happened(product, customer, task_ids, payers):
    """Every task ended as if nothing had happened, every payer got one account, one grant and one mail."""
    for task_id in task_ids:
        await customer.task_is(task_id, "completed", within_s=120)
    await customer.credits_are(1000 - 10 * len(task_ids))
    summary = await customer.get("/api/credits/summary")
    captures = [row["task_id"] for row in summary["transactions"] if row["kind"] == "capture"]
    assert sorted(captures) == sorted(task_ids)
    for payer in payers:
        token = link_token(await product.mail(payer.address, "Welcome"))
        body = {"token": token, "password": payer.password}
        payer.take(await product.http.post("/api/auth/claim", json=body))
        await payer.credits_are(1000)
        assert len(product.mails(payer.address)) == 1
    health = (await product.http.get("/health/ready")).json()
    assert [state["parked"] for state in health["services"].values()] == [{}] * len(SERVICES)


async def test_the_one_process_is_killed_and_started_again(tmp_path):
    async with running("embedded", tmp_path, **QUICK) as product:
        customer = await product.customer(funds=1000)
        tasks = [(await customer.ask(f"Number {n} [demo: slow 2]"))["task_id"] for n in range(6)]
        await customer.task_is(tasks[0], "running")
        payers = await strangers_pay(product, 4)

        product.child.kill()
        port = product.origin.rpartition(":")[2]
        product.child = start("embedded", tmp_path, port, **QUICK)
        await product.ready()

        await nothing_had_happened(product, customer, tasks, payers)


def pids_of(parent: int) -> dict[str, int]:
    """Return the processes that the launcher started, by the module they run."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    commands = {
        int(pid): Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in children
    }
    return {
        words[2].decode(): pid
        for pid, words in commands.items()
        if len(words) > 2 and words[1] == b"-m"
    }


@pytest.mark.system
async def test_each_service_is_killed_under_way(tmp_path):
    need_rabbitmq()
    need_nginx()
    async with running("distributed", tmp_path, **QUICK) as product:
        customer = await product.customer(funds=1000)
        tasks, payers = [], []
        for service in SERVICES:
            tasks += [(await customer.ask(f"Before {service} [demo: slow 1]"))["task_id"]]
            payers += await strangers_pay(product, 1)

            os.kill(pids_of(product.child.pid)[service], signal.SIGKILL)
            await asyncio.sleep(0)
            await product.ready()

        async def all_are_back() -> bool:
            return set(SERVICES) <= set(pids_of(product.child.pid))

        await eventually(all_are_back, what="every service")
        await product.ready()
        await nothing_had_happened(product, customer, tasks, payers)
