"""Refusals as the API's description names them."""

from typing import Any

from shared.problems import Problem


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of these refusals: problem documents."""
    return {status: {"model": Problem} for status in statuses}
