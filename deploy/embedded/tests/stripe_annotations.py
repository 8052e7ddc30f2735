"""What the official library says an object looks like, and where one differs: its annotations are the schema."""

import inspect
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from importlib import import_module
from types import NoneType
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import UntypedStripeObject

RENAMED = {"from_": "from", "object_": "object"}
WORDS = {str: str, int: int, bool: bool, float: (int, float), Decimal: str}
NOT_SENT = ("OBJECT_NAME",)


def differences(body: Any) -> list[str]:
    """Every place where an object, or a list of objects, is not as the library knows it."""
    if body.get("object") in ("list", "search_result"):
        return [*_list(body, "list"), *(flaw for one in body["data"] for flaw in differences(one))]
    if set(body) == {"id", "object", "deleted"}:
        return []
    return list(_object(body, _class(body["object"]), body["object"]))


def event_types() -> set[str]:
    """Every type of event that the library knows."""
    return set(get_args(_fields(_class("event"))["type"]))


def expandable(kind: str) -> set[str]:
    """The fields of a kind of object whose value is an id until it is expanded."""
    return {name for name, hint in _fields(_class(kind)).items() if _is_expandable(hint)}


@cache
def _class(kind: str) -> type[StripeObject]:
    module, name = OBJECT_CLASSES[kind]
    found: type[StripeObject] = getattr(import_module(module), name)
    return found


@cache
def _fields(kind: type) -> dict[str, Any]:
    hints = inspect.get_annotations(kind)
    return {
        RENAMED.get(name, name): hint
        for name, hint in hints.items()
        if name not in NOT_SENT and not name.startswith("_") and "ClassVar" not in str(hint)
    }


def _object(body: Any, kind: type, path: str) -> Iterator[str]:
    if not isinstance(body, dict):
        yield f"{path}: {type(body).__name__} is no {kind.__name__}"
        return
    fields = _fields(kind)
    for name in sorted(set(body) - set(fields)):
        yield f"{path}.{name}: unknown"
    for name, hint in fields.items():
        if name in body:
            yield from _value(body[name], hint, f"{path}.{name}")
        elif NoneType not in get_args(hint):
            yield f"{path}.{name}: missing"


def _value(value: Any, hint: Any, path: str) -> Iterator[str]:
    check = CHECKS.get(get_origin(hint))
    if check is not None:
        yield from check(value, get_args(hint), path)
    elif isinstance(hint, ForwardRef | str):
        yield from _named(value, getattr(hint, "__forward_arg__", hint), path)
    elif hint in WORDS:
        if not isinstance(value, WORDS[hint]) or (hint is int and isinstance(value, bool)):
            yield f"{path}: {value!r} is no {hint.__name__}"
    elif inspect.isclass(hint) and issubclass(hint, StripeObject):
        yield from _object(value, hint, path)
    else:
        yield f"{path}: nothing is known of {hint}"


def _word(value: Any, words: tuple[Any, ...], path: str) -> Iterator[str]:
    if value not in words:
        yield f"{path}: {value!r} is none of {words[:8]}"


def _anything(value: Any, _: tuple[Any, ...], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {type(value).__name__} is no object"


def _one_of(value: Any, hints: tuple[Any, ...], path: str) -> Iterator[str]:
    if value is None and NoneType in hints:
        return
    words = [hint for hint in hints if get_origin(hint) is Literal]
    if words and isinstance(
        value, str
    ):  # the library takes any word, so that new ones pass: we do not
        yield from _value(value, words[0], path)
        return
    tried = [list(_value(value, hint, path)) for hint in hints if hint is not NoneType]
    if not any(flaws == [] for flaws in tried):
        yield from min(tried, key=len)


def _many(value: Any, hints: tuple[Any, ...], path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {type(value).__name__} is no list"
        return
    for number, one in enumerate(value):
        yield from _value(one, hints[0], f"{path}[{number}]")


def _listed(value: Any, hints: tuple[Any, ...], path: str) -> Iterator[str]:
    yield from _list(value, path)
    for number, one in enumerate(value.get("data", ())):
        yield from _value(one, hints[0], f"{path}.data[{number}]")


def _list(value: Any, path: str) -> Iterator[str]:
    wanted = {"object", "data", "has_more", "url"}
    if not isinstance(value, dict) or not wanted <= set(value):
        yield f"{path}: no list object"


def _named(value: Any, name: str, path: str) -> Iterator[str]:
    """Check an object against the class of this name, which the library imports for type checkers alone."""
    if not isinstance(value, dict) or "object" not in value:
        yield f"{path}: {value!r} is no {name}"
        return
    kind = _class(value["object"])
    if kind.__name__ != name.removesuffix("Resource"):
        yield f"{path}: a {kind.__name__} is no {name}"
    elif not value.get("deleted"):
        yield from _object(value, kind, path)


def _is_expandable(hint: Any) -> bool:
    parts = get_args(hint)
    if get_origin(hint) is list:
        return _is_expandable(parts[0])
    if get_origin(hint) is not Union:
        return False
    named = any(isinstance(part, ForwardRef) for part in parts)
    return (str in parts and named) or any(_is_expandable(part) for part in parts)


CHECKS: dict[Any, Callable[[Any, tuple[Any, ...], str], Iterator[str]]] = {
    Union: _one_of,
    Literal: _word,
    list: _many,
    ListObject: _listed,
    UntypedStripeObject: _anything,
    dict: _anything,
}
