"""Traces through what goes wrong: a relay that dies between confirm and commit, and a collector that is away."""

import os
import signal
import socket

import pytest
from sqlalchemy import text

from embedded.postgres import EmbeddedPostgres
from shared.db import Database
from shared.testing import eventually
from tests.collector import collecting
from tests.flows.product import running, start
from tests.flows.test_tracing import ADMITTED, MAILED, RUN, begin

pytestmark = pytest.mark.system

QUICK = {"AGENT_RUNNER_LEASE_S": "3", "AGENT_RUNNER_RETRY_S": "0"}
STOP_S_MAX = 40

HOLD = """
CREATE TABLE held ();
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT count(*) FROM held) > 0 THEN PERFORM pg_sleep(600); END IF; RETURN OLD; END $$;
CREATE TRIGGER hold BEFORE DELETE ON outbox FOR EACH ROW
    WHEN (OLD.name = 'task.created.v1') EXECUTE FUNCTION hold();
INSERT INTO held DEFAULT VALUES
"""


async def execute(product, service, script):
    database = Database(EmbeddedPostgres(product.folder / "postgres").url(service), source="test")
    try:
        async with database.transaction() as tx:
            for statement in script.split(";\n"):
                await tx.execute(text(statement))
    finally:
        await database.close()


async def test_what_a_killed_relay_had_published_is_published_again_in_the_same_trace(tmp_path):
    async with collecting() as collector:
        variables = {**QUICK, **collector.variables}
        async with running("embedded", tmp_path, **variables) as product:
            customer = await product.customer(funds=1000)
            await execute(product, "tasks", HOLD)
            task_id, trace_id = await begin(customer, "One lead")
            # Spans that were not told before the kill are lost: everything else is done by then.
            await eventually(lambda: has(collector, trace_id, *MAILED), what="all but the relay")

            # One, or one more for each 30 s, after which the database ends the relay's statement.
            tries = len(sent(collector, trace_id))
            await execute(product, "tasks", "DELETE FROM held")
            product.child.kill()
            port = product.origin.rpartition(":")[2]
            product.child = start("embedded", tmp_path, port, **variables)
            await product.ready()
            await eventually(lambda: was_sent(collector, trace_id, tries + 1), what="one more try")
            await customer.task_is(task_id, "completed")
            await product.mail(customer.address, "complete")

    trace = collector.trace(trace_id)
    [request] = trace.all(ADMITTED[0])
    assert {span.parent_id for span in sent(collector, trace_id)} == {request.id}
    assert len(sent(collector, trace_id)) == tries + 1
    assert len(trace.all(RUN[-1])) == 1


def sent(collector, trace_id):
    return collector.trace(trace_id).all(ADMITTED[1])


async def was_sent(collector, trace_id, times):
    return len(sent(collector, trace_id)) >= times


async def has(collector, trace_id, *names):
    return set(names) <= collector.trace(trace_id).names


async def test_a_collector_that_hangs_or_is_away_costs_one_log_line(tmp_path):
    hanging = socket.create_server(("127.0.0.1", 0))  # it is connected to, and never answers
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{hanging.getsockname()[1]}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    async with running("embedded", tmp_path, **variables) as product:
        customer = await product.customer(funds=1000)
        await customer.task_is((await begin(customer, "One"))[0], "completed")
        await eventually(lambda: has_said_so(product), what="the line about the collector")
        hanging.close()
        await customer.task_is((await begin(customer, "Two"))[0], "completed")

        os.kill(product.child.pid, signal.SIGTERM)
        assert await product.child.wait(limit_s=STOP_S_MAX) == 0

    log = (tmp_path / "product.log").read_text()
    assert log.count("traces_not_delivered") == 1
    assert "Traceback" not in log
    assert "opentelemetry" not in log


async def has_said_so(product):
    return "traces_not_delivered" in (product.folder / "product.log").read_text()
