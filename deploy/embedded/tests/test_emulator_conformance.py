"""Everything that the emulator answers is as the official library's own annotations say."""

from collections.abc import AsyncIterator

import pytest
from emulator_parts import staged
from emulator_tour import Tour
from stripe_annotations import differences, event_types, expandable

from embedded.emulator import families
from embedded.emulator.expand import NAMED

# What the library can name by an id and an account of ours never has.
NEVER = {
    "account_tax_ids", "application", "application_fee", "default_source", "mandate", "on_behalf_of", "payment_record", "pending_setup_intent",
    "review", "schedule", "single_use_mandate", "source", "source_transfer", "source_transfer_reversal", "tax_code", "test_clock", "transfer",
    "transfer_reversal", "latest_attempt",
}  # fmt: skip


@pytest.fixture(scope="module")
async def tour() -> AsyncIterator[Tour]:
    async with staged() as stage:
        tour = Tour(stage)
        await stage.control.tax(20)
        await tour.go()
        yield tour


async def test_the_tour_asks_every_route(tour: Tour) -> None:
    routes = families.routes()

    assert {route.name for route in routes.all} - tour.recorder.asked(routes) == set()


async def test_every_answer_is_as_the_library_knows_it(tour: Tour) -> None:
    flaws = {
        f"{method} {path}: {flaw}"
        for method, path, body in tour.recorder.answers
        if body is not None
        for flaw in differences(body)
    }

    assert sorted(flaws) == []


async def test_every_event_is_of_a_known_type_and_tells_of_a_whole_object(tour: Tour) -> None:
    events = await tour.stage.control.events()

    flaws = {
        f"{event['type']}: {flaw}"
        for event in events
        for flaw in [*differences(event), *differences(event["data"]["object"])]
    }
    assert {event["type"] for event in events} - event_types() == set()
    assert sorted(flaws) == []


async def test_updates_tell_what_was_before(tour: Tour) -> None:
    for event in await tour.stage.control.events():
        is_update = event["type"].endswith(".updated")
        assert bool(event["data"].get("previous_attributes")) >= is_update, event["type"]


async def test_what_the_library_can_expand_is_expanded() -> None:
    missing = {kind: sorted(expandable(kind) - set(named) - NEVER) for kind, named in NAMED.items()}

    assert {kind: names for kind, names in missing.items() if names} == {}
