"""The story of a day's books: closed by billing, compared by who saw the same tasks end, proved by the walk after it."""

from datetime import date

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from shared.events import Event


class BooksClosed(Event, name="books.closed.v1", publisher="billing", consumers=("tasks",)):
    """What billing counted of the holds that were settled on a UTC day; asked again while others count differently.

    `fingerprint` is the same for who saw the same holds end in the same way.
    """

    day: date
    attempt: PositiveInt
    settled_count: NonNegativeInt
    captured: NonNegativeInt
    released: NonNegativeInt
    fingerprint: str


class BooksCompared(Event, name="books.compared.v1", publisher="tasks", consumers=("billing",)):
    """What tasks counted of the same day, and whether that is the same."""

    day: date
    attempt: PositiveInt
    matches: bool
    settled_count: NonNegativeInt
    captured: NonNegativeInt
    released: NonNegativeInt


class Finding(BaseModel):
    """Something that does not agree: what it is, and by how much, or how often, it does not."""

    model_config = ConfigDict(frozen=True)

    what: str
    by: int


class BooksProved(Event, name="books.proved.v1", publisher="billing", consumers=("notifier",)):
    """What the nightly proof of a day found: nothing, or by how much tasks counts more, and how often each rule is broken.

    It comes once for a day, and once more each time that people have the day compared again.
    """

    day: date
    attempt: PositiveInt
    balanced: bool
    differences: tuple[Finding, ...] = ()
    broken: tuple[Finding, ...] = ()
