"""Pages of lists, newest first: `limit` and an opaque `cursor` in, `next_cursor` out."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from shared.errors import Invalid

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=100, pattern=r"^[0-9a-f]{32}$")]


def id_of(cursor: str | None) -> UUID | None:
    """Return the id that a cursor stands for; ids are UUIDv7, so an older row has a smaller one."""
    if cursor is None:
        return None
    try:
        return UUID(hex=cursor)
    except ValueError:
        message = "This cursor is not one of ours."
        raise Invalid(message) from None


def cursor_of(rows: Sequence[Any], limit: int) -> str | None:
    """Return the cursor of the next page, or None after the last one."""
    if len(rows) < limit:
        return None
    last: UUID = rows[-1].id
    return last.hex
