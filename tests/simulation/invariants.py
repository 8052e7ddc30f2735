"""What must be true after every commit, and what must have come true when a world is at rest."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import shared.contracts  # noqa: F401 - fills the catalog
from billing.proof import RULES
from shared.events import CATALOG
from shared.ids import public
from tests.simulation.broker import Broker
from tests.simulation.outside import Post, Store
from tests.simulation.postgres import SCHEMAS
from tests.simulation.services import PENDING_S_MAX
from tests.simulation.world import EPOCH, World

NOTHING = "SELECT NULL::text WHERE false"
PROOF_EVERY = 50

# What a service's own rules and the promises between services say of committed rows: queries that find nothing.
BROKEN = {
    "billing": """
        SELECT 'reserved is not the sum of the open holds' FROM billing.accounts a
        WHERE reserved <> (SELECT coalesce(sum(amount), 0) FROM billing.holds h
                           WHERE h.account_id = a.id AND settled_at IS NULL)
        UNION ALL
        SELECT 'a balance is not the sum of its postings' FROM billing.accounts a
        WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM billing.postings p
                          WHERE p.account_id = a.id)
        UNION ALL
        SELECT 'more is reserved or spent than there is' FROM billing.accounts
        WHERE reserved < 0 OR balance < reserved
        UNION ALL
        SELECT 'a payment was granted twice: ' || payment_id FROM billing.postings
        WHERE kind = 'purchase' GROUP BY payment_id HAVING count(*) > 1
        UNION ALL
        SELECT 'a session was granted twice: ' || split_part(stripe_checkout_session_id, '/', 1)
        FROM billing.payments WHERE status = 'granted' AND stripe_checkout_session_id IS NOT NULL
        GROUP BY split_part(stripe_checkout_session_id, '/', 1) HAVING count(*) > 1
        UNION ALL
        SELECT 'a task was charged twice: ' || task_id FROM billing.postings
        WHERE task_id IS NOT NULL GROUP BY task_id HAVING count(*) > 1
        UNION ALL
        SELECT 'work that was not delivered was charged: ' || h.task_id FROM billing.holds h
        LEFT JOIN agent_runner.runs r ON r.task_id = h.task_id
        WHERE h.captured > 0 AND r.outcome IS DISTINCT FROM 'succeeded'
        UNION ALL
        SELECT 'a hold ended before its run: ' || h.task_id FROM billing.holds h
        LEFT JOIN agent_runner.runs r ON r.task_id = h.task_id
        WHERE h.settled_at IS NOT NULL AND r.state IS DISTINCT FROM 'finished'
          AND NOT EXISTS (SELECT FROM agent_runner.tombstones t WHERE t.task_id = h.task_id)
    """,
    "agent_runner": """
        SELECT 'a run without an open hold that covers it: ' || r.task_id FROM agent_runner.runs r
        LEFT JOIN billing.holds h ON h.task_id = r.task_id
        WHERE r.state <> 'finished'
          AND (h.id IS NULL OR h.settled_at IS NOT NULL OR h.amount <> r.hold_amount)
        UNION ALL
        SELECT 'a run of a task that had ended before: ' || r.task_id FROM agent_runner.runs r
        JOIN agent_runner.tombstones t ON t.task_id = r.task_id
        WHERE r.outcome IS DISTINCT FROM t.outcome
    """,
    "auth": """
        SELECT 'two accounts of one address: ' || lower(email) FROM auth.users
        GROUP BY lower(email) HAVING count(*) > 1
    """,
    "notifier": NOTHING,
    "tasks": NOTHING,
}

# What never changes once it is there: a mark, and what is said of it.
FINAL = {
    "billing": """
        SELECT 'hold ' || task_id, captured || '+' || released FROM billing.holds
        WHERE settled_at IS NOT NULL
        UNION ALL
        SELECT 'payment ' || id, credits || ' to ' || user_id FROM billing.payments
        WHERE status = 'granted'
    """,
    "agent_runner": """
        SELECT 'run ' || task_id, outcome || ' in attempt ' || attempt FROM agent_runner.runs
        WHERE state = 'finished'
    """,
    "tasks": """
        SELECT 'task ' || id, status FROM tasks.tasks
        WHERE status IN ('completed', 'failed', 'cancelled', 'timed_out', 'rejected')
    """,
    "auth": "SELECT 'user ' || id, email FROM auth.users",
    "notifier": "SELECT 'mail ' || cause, 'sent' FROM notifier.messages WHERE state = 'sent'",
}

# When the next thing becomes due without anybody doing anything.
DUE = {
    "agent_runner": """
        (SELECT min(available_at) FROM agent_runner.runs WHERE state = 'waiting'),
        (SELECT min(least(lease_until, deadline_at)) FROM agent_runner.runs
         WHERE state <> 'finished')
    """,
    "notifier": """
        (SELECT min(m.next_attempt_at) FROM notifier.messages m
         LEFT JOIN notifier.contacts c ON c.user_id = m.user_id
         WHERE m.state = 'queued' AND coalesce(m.to_address, c.email) IS NOT NULL),
        (SELECT min(lease_ends_at) FROM notifier.messages WHERE state = 'sending')
    """,
    "auth": "NULL",
    "billing": """
        (SELECT min(identify_at) FROM billing.payments WHERE status = 'arrived'),
        (SELECT min(ask_at) FROM billing.subscriptions WHERE ask_at IS NOT NULL),
        (SELECT min(make_at) FROM billing.refund_requests WHERE status = 'approved'),
        (SELECT min(match_at) FROM billing.refunds
         WHERE payment_id IS NULL AND match_at IS NOT NULL),
        (SELECT min(due_at) FROM billing.chores)
    """,
    "tasks": f"""
        (SELECT min(updated_at) + interval '{PENDING_S_MAX} seconds' FROM tasks.tasks
         WHERE status = 'pending')
    """,
}


def _look(schema: str) -> str:
    return f"""
        SELECT ARRAY({BROKEN[schema]}) AS broken,
               ARRAY(SELECT mark || '|' || said FROM ({FINAL[schema]}) AS f (mark, said)) AS final,
               ARRAY(SELECT (headers ->> 'ce-id') || ' ' || name FROM {schema}.outbox) AS events,
               least((SELECT min(retry_at) FROM {schema}.outbox),
                     (SELECT min(retry_at) FROM {schema}.parked WHERE state IN ('retrying', 'attempting')),
                     {DUE[schema]}) AS due_at
    """


LOOKS = {schema: _look(schema) for schema in SCHEMAS.values()}
PENDING_EVERYWHERE = """
    SELECT '{0}: ' || name || ' waits in the outbox' FROM {0}.outbox
    UNION ALL
    SELECT '{0}: ' || name || ' is ' || state || ': ' || reason FROM {0}.parked
    WHERE state NOT IN ('done', 'discarded')
    UNION ALL
"""
PENDING = (
    "".join(PENDING_EVERYWHERE.format(schema) for schema in SCHEMAS.values())
    + """
    SELECT 'the run of ' || task_id || ' is ' || state FROM agent_runner.runs
    WHERE state <> 'finished'
    UNION ALL
    SELECT 'the task ' || id || ' is ' || status FROM tasks.tasks
    WHERE status IN ('pending', 'queued', 'running')
    UNION ALL
    SELECT 'the hold of ' || task_id || ' is open' FROM billing.holds WHERE settled_at IS NULL
    UNION ALL
    SELECT 'nobody knows what was bought with ' || id FROM billing.payments WHERE status = 'arrived'
    UNION ALL
    SELECT 'Stripe is to be asked of ' || id FROM billing.subscriptions
    WHERE ask_at IS NOT NULL OR status IN ('past_due', 'unpaid') AND paused_at IS NULL
    UNION ALL
    SELECT 'the credits are due of ' || g.key FROM billing.plan_grants g
    JOIN billing.payments m ON m.id = g.payment_id
    WHERE g.status = 'waiting' AND m.status = 'granted' AND g.due_at <= $1
    UNION ALL
    SELECT 'the refund ' || id || ' is to be made' FROM billing.refund_requests
    WHERE status = 'approved'
    UNION ALL
    SELECT 'the page ' || id || ' is to be ended' FROM billing.checkouts WHERE end_at IS NOT NULL
    UNION ALL
    SELECT 'Stripe is to be told of ' || user_id FROM billing.customers WHERE tell_at IS NOT NULL
    UNION ALL
    SELECT 'the mail ' || cause || ' is ' || state FROM notifier.messages
    WHERE state IN ('queued', 'sending')
"""
)


@dataclass(eq=False, slots=True)
class Expected:
    """What the people of a world were promised."""

    paid: dict[str, tuple[str, int]] = field(default_factory=dict)  # session: address, credits
    unpaid: set[str] = field(default_factory=set)
    accepted: dict[str, UUID] = field(default_factory=dict)  # idempotency key: task
    cancelled: set[UUID] = field(default_factory=set)
    stripe_events: set[str] = field(default_factory=set)  # answered with 2xx
    spent: dict[str, int] = field(default_factory=dict)  # transaction: credits


@dataclass(eq=False, slots=True)
class Seen:
    """What was committed so far: what never changes, and which events were published."""

    final: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)


class Watch:
    """Looks at a world after every commit, and when it is at rest."""

    def __init__(self, world: World, broker: Broker, post: Post, store: Store) -> None:
        self.expected = Expected()
        self.commit_count = 0
        self.seen = Seen()
        self._world = world
        self._broker = broker
        self._post = post
        self._store = store
        world.on_commit = self.at_commit

    def at_commit(self, schema: str) -> None:
        """Hold what a commit left against the rules."""
        self.commit_count += 1
        row = self._world.postgres.look(LOOKS[schema])[0]
        for sentence in row["broken"]:
            self._world.violate(sentence)
        for mark in row["events"]:
            event_id, _, name = mark.partition(" ")
            self.seen.published[event_id] = name
        for pair in row["final"]:
            mark, _, said = pair.partition("|")
            before = self.seen.final.setdefault(mark, said)
            if before != said:
                self._world.violate(f"{mark} was {before} and became {said}")
        due_at = row["due_at"]
        station = self._world.stations[schema]
        station.due_at = None if due_at is None else (due_at - EPOCH).total_seconds()
        if self.commit_count % PROOF_EVERY == 0:
            self.prove()

    def prove(self) -> None:
        """Let billing prove its books."""
        for rule, query in RULES.items():
            if self._world.postgres.look(str(query), schema="billing"):
                self._world.violate(f"the books say not: {rule}")

    def pending(self) -> list[str]:
        """Return what the world has not come to the end of."""
        waiting = [str(row[0]) for row in self._world.postgres.look(PENDING, self._world.now())]
        queues = [
            f"{entry} waits in the queue {queue}"
            for queue, entries in self._broker.queues.items()
            for entry in entries
        ]
        return [*waiting, *queues]

    def at_rest(self) -> None:
        """Hold a world that has come to rest against what was promised."""
        self.prove()
        self._events_had_their_effect()
        self._payments_were_granted()
        self._credits_were_spent_once()
        self._tasks_ended()
        self._mails_were_sent()
        self._customers_were_told_once()
        self._files_are_there()

    def excused(self) -> set[str]:
        """Return the addresses that a mail never reached: who has them may not have what needs a link."""
        failed = "SELECT to_address FROM notifier.messages WHERE state = 'failed'"
        return {row[0] for row in self._look(failed)}

    def _look(self, sql: str, *args: Any) -> Any:
        return self._world.postgres.look(sql, *args)

    def _events_had_their_effect(self) -> None:
        seen = {
            schema: {str(row[0]) for row in self._look(f"SELECT event_id FROM {schema}.inbox")}
            for schema in SCHEMAS.values()
        }
        for event_id, name in self.seen.published.items():
            if event_id not in self._broker.stored:
                self._world.violate(f"{name} {event_id} was committed and never reached the broker")
                continue
            for consumer in CATALOG[name].consumers:
                if event_id not in seen[SCHEMAS[consumer]]:
                    self._world.violate(f"{name} {event_id} never had its effect in {consumer}")
        for event_id, name in self._broker.stored.items():
            if event_id not in self.seen.published:
                self._world.violate(f"{name} {event_id} reached the broker and was never committed")
        stored = {row[0] for row in self._look("SELECT id FROM billing.stripe_events")}
        for lost in self.expected.stripe_events - stored:
            self._world.violate(f"Stripe's event {lost} was answered with 200 and is not there")

    def _payments_were_granted(self) -> None:
        rows = self._look("""
            SELECT split_part(m.stripe_checkout_session_id, '/', 1) AS session_id, m.status,
                   u.email, p.amount
            FROM billing.payments m
            LEFT JOIN billing.postings p ON p.payment_id = m.id AND p.kind = 'purchase'
            LEFT JOIN auth.users u ON u.id = m.user_id
        """)
        granted: dict[str, list[tuple[str, int]]] = {}
        for row in rows:
            if row["amount"] is not None:
                granted.setdefault(row["session_id"], []).append((row["email"], row["amount"]))
        excused = self.excused()
        for session_id, (address, credits_bought) in self.expected.paid.items():
            what = granted.get(session_id, [])
            if what != [(address, credits_bought)] and not (not what and address in excused):
                self._world.violate(
                    f"{session_id} of {address} over {credits_bought} was granted as {what}"
                )
        for session_id in self.expected.unpaid:
            if session_id in granted:
                self._world.violate(f"{session_id} was never paid, and was granted")

    def _credits_were_spent_once(self) -> None:
        rows = self._look("SELECT id, amount FROM billing.usages")
        spent = {public("txn", row["id"]): row["amount"] for row in rows}
        if spent != self.expected.spent:
            self._world.violate(f"{self.expected.spent} were answered, {spent} were spent")

    def _tasks_ended(self) -> None:
        rows = self._look("""
            SELECT t.id, t.status, t.credits_spent, t.is_cancel_requested, h.captured,
                   h.id AS hold_id, r.outcome, b.outcome AS ended_before
            FROM tasks.tasks t LEFT JOIN billing.holds h ON h.task_id = t.id
            LEFT JOIN agent_runner.runs r ON r.task_id = t.id
            LEFT JOIN agent_runner.tombstones b ON b.task_id = t.id
        """)
        there = {row["id"]: row for row in rows}
        accepted = set(self.expected.accepted.values())
        for task_id in accepted - set(there):
            self._world.violate(f"the task {task_id} was accepted and is not there")
        for task_id in set(there) - accepted:
            self._world.violate(f"the task {task_id} is there and nobody's key led to it")
        for task_id, row in there.items():
            outcomes = {row["outcome"]} if row["outcome"] else {"rejected", row["ended_before"]}
            is_charged = bool(row["captured"])
            status = "succeeded" if row["status"] == "completed" else row["status"]
            if status not in outcomes or is_charged != (status == "succeeded"):
                self._world.violate(f"the task {task_id} ended as {dict(row)}")
            if row["credits_spent"] != (row["captured"] or 0):
                self._world.violate(f"the task {task_id} shows another cost than was charged")

    def _mails_were_sent(self) -> None:
        arrived = Counter(
            mail.message_id for mails in self._post.mailboxes.values() for mail in mails
        )
        for row in self._look("SELECT id, cause, state, unknown_count FROM notifier.messages"):
            count = arrived.pop(row["id"], 0)
            if count > 1 + row["unknown_count"] or (row["state"] == "sent" and not count):
                self._world.violate(f"the mail {row['cause']} arrived {count} times: {dict(row)}")
            if row["state"] == "failed" and row["unknown_count"] < 2:
                self._world.violate(f"the mail {row['cause']} was given up: {dict(row)}")
        if arrived:
            self._world.violate(f"mails arrived that nobody wrote down: {arrived}")

    def _customers_were_told_once(self) -> None:
        paid = self._look("""
            SELECT p.payment_id, array_agg(m.cause) FILTER (WHERE m.id IS NOT NULL) AS causes
            FROM billing.postings p LEFT JOIN notifier.messages m
            ON starts_with(m.cause, 'credits:' || p.id)
            OR starts_with(m.cause, 'welcome:' || p.payment_id)
            WHERE p.kind = 'purchase' GROUP BY p.payment_id HAVING count(m.id) <> 1
        """)
        for row in paid:
            self._world.violate(f"of the payment {row['payment_id']} was told: {row['causes']}")
        ended = self._look("""
            SELECT r.task_id, count(m.id) FROM agent_runner.runs r LEFT JOIN notifier.messages m
            ON starts_with(m.cause, 'task:' || r.task_id || ':')
            GROUP BY r.task_id, r.outcome HAVING count(m.id) <> (r.outcome <> 'cancelled')::integer
        """)
        for row in ended:
            self._world.violate(f"of the end of {row['task_id']} was told {row['count']} times")

    def _files_are_there(self) -> None:
        rows = self._look("""
            SELECT f.key, f.sha256, f.size FROM tasks.task_files f
            UNION ALL SELECT f.key, f.sha256, f.size FROM agent_runner.run_files f
        """)
        for row in rows:
            if self._store.files.get(row["key"]) != (row["size"], row["sha256"]):
                self._world.violate(f"the file {row['key']} is promised and not in the store")
