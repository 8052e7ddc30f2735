"""`impacter verify`: whether statements are as they were issued, and follow one another; nothing is asked but a key."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from impacter import output, settings, statements
from impacter.api import LOOPBACK
from impacter.failures import Failure
from impacter.options import Url
from impacter.statements import Json, Keys

KEYS_PATH = "/.well-known/billing-keys.json"
TIMEOUT_S = 30

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE", help="Statements as JSON; of several, each has to follow the one before."
    ),
]
KeySource = Annotated[
    str | None,
    typer.Option(
        "--keys",
        metavar="FILE|URL",
        help=f"The public keys (JWK set); else those at {KEYS_PATH} of the gateway.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")]


def verify(
    files: Files, *, keys: KeySource = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Check statements of credits: every line's hash, the sums, the signature, and that they follow one another.

    The exit code is 1 when anything is wrong; each flaw names its line.
    """
    known = _keys(keys or f"{str(settings.origin(url)).rstrip('/')}{KEYS_PATH}")
    found = [(file, _statement(file)) for file in files]
    report: Json = {
        "statements": [_checked(file, statement, known) for file, statement in found],
        "gaps": [
            f"{earlier[0]} and {later[0]}: {gap}"
            for earlier, later in pairwise(found)
            for gap in statements.gaps(earlier[1], later[1])
        ],
    }
    if as_json:
        output.as_json(report)
    else:
        _show(report)
    if report["gaps"] or any(item["flaws"] for item in report["statements"]):
        raise typer.Exit(1)


def _checked(file: Path, statement: Json, keys: Keys) -> Json:
    period = statement["period"]
    return {
        "file": str(file),
        "account": statement["account"],
        "from": period.get("from"),
        "to": period.get("to"),
        "lines": len(statement["lines"]),
        "key_id": statement["signature"].get("key_id"),
        "flaws": list(statements.flaws(statement, keys)),
    }


def _statement(file: Path) -> Json:
    try:
        return statements.read(file.read_bytes())
    except OSError as flaw:
        raise Failure(f"Cannot read {file}: {flaw.strerror}.") from None
    except Failure as flaw:
        raise Failure(f"{file}: {flaw}.") from None


def _keys(source: str) -> Keys:
    try:
        content = _fetched(source) if "://" in source else Path(source).read_bytes()
        return statements.keys_of(json.loads(content))
    except OSError as flaw:
        raise Failure(f"Cannot read {source}: {flaw.strerror}.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as flaw:
        raise Failure(f"No keys from {source} ({flaw}): name a file with --keys.") from None
    except (ValueError, Failure):
        raise Failure(f"{source} has no public keys: name a JWK set with --keys.") from None


def _fetched(source: str) -> bytes:
    is_remote = httpx2.URL(source).host not in LOOPBACK
    with httpx2.Client(timeout=TIMEOUT_S, trust_env=is_remote) as client:
        answer = client.get(source)
        answer.raise_for_status()
        return answer.content


def _show(report: Json) -> None:
    for item in report["statements"]:
        flaws: Sequence[str] = item["flaws"]
        output.details(
            [
                ("statement", item["file"]),
                ("account", output.line(item["account"])),
                ("period (UTC)", f"{output.utc(item['from'])} to {output.utc(item['to'])}"),
                ("lines", output.grouped(item["lines"])),
                ("key", output.line(item["key_id"])),
                ("result", "failed" if flaws else "ok"),
            ]
        )
        for flaw in flaws:
            output.paragraph(f"  {output.clean(flaw)}")
    for gap in report["gaps"]:
        output.paragraph(f"do not follow one another: {output.clean(gap)}")
