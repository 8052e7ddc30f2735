"""The services share one origin: no path twice, every operation named, every body exact, ids public."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import RouteContext, iter_route_contexts

from shared.bus_memory import MemoryBus
from shared.run import build_app
from tests.architecture.conftest import Build
from tests.architecture.places import ROOMS, Room

Json = dict[str, Any]

METHODS = {"get", "put", "post", "patch", "delete"}
PARAMETER = re.compile(r"\{[^}]+\}")
PUBLIC_ID = re.compile(r"\^[a-z]+_\[0-9a-f\]\{32\}\$")


@pytest.fixture(scope="module")
def openapi(build: Build) -> Json:
    """The document of the whole product, as one process serves it."""
    return build_app([build(room) for room in ROOMS], MemoryBus()).openapi()


def routes(room: Room, build: Build) -> list[RouteContext]:
    return list(iter_route_contexts(build(room).router.routes))


def test_no_two_routes_answer_the_same_request(build: Build):
    answered = Counter(
        f"{method} {PARAMETER.sub('{}', route.path or '')}"
        for room in ROOMS
        for route in routes(room, build)
        for method in route.methods or ()
    )

    assert {request: times for request, times in answered.items() if times > 1} == {}


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_every_route_has_a_name_for_clients_or_is_an_alias(room: Room, build: Build):
    """An alias is left out of the document and shares its function with the route it stands for."""
    named = {route.endpoint for route in routes(room, build) if route.operation_id}
    unnamed = [route for route in routes(room, build) if not route.operation_id]

    assert [route.path for route in unnamed if route.include_in_schema] == []
    assert [route.path for route in unnamed if route.endpoint not in named] == []


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_no_endpoint_takes_a_thread(room: Room, build: Build):
    """One that is not a coroutine holds one of a few threads while it waits."""
    endpoints = {route.path: route.endpoint for route in routes(room, build)}

    assert [path for path, call in endpoints.items() if not inspect.iscoroutinefunction(call)] == []


def test_no_operation_has_the_name_of_another(openapi: Json):
    names = Counter(operation["operationId"] for _, operation in operations(openapi))

    assert {name: times for name, times in names.items() if times > 1} == {}


def test_every_json_body_forbids_fields_that_nobody_reads(openapi: Json):
    schemas = openapi["components"]["schemas"]
    bodies = {
        (place, name)
        for place, operation in operations(openapi)
        for name in models(body_of(operation), schemas)
    }

    loose = {pair for pair in bodies if schemas[pair[1]].get("additionalProperties") is not False}
    assert bodies
    assert loose == set()


def test_every_string_of_a_json_body_is_bounded(openapi: Json):
    schemas = openapi["components"]["schemas"]
    unbounded = {
        f"{place}: {name}.{field}"
        for place, operation in operations(openapi)
        for name in models(body_of(operation), schemas)
        for field, schema in schemas[name].get("properties", {}).items()
        for part in options(schema)
        if part.get("type") == "string" and BOUNDS.isdisjoint(part)
    }

    assert unbounded == set()


BOUNDS = {"maxLength", "pattern", "enum", "const"}


def test_no_bare_uuid_leaves_or_enters(openapi: Json):
    """Ids are public ones: `usr_…`, `task_…`."""
    bare = [place for place, schema in found(openapi) if schema.get("format") == "uuid"]

    assert bare == []


def test_every_id_in_a_path_is_a_public_one(openapi: Json):
    strange = {
        f"{place} {{{parameter['name']}}}"
        for place, operation in operations(openapi)
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "path" and not is_public_id(parameter["schema"])
    }

    assert {place for place in strange if "checkout-session" not in place} == set(), (
        "only Stripe's own ids are of another form"
    )


def is_public_id(schema: Json) -> bool:
    return bool(PUBLIC_ID.fullmatch(schema.get("pattern", "")))


def operations(openapi: Json) -> Iterator[tuple[str, Json]]:
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def body_of(operation: Json) -> Json:
    content = operation.get("requestBody", {}).get("content", {})
    schema: Json = content.get("application/json", {}).get("schema", {})
    return schema


def models(schema: Any, schemas: Json, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The object models that a schema refers to, and those within them."""
    for _, part in found(schema):
        name = str(part.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            if "properties" in schemas[name]:
                yield name
            yield from models(schemas[name], schemas, seen | {name})


def found(value: Any, place: str = "") -> Iterator[tuple[str, Json]]:
    """Every object within a document, and where it is."""
    if isinstance(value, dict):
        yield place, value
        for key, part in value.items():
            yield from found(part, f"{place}/{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from found(part, f"{place}/{index}")


def options(schema: Json) -> list[Json]:
    return schema.get("anyOf", [schema])
