"""The proof that the books balance, walked slowly: every rule on a slice of its table at a time, for ever.

`proof.prove` reads all of the ledger at once, which is for tests and for small books. Here each rule is asked
of a row and what hangs on it by an index, so a slice costs the same however long the ledger has become. The
table `proofs` remembers how far each walk has come and what it found: it survives restarts, and replicas
share the walks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import TextClause, select, text

from billing.chain import genesis_sql, link_sql
from billing.models import Proof
from shared.db import Tx

log = structlog.get_logger()

SLICE: Final = 1_000
PACE: Final = timedelta(seconds=1)
REST: Final = timedelta(minutes=10)
START: Final = UUID(int=0)

# The hash before that of a line `r`.
PREVIOUS: Final = (
    "CASE WHEN r.line = 1"  # noqa: S608 - our own words
    f" THEN (SELECT {genesis_sql('user_id')} FROM accounts WHERE id = r.account_id)"
    " ELSE (SELECT hash FROM postings WHERE account_id = r.account_id AND line = r.line - 1) END"
)
# By table and rule: what a row `r` is that breaks it.
BROKEN: Final[Mapping[str, Mapping[str, str]]] = {
    "accounts": {
        "a balance is what the last line left": "EXISTS (SELECT FROM postings WHERE account_id = r.id"
        " AND line > r.line) OR r.balance <> coalesce((SELECT balance_after FROM postings"
        " WHERE account_id = r.id AND line = r.line), CASE WHEN r.line = 0 THEN 0 ELSE -1 END)",
        "what is reserved is the sum of the open holds": "r.reserved <> (SELECT"
        " coalesce(sum(amount), 0) FROM holds WHERE account_id = r.id AND settled_at IS NULL)",
        "a balance is the sum of what its lots have left": "r.balance <> (SELECT"
        " coalesce(sum(remaining), 0) FROM lots WHERE account_id = r.id AND remaining > 0)",
        "what is paused is what paused lots have left": "r.paused_remaining <> (SELECT"
        " coalesce(sum(remaining), 0) FROM lots"
        " WHERE account_id = r.id AND remaining > 0 AND is_paused)",
        "what is owed is the sum of the open debts": "r.debt <> (SELECT"
        " coalesce(sum(amount - repaid - forgiven), 0) FROM debts"
        " WHERE account_id = r.id AND amount > repaid + forgiven)",
        "an account's hash is that of its last line": "r.hash IS DISTINCT FROM"
        " (SELECT hash FROM postings WHERE account_id = r.id AND line = r.line)",
    },
    "postings": {
        "each line follows from the one before": "r.balance_after - r.amount IS DISTINCT FROM"
        " CASE WHEN r.line = 1 THEN 0 ELSE (SELECT balance_after FROM postings"
        " WHERE account_id = r.account_id AND line = r.line - 1) END",
        "what a posting took is what its lots gave": "r.amount < 0 AND -r.amount <> (SELECT"
        " coalesce(sum(amount), 0) FROM lot_uses WHERE posting_id = r.id)",
        "what came in is a lot, and nothing else is": "(SELECT amount FROM lots WHERE id = r.id"
        " AND account_id = r.account_id AND payment_id IS NOT DISTINCT FROM r.payment_id)"
        " IS DISTINCT FROM CASE WHEN r.amount > 0 THEN r.amount END",
        "each line's hash is over it and the line before": "r.hash IS DISTINCT FROM "
        + link_sql("r", PREVIOUS),
    },
    "lots": {
        "what a lot lost is what was spent from it": "r.amount - r.remaining <> (SELECT"
        " coalesce(sum(amount), 0) FROM lot_uses WHERE lot_id = r.id)",
    },
    "holds": {
        "what was captured was posted": "r.captured <> (SELECT coalesce(-sum(amount), 0)"
        " FROM postings WHERE key = 'capture:' || r.id::text)",
    },
    "payments": {
        "a granted payment was posted once, for its credits": "(SELECT array_agg(amount)"
        " FROM postings WHERE payment_id = r.id AND kind = 'purchase') IS DISTINCT FROM"
        " CASE WHEN r.status = 'granted' AND r.stripe_invoice_id IS NULL THEN ARRAY[r.credits] END",
        "a paid invoice brings what its plan's grants are": "r.stripe_invoice_id IS NOT NULL AND"
        " r.credits <> (SELECT coalesce(sum(amount), 0) FROM plan_grants WHERE payment_id = r.id)",
        "what was forgiven is what was not given back": "(SELECT coalesce(sum(forgiven), 0)"
        " FROM debts WHERE payment_id = r.id) <> (SELECT coalesce(sum(amount - moved), 0)"
        " FROM reversals WHERE payment_id = r.id AND kind = 'reinstatement')",
    },
    "plan_grants": {
        "a plan's grant was posted once it was granted": "(SELECT (r.status, amount, payment_id, kind)"
        " FROM postings WHERE key = r.key) IS DISTINCT FROM CASE WHEN r.status = 'granted'"
        " THEN (r.status, r.amount, r.payment_id, 'subscription'::text) END",
    },
    "reversals": {
        "what is taken back of a payment follows from before": "r.revoked_after IS DISTINCT FROM"
        " CASE r.kind WHEN 'reinstatement' THEN -r.amount ELSE r.amount END"
        " + CASE WHEN r.number = 1 THEN 0 ELSE (SELECT revoked_after FROM reversals"
        " WHERE payment_id = r.payment_id AND number = r.number - 1) END"
        " OR r.credits <> (SELECT credits FROM payments WHERE id = r.payment_id)",
        "what a reversal moved was posted": "r.moved <> (SELECT coalesce(sum(abs(amount)), 0)"
        " FROM postings WHERE id = r.id AND key = r.key)",
        "what could not be taken back is owed": "r.kind <> 'reinstatement' AND r.amount - r.moved"
        " <> (SELECT coalesce(sum(amount), 0) FROM debts WHERE id = r.id)",
    },
    "debts": {
        "what was repaid of a debt was posted": "r.repaid <> (SELECT coalesce(-sum(amount), 0)"
        " FROM postings WHERE key IN (SELECT 'repay:' || r.id::text || ':' || n"
        " FROM generate_series(1, r.repaid_count) AS n))",
    },
    "usages": {
        "what was used was captured": "NOT EXISTS (SELECT FROM postings WHERE id = r.id"
        " AND account_id = r.account_id AND amount = -r.amount AND kind = 'capture')",
    },
}
RULES: Final = tuple(rule for rules in BROKEN.values() for rule in rules)


async def step(tx: Tx) -> bool:
    """Prove the next slice of the walk that is due longest; tell whether one was due."""
    walk = await _due(tx)
    if walk is None:
        return False
    now = await tx.now()
    last, seen, found = await _prove_slice(tx, walk.subject, walk.position)
    if found:
        log.error("ledger_broken", table=walk.subject, after=str(walk.position), rules=found)
    walk.found = {rule: walk.found.get(rule, 0) + found.get(rule, 0) for rule in walk.found | found}
    if seen < SLICE:
        _finish(walk, now)
    else:
        walk.position, walk.due_at = last, now + PACE
    return True


async def broken(tx: Tx) -> dict[str, int]:
    """Return how often each rule is broken, by the last whole walk or by the present one if that found more."""
    worst: dict[str, int] = {}
    for walk in await _walks(tx):
        for rule in walk.broken | walk.found:
            worst[rule] = max(walk.broken.get(rule, 0), walk.found.get(rule, 0))
    return worst


async def age_s(tx: Tx) -> float:
    """Return how long ago the walk ended, or first began, that is the furthest behind."""
    now = await tx.now()
    moments = [walk.finished_at or walk.began_at for walk in await _walks(tx)]
    return max(((now - moment).total_seconds() for moment in moments), default=0.0)


async def _due(tx: Tx) -> Proof | None:
    due = select(Proof).where(Proof.due_at <= await tx.now()).order_by(Proof.due_at).limit(1)
    return await tx.scalar(due.with_for_update(skip_locked=True))


async def _walks(tx: Tx) -> Sequence[Proof]:
    return await tx.scalars(select(Proof))


async def _prove_slice(tx: Tx, table: str, after: UUID) -> tuple[UUID, int, dict[str, int]]:
    """Return the last row of a slice, how many it had, and how often each rule is broken in it."""
    row = (await tx.execute(_statement(table), {"after": after, "size": SLICE})).one()
    found = {rule: row[2 + place] for place, rule in enumerate(BROKEN[table])}
    return row.last or after, row.seen, {rule: count for rule, count in found.items() if count}


def _statement(table: str) -> TextClause:
    counts = ", ".join(f"count(*) FILTER (WHERE {rule})" for rule in BROKEN[table].values())
    return text(
        f"SELECT (array_agg(r.id ORDER BY r.id DESC))[1] AS last, count(*) AS seen, {counts}"  # noqa: S608 - our own words
        f" FROM (SELECT * FROM {table} WHERE id > :after ORDER BY id LIMIT :size) AS r"
    )


def _finish(walk: Proof, now: datetime) -> None:
    walk.broken, walk.found = walk.found, {}
    walk.covers_at = walk.began_at
    walk.position, walk.finished_at, walk.due_at = START, now, now + REST
    walk.began_at = walk.due_at
