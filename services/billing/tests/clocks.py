"""A clock that tests own."""

from datetime import UTC, datetime, timedelta


class MovingClock:
    """A clock that is moved by hand; ids are made in the order of its time."""

    def __init__(self, moment: datetime | None = None) -> None:
        self.moment = moment or datetime.now(UTC)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment
