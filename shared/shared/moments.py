"""Moments in requests: a date and time with its offset, or a day, never a bare number."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
MOMENT_CHARS_MAX: Final = 40
AS_TEXT: Final = {"type": "string", "maxLength": MOMENT_CHARS_MAX}
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _is_moment(moment: object) -> object:
    """Refuse bare numbers, which could be seconds or milliseconds."""
    is_text = isinstance(moment, str) and "T" in moment.upper() and len(moment) <= MOMENT_CHARS_MAX
    if not is_text and not isinstance(moment, datetime):
        message = "must be a date and time like 2026-01-31T12:00:00Z"
        raise ValueError(message)
    return moment


def _is_day(day: object) -> object:
    if not isinstance(day, date) and not (isinstance(day, str) and DAY.fullmatch(day)):
        message = "must be a day like 2026-01-31"
        raise ValueError(message)
    return day


def _from_midnight(day: object) -> object:
    """Let a day begin at midnight UTC."""
    return f"{day}T00:00:00Z" if isinstance(day, str) and DAY.fullmatch(day) else day


def _within_reach(moment: datetime) -> datetime:
    """Return the moment, or the nearest one that anything of ours could have happened at."""
    return min(max(moment, EARLIEST), LATEST)


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_is_moment),
    AfterValidator(_within_reach),
    WithJsonSchema({**AS_TEXT, "format": "date-time"}),
]
"""A date and time with its offset."""

DayOrMoment = Annotated[
    Moment,
    BeforeValidator(_from_midnight),
    WithJsonSchema({"anyOf": [{**AS_TEXT, "format": "date"}, {**AS_TEXT, "format": "date-time"}]}),
]
"""The same, or a day, which is its first moment in UTC."""

Day = Annotated[
    date,
    BeforeValidator(_is_day),
    WithJsonSchema({"type": "string", "format": "date", "maxLength": len("2026-01-31")}),
]
"""A day of the calendar."""
