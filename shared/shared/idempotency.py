"""Idempotency keys: one answer for one key, however often the request comes.

A key is its caller's own, lives with the route, and is remembered for 35 days (`shared.pruning`). The claim, the
work and the answer are one transaction; a request that was refused leaves its key free. The same key with another
body is a conflict.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import DateTime, LargeBinary, SmallInteger, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from shared.db import Tx
from shared.errors import Conflict


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells requests apart: who asks where under which key, and the SHA-256 of what is asked."""

    caller: str
    route: str
    key: str
    request_hash: bytes

    @property
    def place(self) -> tuple[str, str, str]:
        """Where the answer is kept."""
        return (self.caller, self.route, self.key)


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the body of an answer, and whether it was given before."""

    status: int
    body: bytes
    is_replay: bool = False


Outcome: TypeAlias = Answer | Exception
Work: TypeAlias = Callable[[Sequence[int]], Awaitable[Sequence[Outcome]]]

PLACES = "unnest(:callers, :routes, :keys) AS place (caller, route, key)"


def _statement(sql: str) -> TextClause:
    """Return the statement with the types of those parameters that it has."""
    types: dict[str, TypeEngine[Any]] = {
        "callers": ARRAY(Text),
        "routes": ARRAY(Text),
        "keys": ARRAY(Text),
        "hashes": ARRAY(LargeBinary),
        "statuses": ARRAY(SmallInteger),
        "bodies": ARRAY(LargeBinary),
        "now": DateTime(timezone=True),
    }
    return text(sql).bindparams(
        *(bindparam(name, type_=kind) for name, kind in types.items() if f":{name}" in sql)
    )


# In one order for all, so that no two transactions wait for each other's keys.
CLAIM = _statement("""
    INSERT INTO idempotency_keys (caller, route, key, request_hash, created_at)
    SELECT caller, route, key, request_hash, coalesce(:now, now())
    FROM unnest(:callers, :routes, :keys, :hashes) AS mark (caller, route, key, request_hash)
    ORDER BY caller, route, key
    ON CONFLICT DO NOTHING RETURNING caller, route, key, created_at
""")
RECALL = _statement(f"""
    SELECT caller, route, key, request_hash, status, body
    FROM idempotency_keys JOIN {PLACES} USING (caller, route, key)
""")  # noqa: S608 - no value is in it
REMEMBER = _statement("""
    UPDATE idempotency_keys AS kept SET status = answer.status, body = answer.body
    FROM unnest(:callers, :routes, :keys, :statuses, :bodies)
        AS answer (caller, route, key, status, body)
    WHERE (kept.caller, kept.route, kept.key) = (answer.caller, answer.route, answer.key)
""")
FORGET = _statement(f"""
    DELETE FROM idempotency_keys AS kept USING {PLACES}
    WHERE (kept.caller, kept.route, kept.key) = (place.caller, place.route, place.key)
""")  # noqa: S608 - no value is in it


async def once_each(tx: Tx, marks: Sequence[Mark | None], work: Work) -> list[Outcome]:
    """Return the outcome of each request: of the work, or as it was answered under the same key before.

    `work` is given the positions of those to be done and returns their outcomes. A request without a mark is
    always done.
    """
    mine = await _claim(tx, marks)
    to_do = [place for place, mark in enumerate(marks) if mark is None or mine.get(mark) == place]
    done = dict(zip(to_do, await work(to_do), strict=True))
    await _remember(tx, {mark: done[place] for mark, place in mine.items()})
    repeated = [mark for place, mark in enumerate(marks) if mark is not None and place not in done]
    known = await _recall(tx, repeated) if repeated else {}
    return [
        done[place] if mark is None or place in done else _again(mark, known, done, mine)
        for place, mark in enumerate(marks)
    ]


async def _claim(tx: Tx, marks: Sequence[Mark | None]) -> dict[Mark, int]:
    """Claim the keys; return the position of the first request under each that nobody had before."""
    first: dict[tuple[str, str, str], tuple[Mark, int]] = {}
    for place, mark in enumerate(marks):
        if mark is not None:
            first.setdefault(mark.place, (mark, place))
    if not first:
        return {}
    wanted = [mark for mark, _ in first.values()]
    rows = {**_places(wanted), "hashes": [mark.request_hash for mark in wanted]}
    claimed = (await tx.execute(CLAIM, rows | {"now": tx.now_if_known})).all()
    if claimed:
        tx.learn_now(claimed[0].created_at)
    return dict(first[(row.caller, row.route, row.key)] for row in claimed)


async def _remember(tx: Tx, outcomes: Mapping[Mark, Outcome]) -> None:
    """Keep the answers; free the keys of what was refused."""
    given = {mark: item for mark, item in outcomes.items() if isinstance(item, Answer)}
    refused = [mark for mark in outcomes if mark not in given]
    if given:
        answers = {
            "statuses": [item.status for item in given.values()],
            "bodies": [item.body for item in given.values()],
        }
        await tx.execute(REMEMBER, {**_places(list(given)), **answers})
    if refused:
        await tx.execute(FORGET, _places(refused))


async def _recall(
    tx: Tx, marks: Sequence[Mark]
) -> dict[tuple[str, str, str], tuple[bytes, Answer]]:
    rows = await tx.execute(RECALL, _places(marks))
    return {
        (row.caller, row.route, row.key): (
            bytes(row.request_hash),
            Answer(row.status, bytes(row.body), is_replay=True),
        )
        for row in rows
    }


def _again(
    mark: Mark,
    known: Mapping[tuple[str, str, str], tuple[bytes, Answer]],
    done: Mapping[int, Outcome],
    mine: Mapping[Mark, int],
) -> Outcome:
    """Return what the same key was answered before, in this group or in another."""
    if mark.place not in known:  # the first one in this group was refused, and so is this one
        forgotten = Conflict(
            "This Idempotency-Key has just been forgotten. Send the request again."
        )
        refusals = (done[place] for first, place in mine.items() if first.place == mark.place)
        return next(refusals, forgotten)
    request_hash, answer = known[mark.place]
    if not hmac.compare_digest(request_hash, mark.request_hash):
        return Conflict("This Idempotency-Key was used with another request.")
    return answer


def _places(marks: Sequence[Mark]) -> dict[str, list[str]]:
    return {
        "callers": [mark.caller for mark in marks],
        "routes": [mark.route for mark in marks],
        "keys": [mark.key for mark in marks],
    }
