"""What can be done to webhooks on their way: held, released out of order, repeated, told anew, dropped."""

import random
from collections.abc import Sequence
from typing import Literal

from embedded.emulator import deliveries
from embedded.emulator.store import Body, rows
from embedded.emulator.tx import Tx

Order = Literal["as_they_were", "reversed", "shuffled"]


def release(tx: Tx, order: Order, chance: random.Random) -> int:
    """Let what is pending be due now, one after the other in this order; return how much that is."""
    sql = "SELECT seq FROM deliveries WHERE status = 'pending' ORDER BY seq"
    places = [row["seq"] for row in rows(tx.tables.execute(sql))]
    if order == "reversed":
        places.reverse()
    elif order == "shuffled":
        chance.shuffle(places)
    now = tx.around.real()
    for number, place in enumerate(places):
        when = now - (len(places) - number) / 1000
        tx.tables.execute("UPDATE deliveries SET due_at = ? WHERE seq = ?", (when, place))
    return len(places)


def again(tx: Tx, event_id: str) -> int:
    """Deliver an event once more, under the id that it has."""
    event = tx.at_path("event", event_id)
    endpoints = [one for one in tx.all("webhook_endpoint") if deliveries.wants(one, event["type"])]
    for endpoint in endpoints:
        deliveries.add(tx.tables, event_id, endpoint["id"], tx.around.real())
    return len(endpoints)


def twins(tx: Tx, object_id: str) -> list[Body]:
    """Tell everything that ever happened to an object again, under new event ids."""
    told: Sequence[Body] = [
        event for event in tx.all("event") if event["data"]["object"].get("id") == object_id
    ]
    made = []
    for event in told:
        happened = event["data"]
        twin = tx.emit(event["type"], happened["object"], happened.get("previous_attributes"))
        twin["created"] = event["created"]
        made.append(tx.keep(twin))
    return made
