"""The containers: what they may do, and that work goes on when some of them die."""

import json
from uuid import uuid4

import pytest

from shared.testing import eventually
from tests.flows.product import Customer, link_token

OURS = (
    "gateway",
    "desk",
    "auth",
    "billing",
    "tasks",
    "notifier",
    "agent-runner",
    "dev-mail",
    "dev-s3",
    "dev-stripe",
)
ENGINES = ("postgres", "rabbitmq")


@pytest.mark.parametrize("service", OURS + ENGINES)
async def test_a_container_has_no_rights_and_cannot_change_its_image(stack, service):
    code, said = await stack.inside(
        service,
        "id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/1/status | cut -f2; touch /x 2>/dev/null",
    )

    uid, *rights = said.split()
    assert uid != "0"
    assert rights == ["0" * 16, "0" * 16, "1"]
    assert code != 0, "the root file system can be written"


async def test_only_the_gateway_is_published_and_only_here(stack):
    published = {
        (state["Config"]["Labels"]["com.docker.compose.service"], place["HostIp"])
        for state in await stack.states()
        for places in (state["NetworkSettings"]["Ports"] or {}).values()
        for place in places or []
    }

    assert published == {("gateway", "127.0.0.1")}


async def test_a_role_may_only_connect_to_its_own_database(stack):
    names = ("auth", "billing", "tasks", "notifier", "agent_runner", "postgres", "template1")
    script = 'PGPASSWORD="$AUTH_DATABASE_PASSWORD" psql -h 127.0.0.1 -U auth -tAc "SELECT 1" -d '

    answers = {name: await stack.inside("postgres", script + name) for name in names}

    assert answers["auth"] == (0, "1\n")
    for name in set(names) - {"auth"}:
        code, said = answers[name]
        assert code != 0
        assert "permission denied for database" in said


async def test_no_container_knows_a_secret_of_another(stack):
    private = {"STRIPE_SECRET_KEY": {"billing", "dev-stripe"}, "AUTH_PASSWORD_PEPPER": {"auth"}}
    known = {
        state["Config"]["Labels"]["com.docker.compose.service"]: json.dumps(state["Config"]["Env"])
        for state in await stack.states()
    }

    for name, owners in private.items():
        assert {service for service, env in known.items() if stack.variables[name] in env} == owners


@pytest.fixture
async def patience(stack):
    """Deadlines of runs that no restart of a container exceeds, however busy the machine is."""
    usual = stack.variables["AGENT_RUNNER_RUN_S_MAX"]
    await run_for(stack, "600")
    yield
    await run_for(stack, usual)


async def run_for(stack, deadline_s):
    stack.variables["AGENT_RUNNER_RUN_S_MAX"] = deadline_s
    await stack.compose("up", "-d", "--wait")


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
        await customer.task_is(task_id, "completed", within_s=240)
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
    assert all(state["parked"] == {} for state in health["services"].values())


async def restarts(stack, service):
    return next(
        state["RestartCount"]
        for state in await stack.states()
        if state["Config"]["Labels"]["com.docker.compose.service"] == service
    )


@pytest.mark.usefixtures("patience")
async def test_a_service_and_the_broker_are_killed_and_work_goes_on(stack, product):
    customer = await product.customer(funds=1000)
    tasks, payers = [], []
    for service in ("agent-runner", "rabbitmq", "billing", "postgres"):
        tasks.append((await customer.ask(f"Before {service} [demo: slow 1]"))["task_id"])
        payers += await strangers_pay(product, 1)
        before = await restarts(stack, service)

        await stack.crash(service)

        async def is_back(service=service, before=before):
            return await restarts(stack, service) > before

        await eventually(is_back, within_s=60, what=f"{service} to be started again")
        await product.ready()
    await nothing_had_happened(product, customer, tasks, payers)


async def test_everything_is_there_when_all_containers_are_made_anew(stack, product):
    customer = await product.customer(funds=1000)
    before = (await customer.ask("Before"))["task_id"]
    await customer.task_is(before, "completed")
    payers = await strangers_pay(product, 3)

    await stack.compose("down", "--timeout", "20")
    await stack.compose("up", "-d", "--wait")
    await product.ready()

    again = Customer(product, customer.address)
    await again.log_in()
    after = (await again.ask("After"))["task_id"]
    await nothing_had_happened(product, again, [before, after], payers)
