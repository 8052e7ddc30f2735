"""Telling an engine that is away from a flaw of ours."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# PostgreSQL's codes: the connection failed, the server ends or starts, there are too many connections.
AWAY = ("08", "57P", "53300")


def is_outage(flaw: BaseException) -> bool:
    """Tell whether a database or another server was away, so that the same may go well later."""
    if isinstance(flaw, DBAPIError):
        code = getattr(flaw.orig, "sqlstate", None) or ""
        return flaw.connection_invalidated or code.startswith(AWAY)
    return isinstance(flaw, ConnectionError | TimeoutError | PoolTimeout)
