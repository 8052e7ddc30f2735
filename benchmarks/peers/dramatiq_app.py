"""Dramatiq on a quorum queue: `dramatiq benchmarks.peers.dramatiq_app --processes 2`."""

from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from benchmarks.peers.work import broker_url, enqueue, insert


class QuorumBroker(RabbitmqBroker):
    """Dramatiq's broker with queues that are replicated, as ours are."""

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        return {**super()._build_queue_arguments(queue_name), "x-queue-type": "quorum"}


dramatiq.set_broker(QuorumBroker(url=broker_url(), confirm_delivery=True))


@dramatiq.actor(queue_name="dramatiq")
def record(body: str) -> None:
    """Write the row."""
    insert(body)


if __name__ == "__main__":
    enqueue(record.send)
