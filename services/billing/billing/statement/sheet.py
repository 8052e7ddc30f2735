"""The statement as a table: one row for what it opens and closes with, for each line and each total, and its signature."""

from collections.abc import Iterator
from typing import Any, Final

from billing import tables
from billing.statement.document import Document

COLUMNS: Final = (
    *("record", "line", "created_at", "kind", "counterpart", "description", "amount"),
    *("balance_after", "id", "payment_id", "task_id", "key", "hash"),
)


def as_csv(document: Document) -> str:
    """Return a signed statement as CSV."""
    return tables.rows([COLUMNS, *(_cells(row) for row in _rows(document))])


def _rows(document: Document) -> Iterator[dict[str, Any]]:
    period, signature = document["period"], document["signature"]
    yield {
        "record": "statement",
        "created_at": document["issued_at"],
        "description": f"{period['from']}/{period['to']}",
        "id": document["account"],
        "key": document["issuer"],
    }
    yield {**_state(document["opening"]), "record": "opening", "created_at": period["from"]}
    for line in document["lines"]:
        yield {**line, "record": "line"}
    yield {**_state(document["closing"]), "record": "closing", "created_at": period["to"]}
    for kind, amount in document["totals"].items():
        yield {"record": "total", "kind": kind, "amount": amount}
    yield {
        "record": "signature",
        "kind": signature["algorithm"],
        "key": signature["key_id"],
        "hash": signature["value"],
    }


def _state(state: dict[str, Any]) -> dict[str, Any]:
    return {"line": state["line"], "balance_after": state["balance"], "hash": state["hash"]}


def _cells(row: dict[str, Any]) -> list[Any]:
    return [row.get(name) for name in COLUMNS]
