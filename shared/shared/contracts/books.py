"""The story of a day's books: closed by billing, compared by who saw the same tasks end."""

from datetime import date

from pydantic import NonNegativeInt, PositiveInt

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
