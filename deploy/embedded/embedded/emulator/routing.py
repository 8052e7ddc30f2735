"""A route of the API: its method and path, the library's type of its parameters, and who acts on it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded.emulator import params
from embedded.emulator.errors import NotFound
from embedded.emulator.lists import OF_LISTS
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked of a route: its checked parameters, the ids in its path, the path itself."""

    params: Mapping[str, Any]
    ids: Mapping[str, str]
    path: str

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter; one that was sent empty is None."""
        value = self.params.get(name, default)
        return None if value == "" else value

    def has(self, name: str) -> bool:
        """Tell whether the parameter was sent, be it empty."""
        return name in self.params

    def given(self, *names: str) -> dict[str, Any]:
        """Return those of these parameters that were sent; an empty one unsets, so it is None."""
        return {name: self.get(name) for name in names if name in self.params}


Act = Callable[[Tx, Call], Body]


@dataclass(frozen=True, slots=True)
class Route:
    """`takes` are the parameters that the emulator acts on; what else Stripe knows is refused by name."""

    method: str
    path: str
    kind: str
    act: Act
    takes: frozenset[str]
    pattern: re.Pattern[str] = field(compare=False)

    @property
    def name(self) -> str:
        """Return what the route is called: `POST /v1/customers`."""
        return f"{self.method} {self.path}"

    def check(self, form: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of a form, typed, or refuse them."""
        return params.checked(self.kind, form, self.takes)


def route(name: str, kind: str, act: Act, takes: str = "") -> Route:
    """Return a route; `takes` are names with spaces between."""
    method, path = name.split(" ")
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
    return Route(method, path, kind, act, frozenset(takes.split()), pattern)


def listing(name: str, kind: str, act: Act, takes: str = "") -> Route:
    """Return the route of a list, which takes what all lists take."""
    made = route(name, kind, act, takes)
    return Route(made.method, made.path, kind, act, made.takes | OF_LISTS, made.pattern)


class Routes:
    """All routes of the API."""

    def __init__(self, routes: Iterable[Route]) -> None:
        # A path that is spelled out goes before one with an id in the same place.
        self.all = sorted(routes, key=lambda route: ("{" in route.path, route.path))

    def match(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """Return the route of this path and the ids in it, or answer as Stripe does where there is none."""
        for route in self.all:
            match = route.pattern.fullmatch(path) if route.method == method else None
            if match:
                return route, match.groupdict()
        message = (
            f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs "
            "or we can help at https://support.stripe.com/."
        )
        raise NotFound(message)
