"""Forms as the library writes them, `items[0][price]=…`, and back into nested values."""

import re
from typing import Any
from urllib.parse import parse_qsl

from embedded.emulator.errors import StripeError

KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
PART = re.compile(r"\[([^\[\]]*)\]")
FIELDS_MAX = 2_000
DEPTH_MAX = 12


def decoded(text: str) -> dict[str, Any]:
    """Return the nested values of a form; lists are made of keys that count, `[0]`, or of `[]`."""
    form: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        message = "Invalid request: the form cannot be read."
        raise StripeError(message) from None
    for key, value in pairs:
        _put(form, key, value)
    return {name: _with_lists(value) for name, value in form.items()}


def _put(form: dict[str, Any], key: str, value: str) -> None:
    match = KEY.fullmatch(key)
    names = [match[1], *PART.findall(match[2])] if match else [key]
    if len(names) > DEPTH_MAX:
        message = f"Invalid request: {names[0]} is nested too deeply."
        raise StripeError(message, param=names[0])
    place = form
    for name in names[:-1]:
        inner = place.setdefault(name or str(len(place)), {})
        if not isinstance(inner, dict):
            message = f"Invalid hash: {name}"
            raise StripeError(message, param=names[0])
        place = inner
    place[names[-1] or str(len(place))] = value


def _with_lists(value: Any) -> Any:
    """Turn mappings whose keys count into lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(part) for name, part in value.items()}
    if inner and all(name.isascii() and name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
