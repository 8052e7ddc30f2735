"""What the suites of this folder share."""

import pytest

from shared import bus_rabbitmq


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Declare queues without the pause that keeps them over a kill -9 in the next second."""
    monkeypatch.setattr(bus_rabbitmq, "SETTLE_S", 0)
