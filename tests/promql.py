"""As much of Prometheus' language as tells which metrics an expression reads."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

OBSERVABILITY = Path(__file__).parents[1] / "deploy" / "observability"
ALERTS = OBSERVABILITY / "alerts.yml"
DASHBOARD = OBSERVABILITY / "dashboard.json"
OF_PROMETHEUS = {"up"}

TOKEN = re.compile(
    r"""
    (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<matchers>\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})
    | (?P<range>\[[^\]]*\])
    | (?P<labels>\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\))
    | (?P<word>[a-zA-Z_:][\w:]*)(?P<called>\s*\()?
    | (?P<number>\d[\w.]*)
    | (?P<sign>[-+*/%^()<>=!,~]|\s+)
    """,
    re.VERBOSE,
)
OPERATORS = {"and", "or", "unless", "bool", "offset", "by", "without"}
AGGREGATIONS = {"sum", "max", "min", "avg", "count", "topk", "bottomk", "quantile"}


def metrics_in(expression: str) -> set[str]:
    """Return the names of the metrics that an expression reads; fail where it cannot be read."""
    found, place = set(), 0
    while place < len(expression):
        token = TOKEN.match(expression, place)
        assert token, f"not understood: {expression[place:]!r} in {expression!r}"
        word = token["word"]
        if word and not token["called"] and word not in OPERATORS | AGGREGATIONS:
            found.add(word)
        place = token.end()
    assert found, expression
    return found


def alerts() -> list[dict[str, Any]]:
    """Return every alert of the rule file."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions(dashboard: Any) -> Iterator[str]:
    """Yield every expression of a dashboard, with its variables filled in."""
    if isinstance(dashboard, dict):
        for name, value in dashboard.items():
            if name == "expr":
                yield value.replace("$service", ".*").replace("$__rate_interval", "1m")
            else:
                yield from expressions(value)
    elif isinstance(dashboard, list):
        for value in dashboard:
            yield from expressions(value)
