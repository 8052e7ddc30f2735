"""Telling an engine that is away, or another transaction that is in the way, from a flaw of ours."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# PostgreSQL's codes: the connection failed, the server ends or starts, there are too many connections.
AWAY = ("08", "57P", "53300")
# Two transactions waited for each other, or one could not be brought into order: it was rolled back.
IN_THE_WAY = ("40P01", "40001")


def is_outage(flaw: BaseException) -> bool:
    """Tell whether a database or another server was away or overtaken, so that the same may go well later."""
    if isinstance(flaw, DBAPIError):
        return flaw.connection_invalidated or _code(flaw).startswith(AWAY) or is_collision(flaw)
    return isinstance(flaw, ConnectionError | TimeoutError | PoolTimeout)


def is_collision(flaw: BaseException) -> bool:
    """Tell whether the database ended a transaction in favour of another: it left nothing, and may be done again."""
    return isinstance(flaw, DBAPIError) and _code(flaw) in IN_THE_WAY


def _code(flaw: DBAPIError) -> str:
    return getattr(flaw.orig, "sqlstate", None) or ""
