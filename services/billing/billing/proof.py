"""The proof that the books balance: every rule of the ledger as a query that must find nothing."""

from sqlalchemy import TextClause, text

from shared.db import Tx

RULES: dict[str, TextClause] = {
    "a balance is the sum of its postings": text(
        "SELECT a.id FROM accounts a LEFT JOIN postings p ON p.account_id = a.id"
        " GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)"
    ),
    "what is reserved is the sum of the open holds": text(
        "SELECT a.id FROM accounts a LEFT JOIN holds h"
        " ON h.account_id = a.id AND h.settled_at IS NULL"
        " GROUP BY a.id HAVING a.reserved <> coalesce(sum(h.amount), 0)"
    ),
    "a balance is the sum of what its lots have left": text(
        "SELECT a.id FROM accounts a LEFT JOIN lots l ON l.account_id = a.id"
        " GROUP BY a.id HAVING a.balance <> coalesce(sum(l.remaining), 0)"
    ),
    "each line follows from the one before": text(
        "SELECT id FROM (SELECT id, line, amount, balance_after,"
        " lag(line, 1, 0::bigint) OVER w AS line_before,"
        " lag(balance_after, 1, 0::bigint) OVER w AS balance_before"
        " FROM postings WINDOW w AS (PARTITION BY account_id ORDER BY line)) AS lines"
        " WHERE line <> line_before + 1 OR balance_after <> balance_before + amount"
    ),
    "what a lot lost is what was spent from it": text(
        "SELECT l.id FROM lots l LEFT JOIN lot_uses u ON u.lot_id = l.id"
        " GROUP BY l.id HAVING l.amount - l.remaining <> coalesce(sum(u.amount), 0)"
    ),
    "what a posting took is what its lots gave": text(
        "SELECT p.id FROM postings p LEFT JOIN lot_uses u ON u.posting_id = p.id"
        " WHERE p.amount < 0 GROUP BY p.id HAVING -p.amount <> coalesce(sum(u.amount), 0)"
    ),
    "what was captured was posted": text(
        "SELECT h.id FROM holds h LEFT JOIN postings p ON p.key = 'capture:' || h.id::text"
        " WHERE h.captured <> coalesce(-p.amount, 0)"
    ),
    "a granted payment was posted once, for its credits": text(
        "SELECT m.id FROM payments m LEFT JOIN postings p ON p.payment_id = m.id"
        " AND p.kind = 'purchase' GROUP BY m.id"
        " HAVING (m.status = 'granted' AND (count(p.id) <> 1 OR sum(p.amount) <> m.credits))"
        " OR (m.status <> 'granted' AND count(p.id) > 0)"
    ),
    "the sum over all accounts is zero": text(
        "SELECT 1 WHERE (SELECT coalesce(sum(balance), 0) FROM accounts)"
        " <> (SELECT coalesce(sum(amount), 0) FROM postings)"
    ),
}


async def prove(tx: Tx) -> dict[str, int]:
    """Return for each broken rule how often it is broken; an empty answer is the proof."""
    broken = {}
    for rule, query in RULES.items():
        found = len((await tx.execute(query)).all())
        if found:
            broken[rule] = found
    return broken
