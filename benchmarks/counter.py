"""The simplest consumer that stands on `shared`: a row for every event, each once, a batch at a time.

python -m benchmarks.counter
"""

from collections.abc import Sequence

from sqlalchemy import text

from shared.db import Database, Tx
from shared.events import Event
from shared.handlers import Handlers, Received
from shared.run import run
from shared.service import Service
from shared.settings import Settings, load

INSERT = text("INSERT INTO effects (body) SELECT unnest(CAST(:bodies AS text[]))")


class Counted(Event, name="bench.counted.v1", publisher="bench", consumers=("counter",)):
    """Something that is worth a row."""

    body: str


class CounterSettings(Settings):
    """Where the rows go."""

    peer_database_url: str


handlers = Handlers("counter")


@handlers.on_many(Counted)
async def record(received: Sequence[Received[Counted]], tx: Tx) -> None:
    """Write the rows."""
    await tx.execute(INSERT, {"bodies": [item.event.body for item in received]})


def queue_of() -> dict[str, list[str]]:
    """Return the queue that takes what is counted."""
    return {"counter": [Counted.name]}


def build() -> Service:
    """Return the service."""
    database = Database(load(CounterSettings).peer_database_url, source="counter")
    return Service(name="counter", database=database, migrations=None, handlers=handlers)


if __name__ == "__main__":
    run(build())
