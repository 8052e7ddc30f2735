"""The proof that the books balance: every rule of the ledger as a query that must find nothing."""

from sqlalchemy import TextClause, text

from billing.chain import genesis_sql, link_sql
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
        " HAVING (m.status = 'granted' AND m.stripe_invoice_id IS NULL"
        " AND (count(p.id) <> 1 OR sum(p.amount) <> m.credits))"
        " OR ((m.status <> 'granted' OR m.stripe_invoice_id IS NOT NULL) AND count(p.id) > 0)"
    ),
    "a paid invoice brings what its plan's grants are": text(
        "SELECT m.id FROM payments m LEFT JOIN plan_grants g ON g.payment_id = m.id"
        " WHERE m.stripe_invoice_id IS NOT NULL GROUP BY m.id"
        " HAVING m.credits <> coalesce(sum(g.amount), 0)"
    ),
    "a plan's grant was posted once it was granted": text(
        "SELECT g.id FROM plan_grants g LEFT JOIN postings p ON p.key = g.key"
        " WHERE (g.status = 'granted') IS DISTINCT FROM"
        " (p.amount = g.amount AND p.payment_id = g.payment_id AND p.kind = 'subscription')"
        " AND (g.status = 'granted' OR p.id IS NOT NULL)"
    ),
    "what came in is a lot, and nothing else is": text(
        "SELECT p.id FROM postings p LEFT JOIN lots l ON l.id = p.id"
        " AND l.account_id = p.account_id AND l.payment_id IS NOT DISTINCT FROM p.payment_id"
        " WHERE l.amount IS DISTINCT FROM CASE WHEN p.amount > 0 THEN p.amount END"
    ),
    "what is paused is what paused lots have left": text(
        "SELECT a.id FROM accounts a LEFT JOIN lots l ON l.account_id = a.id AND l.is_paused"
        " GROUP BY a.id HAVING a.paused_remaining <> coalesce(sum(l.remaining), 0)"
    ),
    "what is owed is the sum of the open debts": text(
        "SELECT a.id FROM accounts a LEFT JOIN debts d ON d.account_id = a.id"
        " GROUP BY a.id HAVING a.debt <> coalesce(sum(d.amount - d.repaid - d.forgiven), 0)"
    ),
    "what is taken back of a payment follows from before": text(
        "SELECT id FROM (SELECT r.*, m.credits AS paid_for, lag(number, 1, 0::bigint) OVER w"
        " AS number_before, lag(revoked_after, 1, 0::bigint) OVER w AS before"
        " FROM reversals r JOIN payments m ON m.id = r.payment_id"
        " WINDOW w AS (PARTITION BY payment_id ORDER BY number)) AS steps"
        " WHERE number <> number_before + 1 OR credits <> paid_for OR revoked_after <>"
        " before + CASE kind WHEN 'reinstatement' THEN -amount ELSE amount END"
    ),
    "what a reversal moved was posted": text(
        "SELECT r.id FROM reversals r LEFT JOIN postings p ON p.id = r.id AND p.key = r.key"
        " WHERE r.moved <> coalesce(abs(p.amount), 0)"
    ),
    "what could not be taken back is owed": text(
        "SELECT r.id FROM reversals r LEFT JOIN debts d ON d.id = r.id"
        " WHERE r.kind <> 'reinstatement' AND r.amount - r.moved <> coalesce(d.amount, 0)"
    ),
    "what was repaid of a debt was posted": text(
        "SELECT d.id FROM debts d LEFT JOIN LATERAL generate_series(1, d.repaid_count) n ON true"
        " LEFT JOIN postings p ON p.key = 'repay:' || d.id::text || ':' || n"
        " GROUP BY d.id HAVING d.repaid <> coalesce(-sum(p.amount), 0)"
    ),
    "what was forgiven is what was not given back": text(
        "SELECT m.id FROM payments m"
        " LEFT JOIN (SELECT payment_id, sum(forgiven) AS forgiven FROM debts GROUP BY 1) d"
        " ON d.payment_id = m.id LEFT JOIN (SELECT payment_id, sum(amount - moved) AS rest"
        " FROM reversals WHERE kind = 'reinstatement' GROUP BY 1) r ON r.payment_id = m.id"
        " WHERE coalesce(d.forgiven, 0) <> coalesce(r.rest, 0)"
    ),
    "what was used was captured": text(
        "SELECT u.id FROM usages u JOIN postings p ON p.id = u.id"
        " WHERE u.amount <> -p.amount OR p.kind <> 'capture' OR u.account_id <> p.account_id"
    ),
    "each line's hash is over it and the line before": text(
        "SELECT id FROM (SELECT p.*, coalesce(lag(p.hash) OVER w,"  # noqa: S608 - our own words
        f" {genesis_sql('a.user_id')}) AS previous FROM postings p"
        " JOIN accounts a ON a.id = p.account_id"
        " WINDOW w AS (PARTITION BY p.account_id ORDER BY p.line)) AS r"
        f" WHERE hash IS DISTINCT FROM {link_sql('r', 'r.previous')}"
    ),
    "an account's hash is that of its last line": text(
        "SELECT a.id FROM accounts a LEFT JOIN postings p"
        " ON p.account_id = a.id AND p.line = a.line WHERE a.hash IS DISTINCT FROM p.hash"
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
