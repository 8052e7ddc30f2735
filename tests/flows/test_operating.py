"""What operators do, with the command line they have, on the running product."""

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import uuid4


async def impacter(product, *arguments, expect=0):
    """Run `impacter admin …` and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("impacter"),
        "admin",
        *arguments,
        "--url",
        product.origin,
        env={
            "PATH": os.environ["PATH"],
            "ADMIN_API_KEY": product.admin["x-admin-key"],
            "NO_COLOR": "1",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == expect, (out.decode(), err.decode())
    return out.decode()


async def test_health_names_every_service(product):
    health = json.loads(await impacter(product, "health", "--json"))

    assert health["status"] == "ready"
    assert set(health["services"]) == {"auth", "billing", "tasks", "notifier", "agent-runner"}


async def test_a_person_does_a_pending_task_and_attaches_a_file(product, customer, tmp_path):
    task_id = (await customer.ask("Take your time [demo: hang]"))["task_id"]
    await customer.task_is(task_id, "running")
    report = tmp_path / "report.txt"
    report.write_text("by hand")

    pending = json.loads(await impacter(product, "pending", "--json"))
    assert task_id in json.dumps(pending)
    await impacter(product, "update", task_id, "in-progress")
    await impacter(
        product, "update", task_id, "completed", "--result", "Done by hand.", "--file", str(report)
    )

    task = await customer.task_is(task_id, "completed")
    assert (task["result"], task["files"][0]["name"]) == ("Done by hand.", "report.txt")
    await customer.credits_are(990)
    await impacter(product, "update", task_id, "failed", expect=1)


async def test_users_are_found_and_granted_credits_once(product):
    customer = await product.customer()
    key = uuid4().hex

    for _ in range(2):
        await impacter(product, "grant", customer.address, "70", "--reason", "sorry", "--key", key)

    await customer.credits_are(70)
    assert customer.address in await impacter(product, "users", "--email", customer.address)
    shown = json.loads(await impacter(product, "user", customer.address, "--json"))
    assert shown["user"]["email"] == customer.address


async def test_nothing_is_parked_after_all_that(product):
    listed = json.loads(await impacter(product, "parked", "list", "--json"))

    assert not json.dumps(listed).count('"reason"'), listed


async def test_a_wrong_key_is_refused_in_one_line(product):
    broken = type(product)(product.origin, product.folder, product.child, product.http)
    broken.admin = {"x-admin-key": "wrong"}

    assert "Traceback" not in await impacter(broken, "pending", expect=1)
