"""Spending at once, everybody who shows it, and what a bookkeeper gets: on the running product."""

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import uuid4

from shared.testing import eventually

STATEMENT = "/api/credits/statement"


async def spend(customer, amount, **fields):
    body = {"amount": amount, "reason": "a post", "feature": "posts", **fields}
    return await customer.post("/api/credits/spend", body, **{"Idempotency-Key": uuid4().hex})


async def verify(product, *files, expect=0):
    """Run `impacter verify` with the gateway's keys, and return what it found."""
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("impacter"), "verify", "--json", *files),
        *("--url", product.origin),
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == expect, (out.decode(), err.decode())
    return json.loads(out)


async def test_what_is_spent_is_seen_everywhere_and_the_last_credits_are_told_of(product):
    customer = await product.customer(funds=30)

    answers = await asyncio.gather(*(spend(customer, 3) for _ in range(12)))

    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [402] * 2
    [refusal, *_] = [answer.json() for answer in answers if answer.status_code == 402]
    assert (refusal["needed"], refusal["available"]) == (3, 0)
    assert refusal["checkout_url"].endswith("/credits")
    usage = await customer.get("/api/credits/usage")
    assert usage["totals"] == [{"feature": "posts", "amount": 30, "count": 10}]

    async def is_seen():
        hint = (await customer.first_event())["credits"]["available"]
        return (hint, (await customer.log_in())["credits"]) == (0, 0)

    await eventually(is_seen, what="the balance that tasks and auth show")
    await product.mail(customer.address, "left")
    assert sum("left" in mail["Subject"] for mail in product.mails(customer.address)) == 1


async def test_a_credit_is_traced_from_its_grant_to_the_task_and_back(product, customer):
    task_id = (await customer.ask("Find me 10 leads in Miami"))["task_id"]
    await customer.task_is(task_id, "completed")
    await customer.credits_are(990)

    [line] = (await customer.get(f"/api/credits/transactions?task_id={task_id}"))["transactions"]
    trace = await customer.get(f"/api/credits/transactions/{line['id']}")

    [source] = trace["spent_from"]
    origin = await customer.get(f"/api/credits/transactions/{source['transaction_id']}")
    assert (line["amount"], line["task_id"]) == (-10, task_id)
    assert (origin["transaction"]["kind"], origin["brought"]["remaining"]) == ("admin_grant", 990)
    [went] = origin["brought"]["went_to"]
    assert went["transaction"]["task_id"] == task_id


async def test_a_statement_is_checked_without_us_and_a_forged_one_is_found(
    product, customer, tmp_path
):
    await spend(customer, 40)
    files = [tmp_path / name for name in ("early.json", "late.json", "forged.json")]
    early = await customer.get(f"{STATEMENT}?from=2026-01-01&to=2026-01-02")
    late = await customer.get(f"{STATEMENT}?from=2026-01-02")
    forged = json.loads(json.dumps(late))
    forged["lines"][-1]["description"] = "never happened"
    for file, content in zip(files, (early, late, forged), strict=True):
        file.write_text(json.dumps(content))

    good = await verify(product, *files[:2])
    bad = await verify(product, files[2], expect=1)

    assert [item["flaws"] for item in good["statements"]] == [[], []]
    assert good["gaps"] == []
    assert [flaw.split(":")[0] for flaw in bad["statements"][0]["flaws"]] == ["line 2", "signature"]


async def test_the_same_statement_is_a_table_and_a_document(product, customer):
    async def form(kind):
        headers = {**customer.headers, "Accept": kind}
        return await product.http.get(STATEMENT, headers=headers)

    table, document = await form("text/csv"), await form("application/pdf")

    assert table.text.startswith("record,line,created_at")
    assert document.content.startswith(b"%PDF-")


async def test_operators_see_what_is_checked_of_the_books(product):
    answer = await product.http.get("/api/admin/books", headers=product.admin)

    assert answer.status_code == 200
    assert {"ledger", "tasks"} <= set(answer.json()["sections"])
    assert all(section["state"] != "broken" for section in answer.json()["sections"].values())
