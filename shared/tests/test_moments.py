"""Moments in requests: what is one, what is none, and that nothing is guessed."""

from datetime import UTC, date, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.moments import EARLIEST, LATEST, Day, DayOrMoment, Moment

MOMENT, DAY_OR_MOMENT, DAY = TypeAdapter(Moment), TypeAdapter(DayOrMoment), TypeAdapter(Day)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00Z", "2026-01-31t13:00:00+01:00"])
def test_a_date_and_time_with_its_offset_is_a_moment(text):
    assert MOMENT.validate_python(text) == DAY_OR_MOMENT.validate_python(text) == NOON


def test_a_day_is_its_first_moment_in_utc():
    assert DAY_OR_MOMENT.validate_python("2026-01-31") == NOON.replace(hour=0)
    assert DAY.validate_python("2026-01-31") == date(2026, 1, 31)


@pytest.mark.parametrize(
    "value",
    [
        "1", 1, 1.5, True, None, "", "now", "2026-01-31T12:00:00", "2026-13-01", "12-01-31",
        "2026-01-31T12:00:00Z" + "0" * 40, "\N{ARABIC-INDIC DIGIT TWO}026-01-31",
    ],
    ids=str,
)  # fmt: skip
def test_anything_else_is_none(value):
    for kind in (MOMENT, DAY_OR_MOMENT, DAY):
        with pytest.raises(ValidationError):
            kind.validate_python(value)


@pytest.mark.parametrize(
    ("text", "moment"), [("0001-01-01T00:00:00Z", EARLIEST), ("9999-12-31T23:59:59Z", LATEST)]
)
def test_a_moment_out_of_reach_is_the_nearest_within(text, moment):
    assert MOMENT.validate_python(text) == moment
