"""Each kind of object as it is when nothing is said of it: every field that Stripe sends, with its first value."""

import json
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

from embedded.emulator.store import Body


def fresh(kind: str, **fields: Any) -> Body:
    """Return a new object of this kind with these fields."""
    shape = deepcopy(_shapes()[kind])
    unknown = set(fields) - set(shape) - OF_ALL
    assert not unknown, f"{kind} has no {unknown}"
    return {"id": None, "object": kind, **shape, **fields}


def has(kind: str, field: str) -> bool:
    """Tell whether this kind of object has the field."""
    return field in _shapes()[kind]


@cache
def _shapes() -> dict[str, Body]:
    text = files("embedded.emulator").joinpath("shapes.json").read_text()
    shapes: dict[str, Body] = json.loads(text)
    return shapes


OF_ALL = {"id", "created", "_", "card", "us_bank_account"}
