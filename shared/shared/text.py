"""Text from outside that a database can hold."""

from typing import Annotated

from pydantic import AfterValidator


def _is_storable(text: str) -> str:
    if "\x00" in text:
        message = "must not contain the NUL character"
        raise ValueError(message)
    try:
        text.encode()
    except UnicodeEncodeError:
        message = "must be well-formed Unicode"
        raise ValueError(message) from None
    return text


Text = Annotated[str, AfterValidator(_is_storable)]
"""A string without NUL and without lone surrogates; bound its length where it is used."""
