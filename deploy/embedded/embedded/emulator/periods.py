"""Billing periods: month after month from an anchor, and on the last day of a month that is too short for it."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from embedded.emulator.store import Body

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}


def boundary(anchor: int, recurring: Body, number: int) -> int:
    """Return when the period of this number begins, counted from the anchor: 31 January, 28 February, 31 March."""
    count = recurring["interval_count"] * number
    start = datetime.fromtimestamp(anchor, UTC)
    if recurring["interval"] in DAYS:
        moved = start + timedelta(days=DAYS[recurring["interval"]] * count)
        return int(moved.timestamp())
    months = start.year * 12 + start.month - 1 + MONTHS[recurring["interval"]] * count
    year, month = divmod(months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def next_boundary(anchor: int, recurring: Body, moment: int) -> int:
    """Return the first beginning of a period after a moment."""
    number = 1
    while boundary(anchor, recurring, number) <= moment:
        number += 1
    return boundary(anchor, recurring, number)
