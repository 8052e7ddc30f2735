"""Refusals: what a caller asked for, understood and declined, with a stable code and a sentence."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class DomainError(Exception):
    """A refusal; the docstring of a subclass is its sentence unless one is given.

    `code` is stable and lower_snake_case, `status` is the HTTP status it answers with, `details` are members
    that go into the problem document (RFC 9457) beside it.
    """

    status: HTTPStatus = HTTPStatus.BAD_REQUEST
    code: str = "refused"

    def __init__(self, sentence: str | None = None, **details: Any) -> None:
        self.sentence = sentence or (type(self).__doc__ or "").strip()
        self.details: Mapping[str, Any] = details
        super().__init__(self.sentence)


class NotFound(DomainError):
    """There is nothing here by that id."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class Unauthorized(DomainError):
    """Sign in first."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"


class Forbidden(DomainError):
    """That is not yours to do."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class Conflict(DomainError):
    """That contradicts what is already there."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class Invalid(DomainError):
    """The request is not valid."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid"


class TooManyRequests(DomainError):
    """Too many tries; wait a little."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"

    def __init__(self, sentence: str | None = None, *, retry_after_s: int, **details: Any) -> None:
        super().__init__(sentence, **details)
        self.retry_after_s = retry_after_s


class Unavailable(DomainError):
    """A part of the system that this needs does not answer; try again soon."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    retry_after_s = 2
