"""What a route may be asked: read off the library's own parameter types, and as strict as Stripe.

The types of a route are looked at when it is first used, so that a start does not pay for them.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import import_module
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe import RequestOptions
from typing_extensions import get_type_hints, is_typeddict

from embedded.emulator.errors import NotEmulated, StripeError, required

TEXT_MAX = 5_000
METADATA_MAX = 50
METADATA_KEY_MAX = 40
METADATA_VALUE_MAX = 500
INTEGER = re.compile(r"-?\d{1,18}")

Fields = Mapping[str, Any]


def checked(name: str, form: dict[str, Any], emulated: frozenset[str]) -> dict[str, Any]:
    """Return the parameters with their types, or refuse them as Stripe would."""
    given = _checked_fields(fields_of(name), form, "")
    unheard = sorted(set(given) - emulated - {"expand"})
    if unheard:
        raise NotEmulated(unheard)
    return given


@cache
def fields_of(name: str) -> Fields:
    """Return the types of a route's parameters: `checkout.SessionCreateParams`, from the library."""
    *folder, kind = name.split(".")
    file = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    module = import_module(".".join(["stripe", "params", *folder, f"_{file}"]))
    options = set(RequestOptions.__annotations__)
    return {key: hint for key, hint in _fields(vars(module)[kind]).items() if key not in options}


@cache
def _fields(kind: type) -> Fields:
    names = {
        **vars(import_module(RequestOptions.__module__)),
        **vars(import_module(kind.__module__)),
    }
    hints = get_type_hints(kind, {"StripeContext": object, **names}, include_extras=True)
    return {key.rstrip("_"): hint for key, hint in hints.items()}


def _checked_fields(fields: Fields, form: dict[str, Any], path: str) -> dict[str, Any]:
    unknown = [_join(path, name) for name in form if name not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
        raise StripeError(message, param=unknown[0], code="parameter_unknown")
    for name, hint in fields.items():
        if name not in form and _is_required(hint):
            raise required(_join(path, name))
    return {name: _checked(fields[name], value, _join(path, name)) for name, value in form.items()}


def _is_required(hint: Any) -> bool:
    origin: Any = get_origin(hint)
    return origin is not NotRequired


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _checked(hint: Any, value: Any, path: str) -> Any:
    """Return the value as what the hint says it is."""
    kinds = _alternatives(hint)
    if value == "" and "" in _words(kinds):
        return ""
    if isinstance(value, list):
        return _checked_list(kinds, value, path)
    if isinstance(value, dict):
        return _checked_mapping(kinds, value, path)
    return _checked_text(kinds, value, path)


def _alternatives(hint: Any) -> list[Any]:
    origin: Any = get_origin(hint)
    if origin in (NotRequired, Required):
        return _alternatives(get_args(hint)[0])
    if origin is Union or type(hint).__name__ == "UnionType":
        return [kind for part in get_args(hint) for kind in _alternatives(part)]
    return [hint]


def _words(kinds: list[Any]) -> list[str]:
    return [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]


def _checked_list(kinds: list[Any], value: list[Any], path: str) -> list[Any]:
    for kind in kinds:
        if get_origin(kind) is list:
            [inner] = get_args(kind)
            return [_checked(inner, part, f"{path}[{n}]") for n, part in enumerate(value)]
    if any(get_origin(kind) is dict for kind in kinds):
        return _checked_mapping(kinds, {str(n): v for n, v in enumerate(value)}, path)  # type: ignore[return-value]
    message = f"Invalid string: {value}" if str in kinds else "Invalid object"
    raise StripeError(message, param=path)


def _checked_mapping(kinds: list[Any], value: dict[str, Any], path: str) -> dict[str, Any]:
    for kind in kinds:
        if is_typeddict(kind):
            return _checked_fields(_fields(kind), value, path)
        if get_origin(kind) is dict:
            return _checked_dictionary(get_args(kind)[1], value, path)
    message = (
        "Invalid array" if any(get_origin(kind) is list for kind in kinds) else "Invalid string"
    )
    raise StripeError(f"{message}: {value}", param=path)


def _checked_dictionary(inner: Any, value: dict[str, Any], path: str) -> dict[str, Any]:
    if inner is not str:
        return {name: _checked(inner, part, f"{path}[{name}]") for name, part in value.items()}
    if len(value) > METADATA_MAX:
        message = f"Metadata can have up to {METADATA_MAX} keys."
        raise StripeError(message, param=path)
    for name, part in value.items():
        _check_metadata(name, part, path)
    return value


def _check_metadata(name: str, value: Any, path: str) -> None:
    if not isinstance(value, str):
        message = "Metadata values must be strings."
        raise StripeError(message, param=f"{path}[{name}]")
    if len(name) > METADATA_KEY_MAX:
        message = f"Metadata key names can be at most {METADATA_KEY_MAX} characters: {name}"
        raise StripeError(message, param=path)
    if len(value) > METADATA_VALUE_MAX:
        message = f"Metadata values can have up to {METADATA_VALUE_MAX} characters, but you passed in a value that is {len(value)} characters."
        raise StripeError(message, param=f"{path}[{name}]")


def _checked_text(kinds: list[Any], value: str, path: str) -> Any:
    for kind in kinds:
        reader = READERS.get(kind)
        if reader is not None:
            return _read(reader, kinds, value, path)
    words = [word for word in _words(kinds) if word]
    if words:
        return _word(words, value, path)
    if str in kinds:
        return _text(value, path)
    name = "array" if any(get_origin(kind) is list for kind in kinds) else "object"
    message = f"Invalid {name}"
    raise StripeError(message, param=path)


def _read(reader: "Reader", kinds: list[Any], value: str, path: str) -> Any:
    if value in _words(kinds):
        return value
    if not value:
        raise _empty(path)
    try:
        return reader.read(value)
    except (ValueError, InvalidOperation):
        message = f"Invalid {reader.name}: {value}"
        raise StripeError(message, param=path, code=reader.code) from None


def _word(words: list[str], value: str, path: str) -> str:
    if value in words:
        return value
    *others, last = words
    listed = f"{', '.join(others)}, or {last}" if others else last
    message = (
        f"Invalid {path}: must be one of {listed}" if others else f"Invalid {path}: must be {last}"
    )
    raise StripeError(message, param=path)


def _text(value: str, path: str) -> str:
    if not value:
        raise _empty(path)
    if len(value) > TEXT_MAX:
        message = (
            f"Invalid string: {value[:8]}...{value[-8:]}; must be at most {TEXT_MAX} characters"
        )
        raise StripeError(message, param=path)
    if "\x00" in value:
        message = "Invalid string: it must not contain the NUL character"
        raise StripeError(message, param=path)
    return value


def _empty(path: str) -> StripeError:
    message = (
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty value."
    )
    return StripeError(message, param=path, code="parameter_invalid_empty")


class Reader:
    """How a kind of value is read from text."""

    def __init__(self, name: str, read: Any, code: str | None = None) -> None:
        self.name = name
        self.read = read
        self.code = code


def _integer(text: str) -> int:
    if not INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


READERS: dict[Any, Reader] = {
    int: Reader("integer", _integer, "parameter_invalid_integer"),
    bool: Reader("boolean", _boolean),
    float: Reader("decimal", lambda text: float(_decimal(text))),
    Decimal: Reader("decimal", _decimal),
}
