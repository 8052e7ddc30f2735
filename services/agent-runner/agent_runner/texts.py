"""Words from agents and people, made fit for a database, an event and a file system."""

import re
import unicodedata
from collections.abc import Iterable

TEXT_BYTES_MAX = 100_000
NOTE_BYTES_MAX = 500
REASON_BYTES_MAX = 1000
NAME_BYTES_MAX = 120
MEDIA_TYPE_CHARS_MAX = 100
DEFAULT_MEDIA_TYPE = "application/octet-stream"

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNFIT_FOR_NAMES = re.compile(r'[<>:"|?*]')
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")


def clean(text: str) -> str:
    """Return the text as well-formed Unicode without control characters, which JSON would blow up."""
    return _CONTROLS.sub("", text.encode(errors="replace").decode())


def size(text: str) -> int:
    """Return how many bytes the text is."""
    return len(text.encode())


def cut(text: str, bytes_max: int) -> str:
    """Return the text, cleaned, cut off at this many bytes."""
    return clean(text).encode()[:bytes_max].decode(errors="ignore")


def file_name(name: str) -> str:
    """Return a plain file name: no folders, nothing that a system forbids or cannot show, not long."""
    visible = "".join(letter for letter in clean(name) if not _is_invisible(letter))
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", visible))[-1]
    plain = _UNFIT_FOR_NAMES.sub("_", last).strip(" .")
    stem, dot, suffix = plain.rpartition(".")
    if not dot or size(suffix) > NAME_BYTES_MAX // 4:
        stem, dot, suffix = plain, "", ""
    stem = cut(stem, NAME_BYTES_MAX - size(dot + suffix)).rstrip(" .")
    return stem + dot + suffix or "file"


def _is_invisible(letter: str) -> bool:
    """Tell controls and formats (which can turn a name around) and line breaks of every kind."""
    return unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def another_name(name: str, taken: Iterable[str]) -> str:
    """Return the name, numbered when it is taken (upper and lower case count as the same)."""
    used = {other.casefold() for other in taken}
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    number = 1
    while name.casefold() in used:
        number += 1
        tail = f" ({number}){dot}{suffix}"
        name = cut(stem, NAME_BYTES_MAX - size(tail)) + tail
    return name


def media_type(text: str | None) -> str:
    """Return the media type without parameters, or that of plain bytes when it is none."""
    plain = (text or "").partition(";")[0].strip().lower()
    if len(plain) > MEDIA_TYPE_CHARS_MAX or not _MEDIA_TYPE.fullmatch(plain):
        return DEFAULT_MEDIA_TYPE
    return plain
