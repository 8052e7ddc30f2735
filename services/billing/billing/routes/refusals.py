"""Refusals as the API's description names them."""

from http import HTTPStatus
from typing import Any

from billing.schemas.spending import ShortOfCreditsProblem
from shared.problems import Problem


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of these refusals: problem documents."""
    documents = {HTTPStatus.PAYMENT_REQUIRED: ShortOfCreditsProblem}
    return {status: {"model": documents.get(HTTPStatus(status), Problem)} for status in statuses}
