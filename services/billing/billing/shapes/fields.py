"""What fields of Stripe's objects may hold."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

ADDRESS_CHARS_MAX = 320
TEXT_CHARS_MAX = 500
CENTS_MAX = 10**9
_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f\ud800-\udfff]+@[^@\s\x00-\x1f\x7f\ud800-\udfff]+")
_ID = re.compile(r"[\x21-\x7e]{1,255}")

ItemT = TypeVar("ItemT")


def _reference(value: object) -> str | None:
    """Return the id of an expandable field, expanded or not; None for what is no id."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def _storable(text: str | None) -> str | None:
    """Return the text as a database can hold it."""
    if text is None:
        return None
    return text.replace("\x00", "").encode(errors="replace").decode()[:TEXT_CHARS_MAX]


def _words(value: object) -> dict[str, str]:
    """Return metadata, of which only texts count."""
    if not isinstance(value, Mapping):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _seconds(value: object) -> object:
    """Let whole seconds since 1970 pass: what else a number may mean is not Stripe's."""
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**10
    if not is_one:
        message = "not a moment of Stripe's"
        raise ValueError(message)
    return value


Id = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
Reference = Annotated[str | None, BeforeValidator(_reference)]
Needed = Annotated[Id, BeforeValidator(_reference)]
Word = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]
Currency = Annotated[str, Field(max_length=10, pattern=r"^[a-z]+$")]
Link = Annotated[str | None, Field(max_length=2000, pattern=r"^[\x21-\x7e]+$")]
Storable = Annotated[str | None, AfterValidator(_storable)]
Cents = Annotated[int, Field(ge=0, le=CENTS_MAX)]
Signed = Annotated[int, Field(ge=-CENTS_MAX, le=CENTS_MAX)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Metadata = Annotated[dict[str, str], BeforeValidator(_words)]
Moment = Annotated[datetime, BeforeValidator(_seconds)]


class Shape(BaseModel):
    """A part of an object; fields that are not named here are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Thing(Shape):
    """An object that can be asked for by its id."""

    id: Id


class Listed(Shape, Generic[ItemT]):
    """A list within an object: its first page."""

    data: list[ItemT] = Field(default_factory=list)
    has_more: bool = False


def fields_of(flaw: ValidationError) -> str:
    """Return which fields of an object are not as we know them."""
    return ", ".join(sorted({str(error["loc"][0]) for error in flaw.errors() if error["loc"]}))


def address(text: str | None) -> str | None:
    """Return an address that can be written to, or None."""
    stripped = (text or "").strip()
    is_one = _ADDRESS.fullmatch(stripped) and len(stripped) <= ADDRESS_CHARS_MAX
    return stripped if is_one else None
