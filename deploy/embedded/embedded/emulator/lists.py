"""Pages of lists as Stripe cuts them: newest first, `starting_after`, `ending_before`, `has_more`."""

from collections.abc import Mapping, Sequence
from typing import Any

from embedded.emulator.errors import StripeError, missing, only_one
from embedded.emulator.store import Body, Bounds, Span
from embedded.emulator.tx import Tx

LIMIT = 10
LIMIT_MAX = 100
OF_LISTS = frozenset({"limit", "starting_after", "ending_before"})


def page(
    tx: Tx, kind: str, params: Mapping[str, Any], url: str, where: Mapping[str, Any] | None = None
) -> Body:
    """Return the page of a list that these parameters ask for; `where` has values by path."""
    limit = limit_of(params)
    only_one(params, "starting_after", "ending_before")
    before = _place(tx, kind, params, "starting_after")
    after = _place(tx, kind, params, "ending_before")
    filters = dict(where or {})
    if "created" in params:
        filters["created"] = bounds(params["created"])
    found = tx.select(kind, filters, Span(limit + 1, before, after))
    kept = found[-limit:] if after is not None else found[:limit]
    return {
        "object": "list",
        "data": [tx.view(body) for body in kept],
        "has_more": len(found) > limit,
        "url": url,
    }


def cut(bodies: Sequence[Body], params: Mapping[str, Any], url: str) -> Body:
    """Return a page of a list that lies within an object, in its own order."""
    limit = limit_of(params)
    only_one(params, "starting_after", "ending_before")
    ids = [body["id"] for body in bodies]
    first, last = 0, len(bodies)
    for name in ("starting_after", "ending_before"):
        wanted = params.get(name)
        if wanted and wanted not in ids:
            raise missing("item", wanted, param=name)
    if params.get("starting_after"):
        first = ids.index(params["starting_after"]) + 1
    if params.get("ending_before"):
        last = ids.index(params["ending_before"])
        first = max(first, last - limit)
        return whole(bodies[first:last], url, has_more=first > 0)
    return whole(bodies[first : first + limit], url, has_more=first + limit < last)


def whole(bodies: Sequence[Body], url: str, *, has_more: bool = False) -> Body:
    """Return a list of these objects."""
    return {"object": "list", "data": list(bodies), "has_more": has_more, "url": url}


def bounds(given: Any) -> Any:
    """Return a moment, or the limits of a time, as the store filters by."""
    if isinstance(given, dict):
        return Bounds(given)
    return given


def equal(params: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the filters that are asked for by the name of the field they filter."""
    return {name: params[name] for name in names if name in params}


def limit_of(params: Mapping[str, Any]) -> int:
    """Return how many objects a page shall have."""
    limit: int = params.get("limit", LIMIT)
    if limit > LIMIT_MAX:
        message = f"Invalid integer: this value must be less than or equal to {LIMIT_MAX} (it currently is '{limit}')."
        raise StripeError(message, param="limit", code="parameter_invalid_integer")
    if limit < 1:
        message = "Invalid integer: this value must be greater than or equal to 1."
        raise StripeError(message, param="limit", code="parameter_invalid_integer")
    return limit


def _place(tx: Tx, kind: str, params: Mapping[str, Any], name: str) -> int | None:
    wanted = params.get(name)
    if wanted is None:
        return None
    place = tx.tables.place(kind, wanted)
    if place is None:
        raise missing(kind, wanted, param=name)
    return place
