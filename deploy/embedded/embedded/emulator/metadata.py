"""Metadata: what callers write on objects, laid over what was there."""

from collections.abc import Mapping
from typing import Any


def merged(before: Mapping[str, str] | None, given: Any) -> dict[str, str]:
    """Return metadata with what is given laid over it; an empty value takes its key away, an empty whole all."""
    if given in ("", None):
        return {}
    together = {**(before or {}), **given}
    return {key: value for key, value in together.items() if value != ""}
