"""nginx and what stands in its place are told the same numbers and the same words."""

import re

import pytest
from fastapi.routing import iter_route_contexts

from gateway import headers, limits, pages
from shared import admin
from tests.architecture.conftest import Build
from tests.architecture.places import ROOMS, ROOT, Room

FOLDER = ROOT / "deploy" / "gateway"
SECONDS = {"s": 1, "m": 60}


LOCATION = re.compile(
    r"^\s+location (= |\^~ )?(/\S*) \{[^}]*?proxy_pass http://\$(\w+);", re.MULTILINE
)
PARAMETER = re.compile(r"\{[^}]+\}")


def conf(name: str) -> str:
    return (FOLDER / name).read_text()


def test_the_limits_are_the_same():
    text = conf("limits.conf")
    rates = re.findall(r"zone=(\w+):\w+ rate=(\d+)r/([sm]);", text)
    bursts = dict(re.findall(r"^limit_req zone=(\w+) burst=(\d+) nodelay;", text, re.MULTILINE))

    told = {
        name: limits.Limit(int(rate) / SECONDS[unit], int(bursts[name]))
        for name, rate, unit in rates
    }

    assert told == limits.LIMITS


def test_the_policy_is_the_same():
    [told] = re.findall(r'^    "" "(default-src [^"]+)";', conf("headers.conf"), re.MULTILINE)

    assert told == headers.POLICY


def test_the_headers_are_the_same():
    added = re.findall(r"^add_header ([\w-]+) (.+) always;", conf("headers.conf"), re.MULTILINE)
    told = {name.lower(): value.strip('"') for name, value in added}
    fixed = {name: value for name, value in told.items() if not value.startswith("$")}
    ours = {name.decode(): value.decode() for name, value in headers.ALWAYS}

    assert set(ours) <= set(told)
    assert fixed.items() <= ours.items()


def test_the_media_types_are_the_same():
    [block] = re.findall(r"^    types \{(.*?)\}", conf("nginx.conf"), re.MULTILINE | re.DOTALL)
    told = dict(reversed(line.strip(" ;").split()) for line in block.strip().splitlines())

    ours = {
        suffix.lstrip("."): kind.removesuffix("; charset=utf-8")
        for suffix, kind in pages.TYPES.items()
    }

    assert told == ours


def test_what_is_the_products_own_is_the_same():
    own = re.escape(pages.OURS.pattern)

    assert re.findall(rf'"~\^{own}" @desk;', conf("nginx.conf"))


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_every_route_of_a_service_leads_to_it(room: Room, build: Build):
    service = build(room)
    routers = (service.router, admin.routes(service))
    paths = [
        PARAMETER.sub("x", str(route.path))
        for router in routers
        for route in iter_route_contexts(router.routes)
    ]

    led = {path: upstream_of(path) for path in paths}

    assert led
    assert {path: name for path, name in led.items() if name != room.package} == {}


def upstream_of(path: str) -> str | None:
    """Which upstream nginx hands a path to: that of the very path, else of the longest beginning."""
    found = [
        (kind.strip(), place, name) for kind, place, name in LOCATION.findall(conf("nginx.conf"))
    ]
    for kind, place, name in found:
        if kind == "=" and place == path:
            return name
    prefixes = [
        (len(place), name) for kind, place, name in found if kind != "=" and path.startswith(place)
    ]
    return max(prefixes, default=(0, None))[1]
