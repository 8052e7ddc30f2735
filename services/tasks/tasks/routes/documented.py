"""Refusals as the API's description names them."""

from typing import Any

from pydantic import BaseModel

from shared.problems import MEDIA_TYPE, Problem
from tasks.schemas import InsufficientCreditsProblem

PAYMENT_REQUIRED = 402
INVALID = 422


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of these refusals, and of what is not valid: problem documents."""
    return {
        status: _documented(InsufficientCreditsProblem if status == PAYMENT_REQUIRED else Problem)
        for status in (*statuses, INVALID)
    }


def _documented(model: type[BaseModel]) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"model": model, "content": {MEDIA_TYPE: {"schema": reference}}}
