"""The books over HTTP: what operators see of days and sections, and what a customer does."""

from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from billing.models import Book
from shared.moments import Day


class DayState(StrEnum):
    """How far a day's books have come."""

    COMPARING = "comparing"
    PROVING = "proving"
    BALANCED = "balanced"
    DIFFERS = "differs"
    BROKEN = "broken"

    @classmethod
    def of(cls, book: Book) -> "DayState":
        """Return where a day stands; what is wrong comes before what is not known yet."""
        if book.broken:
            return cls.BROKEN
        if book.compared_at is None:
            return cls.COMPARING
        if book.differences:
            return cls.DIFFERS
        return cls.PROVING if book.proved_at is None else cls.BALANCED


class DayView(BaseModel):
    """A day: what billing settled and moved by kind, by how much tasks counted more, which rules were broken."""

    day: date
    state: DayState
    settled_count: int
    captured: int
    released: int
    moved: dict[str, int]
    asked_count: int
    differences: dict[str, int]
    broken: dict[str, int]
    closed_at: datetime
    compared_at: datetime | None
    proved_at: datetime | None


class SectionState(StrEnum):
    """Whether a section of the books is well."""

    WELL = "well"
    WAITING = "waiting"
    BROKEN = "broken"


class Section(BaseModel):
    """One thing that is checked: when it was last, what is known of it, and each thing that is not as it should be."""

    state: SectionState
    checked_at: datetime | None
    facts: dict[str, int | str | None]
    open: list[str]


class Report(BaseModel):
    """The books: every section as it is now, and the days, the latest first."""

    sections: dict[str, Section]
    days: list[DayView]


class CompareRequest(BaseModel):
    """The day that is to be compared again."""

    model_config = ConfigDict(extra="forbid")

    day: Day


class BooksView(BaseModel):
    """What a customer sees of the books: the last day that was closed and proved, and whether it balanced."""

    day: date
    balanced: bool
    proved_at: datetime
