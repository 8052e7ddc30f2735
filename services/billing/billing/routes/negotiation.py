"""Which form of an answer the asker wants, by the header `Accept`."""

from collections.abc import Sequence

JSON = "application/json"
CSV = "text/csv"
PDF = "application/pdf"


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """Return the offered media type that is wanted most; the first one where nothing else is said."""
    if accept is None:
        return offered[0]
    best = max(offered, key=lambda kind: (_quality(accept, kind), -offered.index(kind)))
    return best if _quality(accept, best) > 0 else offered[0]


def _quality(accept: str, kind: str) -> float:
    """Return how much a media type is wanted, by the most specific range that names it."""
    family = f"{kind.partition('/')[0]}/*"
    found = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().casefold() for piece in part.split(";"))
        found[name] = _q(parameters)
    return next((found[name] for name in (kind, family, "*/*") if name in found), 0.0)


def _q(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter.removeprefix("q="))
            except ValueError:
                return 0.0
    return 1.0
