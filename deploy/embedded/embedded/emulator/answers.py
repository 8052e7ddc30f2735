"""Idempotency keys as Stripe keeps them: the same key and request get the same answer, for a day."""

import json
from dataclasses import dataclass

from embedded.emulator.errors import KeyReused
from embedded.emulator.store import Body, Tables

KEPT_S = 24 * 3600
KEY_MAX = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request."""

    status: int
    body: Body
    request: str
    is_replayed: bool = False


def find(tables: Tables, key: str, asked: str, now: float) -> Answer | None:
    """Return the answer that this key got; refuse the key where it was used to ask for something else."""
    row = tables.execute("SELECT * FROM answers WHERE key = ?", (key,)).fetchone()
    if row is None or row["at"] < now - KEPT_S:
        return None
    if row["asked"] != asked:
        raise _reused(key, row["asked"], asked)
    return Answer(row["status"], json.loads(row["body"]), row["request"], is_replayed=True)


def keep(tables: Tables, key: str, asked: str, answer: Answer, now: float) -> None:
    """Keep an answer for whoever comes with the same key, and forget those of yesterday."""
    tables.execute("DELETE FROM answers WHERE at < ?", (now - KEPT_S,))
    tables.execute(
        "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
        (key, asked, answer.status, json.dumps(answer.body), answer.request, now),
    )


def _reused(key: str, first: str, now: str) -> KeyReused:
    first_path, now_path = first.partition("\n")[0], now.partition("\n")[0]
    if first_path != now_path:
        message = (
            f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{now_path}' vs '{first_path}'). Try using a key other than '{key}' if you meant to execute a different request."
        )
        return KeyReused(message)
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return KeyReused(message)
