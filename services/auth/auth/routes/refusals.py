"""How refusals are described in the OpenAPI document."""

from typing import Any, Final

from shared.problems import Problem

Refusal = dict[int | str, dict[str, Any]]


def _refusal(status: int, description: str) -> Refusal:
    return {status: {"model": Problem, "description": description}}


NOT_SIGNED_IN: Final = _refusal(401, "Not signed in")
NOT_YOURS: Final = _refusal(403, "Not yours to do")
FOREIGN: Final = _refusal(403, "Made by another site's page")
NOT_FOUND: Final = _refusal(404, "There is nothing by that id")
TAKEN: Final = _refusal(409, "`email_taken`: the address has an account")
CLAIMED: Final = _refusal(409, "`already_claimed`: sign in, or use the mailed link")
NOT_VALID: Final = _refusal(
    422, "Not valid: `invalid`, `password_refused`, `wrong_password`, `link_invalid`"
)
TOO_MANY: Final = _refusal(429, "`too_many_tries`; `Retry-After` says when")
BUSY: Final = _refusal(503, "`busy`; `Retry-After` says when")
