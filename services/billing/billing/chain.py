"""The chain: every line of an account carries a hash over itself and the hash of the line before.

What is hashed is the line as its owner sees it, with `previous`, as canonical JSON (RFC 8785): who holds a
statement checks it without us. It is said twice here: as billing writes it, and as the database proves it.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any, Final
from uuid import UUID

from billing.models import Posting
from shared.ids import public

MOMENT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


def genesis(user_id: UUID) -> bytes:
    """Return what stands before an account's first line: it tells whose lines they are."""
    return hashlib.sha256(public("usr", user_id).encode()).digest()


def moment(at: datetime) -> str:
    """Return a time as the chain spells it: UTC, to the microsecond."""
    return at.astimezone(UTC).strftime(MOMENT)


def link(previous: bytes, line: Mapping[str, Any], at: str) -> bytes:
    """Return the hash of a line that was written `at`, after the line of this hash."""
    text = (
        f'{{"amount":{line["amount"]},"balance_after":{line["balance_after"]}'
        f',"counterpart":"{line["counterpart"]}","created_at":"{at}"'
        f',"description":{encode_basestring(line["description"])},"id":"txn_{line["id"].hex}"'
        f',"key":{encode_basestring(line["key"])},"kind":"{line["kind"]}","line":{line["line"]}'
        f',"payment_id":{_id("pay", line["payment_id"])},"previous":"{previous.hex()}"'
        f',"task_id":{_id("task", line["task_id"])}}}'
    )
    return hashlib.sha256(text.encode()).digest()


def shown(posting: Posting) -> dict[str, Any]:
    """Return a line as its owner sees it: what is hashed, with `hash` in the place of `previous`."""
    payment_id, task_id = posting.payment_id, posting.task_id
    return {
        "amount": posting.amount,
        "balance_after": posting.balance_after,
        "counterpart": posting.counterpart,
        "created_at": moment(posting.created_at),
        "description": posting.description,
        "hash": posting.hash.hex(),
        "id": public("txn", posting.id),
        "key": posting.key,
        "kind": posting.kind,
        "line": posting.line,
        "payment_id": None if payment_id is None else public("pay", payment_id),
        "task_id": None if task_id is None else public("task", task_id),
    }


def _id(prefix: str, value: UUID | None) -> str:
    return "null" if value is None else f'"{prefix}_{value.hex}"'


def _shown(prefix: str, column: str) -> str:
    return f"'{prefix}_' || replace({column}::text, '-', '')"


def _shown_or_null(prefix: str, column: str) -> str:
    return f"""coalesce('"' || {_shown(prefix, column)} || '"', 'null')"""


def genesis_sql(user_id: str) -> str:
    """Return the SQL of `genesis` for a column."""
    return f"sha256(convert_to({_shown('usr', user_id)}, 'UTF8'))"


def link_sql(line: str, previous: str) -> str:
    """Return the SQL of `link` for a row of postings and the hash before it."""
    return f"""sha256(convert_to(
        '{{"amount":' || {line}.amount || ',"balance_after":' || {line}.balance_after
        || ',"counterpart":"' || {line}.counterpart || '","created_at":"'
        || to_char({line}.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","description":' || to_json({line}.description)::text
        || ',"id":"' || {_shown("txn", f"{line}.id")} || '","key":' || to_json({line}.key)::text
        || ',"kind":"' || {line}.kind || '","line":' || {line}.line
        || ',"payment_id":' || {_shown_or_null("pay", f"{line}.payment_id")}
        || ',"previous":"' || encode({previous}, 'hex') || '","task_id":'
        || {_shown_or_null("task", f"{line}.task_id")} || '}}', 'UTF8'))"""
