"""Statements of credits, checked with nothing of ours but a public key.

Each line's hash is the SHA-256 of the line with `previous`, the hash before it, in the place of its own, as canonical
JSON (RFC 8785); the signature (Ed25519) is over the canonical JSON of all but itself. This is written for an auditor to
read: it shares no code with what makes statements.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from impacter.failures import Failure

Json = dict[str, Any]
Keys = Mapping[str, Ed25519PublicKey]
Shape = dict[str, type]

FORMAT = "impacter.statement.v1"
STATE: Shape = {"line": int, "balance": int, "hash": str}
LINE: Shape = {"line": int, "amount": int, "balance_after": int, "kind": str, "hash": str}
SHAPE: Shape = {
    "account": str,
    "issuer": str,
    "period": dict,
    "opening": dict,
    "closing": dict,
    "totals": dict,
    "lines": list,
    "signature": dict,
}


def read(content: bytes) -> Json:
    """Return what a file holds, if that is a statement; raise Failure. Numbers are whole, no name comes twice."""
    try:
        found = json.loads(
            content, object_pairs_hook=_once, parse_float=_refused, parse_constant=_refused
        )
    except (ValueError, RecursionError) as flaw:
        raise Failure(f"it is not JSON as statements are: {flaw}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Failure(f"it does not say that it is a statement ({FORMAT})")
    _check_shape(found)
    return found


def keys_of(key_set: Json) -> Keys:
    """Return the Ed25519 keys of a JSON Web Key Set by their ids; raise Failure."""
    try:
        return {
            str(key["kid"]): Ed25519PublicKey.from_public_bytes(_decoded(key["x"]))
            for key in key_set["keys"]
            if key.get("crv") == "Ed25519"
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Failure("that is no set of public keys (JWK)") from None


def flaws(statement: Json, keys: Keys) -> Iterator[str]:
    """Yield what is wrong with a statement, by its place."""
    yield from _opening(statement)
    yield from _lines(statement)
    yield from _sums(statement)
    yield from _signature(statement, keys)


def gaps(earlier: Json, later: Json) -> Iterator[str]:
    """Yield why a statement does not follow another one at once."""
    if earlier["account"] != later["account"]:
        yield f"they are of two accounts: {earlier['account']} and {later['account']}"
        return
    end, start = earlier["closing"], later["opening"]
    if end["line"] < start["line"]:
        yield f"between them is missing: lines {end['line'] + 1} to {start['line']}"
    elif end["line"] > start["line"]:
        yield f"both have lines {start['line'] + 1} to {end['line']}"
    elif end != start:
        yield f"the first ends at line {end['line']} otherwise than the second begins"


def canonical(value: object) -> bytes:
    """Return the canonical JSON (RFC 8785) of what has no fractions and only ASCII names."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="surrogatepass")


def _opening(statement: Json) -> Iterator[str]:
    """A chain begins with whose it is, and with nothing."""
    opening = statement["opening"]
    if opening["line"] != 0:
        return
    begin = hashlib.sha256(statement["account"].encode(errors="surrogatepass")).hexdigest()
    if opening["hash"] != begin or opening["balance"] != 0:
        yield "opening: the first line does not begin with nothing and this account"


def _lines(statement: Json) -> Iterator[str]:
    before = statement["opening"]
    for line in statement["lines"]:
        name = f"line {line['line']}"
        if line["line"] != before["line"] + 1:
            yield f"{name}: it stands after line {before['line']}"
        if line["balance_after"] != before["balance"] + line["amount"]:
            yield f"{name}: its balance does not follow from the one before it"
        if line["hash"] != _hash(line, before["hash"]):
            yield f"{name}: it was changed, or what stood before it is not what stands there now"
        before = {"line": line["line"], "balance": line["balance_after"], "hash": line["hash"]}
    if statement["closing"] != before:
        yield "closing: it is not how the last line left the account"


def _hash(line: Json, previous: str) -> str:
    hashed = {name: value for name, value in line.items() if name != "hash"} | {
        "previous": previous
    }
    return hashlib.sha256(canonical(hashed)).hexdigest()


def _sums(statement: Json) -> Iterator[str]:
    sums: Counter[str] = Counter()
    for line in statement["lines"]:
        sums[line["kind"]] += line["amount"]
    if statement["totals"] != dict(sums):
        yield "totals: they are not the sums of the lines"


def _signature(statement: Json, keys: Keys) -> Iterator[str]:
    signature = statement["signature"]
    key = keys.get(str(signature.get("key_id")))
    if key is None:
        yield f"signature: its key {signature.get('key_id')} is not among those given"
        return
    signed = {name: value for name, value in statement.items() if name != "signature"}
    try:
        key.verify(_decoded(signature.get("value")), canonical(signed))
    except (InvalidSignature, ValueError, TypeError, AttributeError):
        yield "signature: it is not over what stands here"


def _check_shape(statement: Json) -> None:
    places: list[tuple[str, Any, Shape]] = [("the statement", statement, SHAPE)]
    places += [(name, statement.get(name), STATE) for name in ("opening", "closing")]
    lines = statement.get("lines")
    if isinstance(lines, list):
        places += [(f"its line {place}", line, LINE) for place, line in enumerate(lines, 1)]
    for place, value, shape in places:
        for name, kind in shape.items():
            found = value.get(name) if isinstance(value, dict) else None
            if not isinstance(found, kind) or isinstance(found, bool):
                raise Failure(f"{place} has no {name} as statements have it")


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs) or not all(name.isascii() for name in found):
        raise ValueError("a name comes twice, or is not of ASCII")
    return found


def _refused(number: str) -> NoReturn:
    raise ValueError(f"{number} is not a whole number")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
