"""The broker of simulated worlds is a bus like the others, as long as nobody makes it fail."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from shared.bus import Bus
from tests.conformance.test_bus import (  # noqa: F401 - they are this module's tests
    rig,
    test_a_batch_has_an_upper_bound_and_never_waits_to_fill,
    test_a_failed_receive_is_delivered_again,
    test_a_queue_receives_only_what_it_takes,
    test_a_served_bus_is_healthy,
    test_a_slow_queue_does_not_hold_up_another,
    test_concurrent_publishers_lose_nothing,
    test_declaring_again_and_more_changes_nothing_that_is_there,
    test_drain_waits_for_the_batch_in_hand_and_takes_no_more,
    test_nothing_is_received_twice_while_nothing_fails,
    test_two_consumers_share_a_queue,
    test_what_is_published_reaches_every_queue_that_takes_it,
    test_what_no_queue_takes_raises_and_names_it_alone,
    test_what_was_published_before_anybody_listened_waits,
)
from tests.simulation.broker import Broker, SimulatedBus
from tests.simulation.world import World


@pytest.fixture
async def connect() -> Callable[[], Bus]:
    """How to open another connection to a broker in a world without faults, in real time."""
    no_database: Any = None
    world = World(1, no_database, asyncio.get_running_loop(), random.Random(1))
    broker = Broker(world)
    return lambda: SimulatedBus(broker)
