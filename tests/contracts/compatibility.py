"""Which changes of an event's JSON Schema keep its version: an added optional field, and words."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

WORDS = {"title", "description", "$defs"}


def breaches(old: Json, new: Json) -> list[str]:
    """Return what changed in another way than the one allowed."""
    return list(_compare(_whole(old, old), _whole(new, new), "$"))


def _compare(old: Any, new: Any, place: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_schemas(old, new, place)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from _compare(*pair, f"{place}[{index}]")
    elif old != new:
        yield f"{place}: {old!r} became {new!r}"


def _compare_schemas(old: Json, new: Json, place: str) -> Iterator[str]:
    for key in sorted({*old, *new} - WORDS):
        here = f"{place}.{key}"
        if key == "properties" and key in old and key in new:
            yield from _compare_fields(old[key], new[key], place)
        elif key == "required":
            yield from _compare_required(old.get(key, []), new.get(key, []), here)
        elif key not in old:
            yield f"{here}: was added"
        elif key not in new:
            yield f"{here}: was removed"
        else:
            yield from _compare(old[key], new[key], here)


def _compare_fields(old: Json, new: Json, place: str) -> Iterator[str]:
    """Fields that are new are fine: whether they are optional is what `required` says."""
    for name in old:
        if name in new:
            yield from _compare(old[name], new[name], f"{place}.{name}")
        else:
            yield f"{place}.{name}: was removed"


def _compare_required(old: list[str], new: list[str], place: str) -> Iterator[str]:
    if set(old) != set(new):
        yield f"{place}: {sorted(old)} became {sorted(new)}"


def _whole(schema: Any, root: Json) -> Any:
    """Return the schema with every reference replaced by what it stands for."""
    if isinstance(schema, list):
        return [_whole(part, root) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return _whole(root["$defs"][name], root)
    return {key: _whole(part, root) for key, part in schema.items() if key != "$defs"}
