"""`impacter doctor`: every link, one line each, the broken ones with what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from impacter import output
from impacter.api import public_api
from impacter.doctor import metrics, product
from impacter.doctor.findings import Finding, State, broken, skipped
from impacter.failures import Misuse

STYLES = {State.OK: "green", State.BROKEN: "bold red", State.SKIPPED: "dim"}


def examine(url: str | None, *, is_json: bool) -> None:
    """Show how every link is; end with exit code 1 when one is broken."""
    findings = [*_of_the_product(url), *_of_the_settings()]
    is_well = all(finding.state is not State.BROKEN for finding in findings)
    if is_json:
        output.as_json({"is_well": is_well, "checks": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
    if not is_well:
        raise typer.Exit(1)


def _of_the_product(url: str | None) -> Iterator[Finding]:
    try:
        with public_api(url) as api:
            findings = product.check(api)
    except Misuse as flaw:
        if url:
            raise
        why, _, to_do = str(flaw).partition(": ")
        yield broken("product", why, to_do)
        return
    yield from findings
    if findings[0].state is not State.BROKEN:
        yield from metrics.check(url)


def _of_the_settings() -> Iterable[Finding]:
    try:
        from impacter.doctor import inside  # noqa: PLC0415 - where it is not installed, HTTP is enough
    except ModuleNotFoundError as missing:
        why = f"the services' code is not installed here (no {missing.name})"
        return [skipped("settings", why, "run it where the services run to have them looked at")]
    return inside.findings()


def _show(findings: list[Finding]) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        state = Text(finding.state, style=STYLES[finding.state])
        words = ". To do: ".join(part.rstrip(".") for part in (finding.why, finding.to_do) if part)
        grid.add_row(state, output.line(finding.what), output.clean(words))
    output.show(grid)
    count = sum(finding.state is State.BROKEN for finding in findings)
    links = sum(finding.state is not State.SKIPPED for finding in findings)
    verb = "is" if count == 1 else "are"
    output.paragraph(
        f"\n{count} of {links} links {verb} broken." if count else f"\nAll {links} links hold."
    )
