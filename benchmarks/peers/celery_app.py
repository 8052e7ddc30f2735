"""Celery on a quorum queue, acknowledging late: `celery -A benchmarks.peers.celery_app worker -c 2`."""

from celery import Celery
from kombu import Queue

from benchmarks.peers.work import broker_url, enqueue, insert

app = Celery("peer", broker=broker_url())
app.conf.update(
    task_queues=[Queue("celery", routing_key="celery", queue_arguments={"x-queue-type": "quorum"})],
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=64,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
)


@app.task(name="record")
def record(body: str) -> None:
    """Write the row."""
    insert(body)


if __name__ == "__main__":
    enqueue(record.delay)
