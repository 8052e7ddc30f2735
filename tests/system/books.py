"""What stands in the product's databases and its broker, read behind its back, and what is wrong with it."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import shared.contracts  # noqa: F401 - fills the catalog
from billing.proof import prove
from embedded.defaults import DATABASES, SERVICES
from embedded.postgres import EmbeddedPostgres
from shared.db import Database
from shared.events import topology
from tests.system.load import FINAL, Journey, task_uuid
from tests.system.patience import in_time

Queues = Callable[[], Awaitable[dict[str, int]]]
"""Tells how many messages each queue of the bus has, delivered or not."""

TOLD_BY_MAIL = ("completed", "failed", "timed_out")
WAITING = {
    "open tasks": (
        "tasks",
        f"SELECT 1 FROM tasks WHERE status NOT IN {tuple(sorted(FINAL))}",
    ),
    "open runs": ("agent_runner", "SELECT 1 FROM runs WHERE state <> 'finished'"),
    "open holds": ("billing", "SELECT 1 FROM holds WHERE settled_at IS NULL"),
    "payments not granted": ("billing", "SELECT 1 FROM payments WHERE status <> 'granted'"),
    "mails not sent": ("notifier", "SELECT 1 FROM messages WHERE state NOT IN ('sent', 'failed')"),
}
PARKED = "SELECT 1 FROM parked WHERE state NOT IN ('done', 'discarded')"


class Books:
    """The databases of a product that runs."""

    def __init__(self, folder: Path) -> None:
        postgres = EmbeddedPostgres(folder / "postgres")
        self._databases = {name: Database(postgres.url(name), source="books") for name in DATABASES}

    async def close(self) -> None:
        for database in self._databases.values():
            await database.close()

    async def rows(self, service: str, statement: str) -> list[tuple[Any, ...]]:
        """Return what a query finds in a service's database."""
        try:
            return await self._found(service, statement)
        except DBAPIError:  # by a connection from before an outage
            return await self._found(service, statement)

    async def _found(self, service: str, statement: str) -> list[tuple[Any, ...]]:
        async with self._databases[service].transaction() as tx:
            return [tuple(row) for row in await tx.execute(text(statement))]

    async def change(self, service: str, statement: str) -> None:
        """Falsify a service's database."""
        async with self._databases[service].transaction() as tx:
            await tx.execute(text(statement))

    async def column(self, service: str, statement: str) -> list[Any]:
        """Return the first column of what a query finds."""
        return [row[0] for row in await self.rows(service, statement)]

    async def count(self, statement: str) -> int:
        """Return how many rows a query finds in all databases together."""
        return sum([len(await self.rows(service, statement)) for service in SERVICES])

    async def unrest(self) -> dict[str, int]:
        """Return what still waits for something, by what it is."""
        found = {
            what: len(await self.rows(service, statement))
            for what, (service, statement) in WAITING.items()
        }
        found["events in an outbox"] = await self.count("SELECT 1 FROM outbox")
        found["events parked"] = await self.count(PARKED)
        return {what: count for what, count in found.items() if count}

    async def queues(self) -> dict[str, int]:
        """Return how many messages each queue of a bus on PostgreSQL has."""
        counted = "SELECT queue, count(*) FROM bus_messages GROUP BY queue"
        return dict(await self.rows("bus", counted))

    async def broken_rules(self) -> dict[str, int]:
        """Return the rules of the ledger that do not hold."""
        async with self._databases["billing"].transaction() as tx:
            return await prove(tx)


async def rest(books: Books, queues: Queues) -> None:
    """Return when nothing waits in any database or queue."""
    seen: dict[str, int] = {}

    async def is_at_rest() -> bool:
        seen.clear()
        seen.update(await books.unrest())
        if not seen:
            seen.update({name: n for name, n in (await queues()).items() if n})
            seen.update(await books.unrest())
        return not seen

    try:
        await in_time(is_at_rest, what="rest")
    except AssertionError as flaw:
        flaw.add_note(f"still waiting: {seen}")
        raise


@dataclass
class Audit:
    """What was found: what is missing, what is there too often, what else must not be; and some counts."""

    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def compare(self, what: str, expected: Iterable[Any], found: Iterable[Any]) -> None:
        """Enter what is expected and not found as lost, what is found and not expected as double."""
        wanted, there = Counter(iter(expected)), Counter(iter(found))
        self.lost += [f"{what}: {item}" for item in (wanted - there).elements()]
        self.double += [f"{what}: {item}" for item in (there - wanted).elements()]

    @property
    def flaws(self) -> list[str]:
        """All that must not be."""
        return [*self.lost, *self.double, *self.wrong]


async def audit(books: Books, queues: Queues, journeys: list[Journey]) -> Audit:
    """Check what the customers were promised against the books of a product at rest."""
    found, folder = Audit(), journeys[0].product.folder
    await _money(books, journeys, found)
    await _work(books, journeys, found)
    await _mails(books, journeys, found)
    await _files(books, folder, found)
    await _events(books, found)
    found.wrong += [f"{rule}: {n} times" for rule, n in (await books.broken_rules()).items()]
    found.wrong += [f"{n} {what}" for what, n in (await books.unrest()).items()]
    found.wrong += [f"{n} messages in {name}" for name, n in (await queues()).items() if n]
    found.counts |= await _counts(books, folder)
    return found


async def _money(books: Books, journeys: list[Journey], found: Audit) -> None:
    """Every payment that was told of is one payment and one grant, to one account."""
    paid = [item for journey in journeys for item in journey.paid.items()]
    granted = (
        "SELECT m.stripe_checkout_session_id, p.amount FROM postings p"
        " JOIN payments m ON m.id = p.payment_id WHERE p.kind = 'purchase'"
    )
    payments = "SELECT stripe_checkout_session_id, credits FROM payments"
    found.compare("payment", paid, await books.rows("billing", payments))
    found.compare("grant", paid, await books.rows("billing", granted))
    payers = [journey.payer.address for journey in journeys]
    found.compare("user", payers, await books.column("auth", "SELECT email FROM users"))
    users = await books.column("auth", "SELECT id FROM users")
    found.compare("account", users, await books.column("billing", "SELECT user_id FROM accounts"))


async def _work(books: Books, journeys: list[Journey], found: Audit) -> None:
    """Every accepted task is there once and ended as it was told; it was charged once exactly if delivered."""
    promised = {task_uuid(task_id) for journey in journeys for task_id in journey.asked}
    told = {
        task_uuid(task_id): status
        for journey in journeys
        for task_id, status in journey.ended.items()
    }
    statuses = dict(await books.rows("tasks", "SELECT id, status FROM tasks"))
    found.compare("task", promised, statuses)
    found.compare("end of a task", told.items(), statuses.items())
    admitted = [task_id for task_id, status in statuses.items() if status != "rejected"]
    held = await books.column("billing", "SELECT task_id FROM holds")
    found.compare("hold", admitted, held)
    runs = dict(await books.rows("agent_runner", "SELECT task_id, outcome FROM runs"))
    found.compare("run", admitted, runs)
    outcome = {"completed": "succeeded"}
    ends = [(task_id, outcome.get(statuses[task_id], statuses[task_id])) for task_id in admitted]
    found.compare("outcome", ends, runs.items())
    await _charges(books, statuses, found)


async def _charges(books: Books, statuses: dict[UUID, str], found: Audit) -> None:
    shown = "SELECT id, credits_spent FROM tasks WHERE credits_spent > 0"
    captured = "SELECT task_id, -amount FROM postings WHERE kind = 'capture'"
    charges = await books.rows("billing", captured)
    found.compare("charge shown to the customer", charges, await books.rows("tasks", shown))
    delivered = [task_id for task_id, status in statuses.items() if status == "completed"]
    found.compare("charge", delivered, (task_id for task_id, _ in charges))


async def _mails(books: Books, journeys: list[Journey], found: Audit) -> None:
    """Every cause of a mail has led to one mail."""
    payments = dict(
        await books.rows("billing", "SELECT id, stripe_checkout_session_id FROM payments")
    )
    firsts = {next(iter(journey.paid)) for journey in journeys}
    welcomes = {
        f"welcome:{payment_id}" for payment_id, session in payments.items() if session in firsts
    }
    bought = await books.rows(
        "billing", "SELECT id, payment_id FROM postings WHERE kind = 'purchase'"
    )
    added = {f"credits:{line_id}" for line_id, of in bought if payments[of] not in firsts}
    ended = await books.column("tasks", f"SELECT id FROM tasks WHERE status IN {TOLD_BY_MAIL}")
    outcomes = {f"task:{task_id}:finished" for task_id in ended}
    known = "SELECT cause FROM messages WHERE cause NOT LIKE 'low:%'"
    found.compare("mail", welcomes | added | outcomes, await books.column("notifier", known))
    sent = "SELECT id FROM messages WHERE state = 'sent' OR unknown_count > 1"
    files = {UUID(hex=name) for name in journeys[0].mailbox.names}
    found.compare("mail that was sent", await books.column("notifier", sent), files)


async def _files(books: Books, folder: Path, found: Audit) -> None:
    """Every file that a customer was shown is stored, as it was described."""
    listed = await books.rows("tasks", "SELECT key, size, sha256 FROM task_files")
    there = [
        (key, len(content), hashlib.sha256(content).hexdigest())
        for key, _, _ in listed
        if (file := folder / "files" / key).is_file() and (content := file.read_bytes()) is not None
    ]
    found.compare("file", listed, there)
    with_result = await books.column("tasks", "SELECT DISTINCT task_id FROM task_files")
    delivered = await books.column("tasks", "SELECT id FROM tasks WHERE status = 'completed'")
    found.compare("result", delivered, with_result)


async def _events(books: Books, found: Audit) -> None:
    """An event that several services consume has reached all of them."""
    reached: dict[str, dict[str, set[Any]]] = defaultdict(dict)
    for consumer, names in topology().items():
        statement = "SELECT name, source, event_id FROM inbox"
        rows = await books.rows(consumer.replace("-", "_"), statement)
        for name in names:
            reached[name][consumer] = {row[1:] for row in rows if row[0] == name}
    for name, by_consumer in reached.items():
        everybody = set().union(*by_consumer.values())
        for consumer, seen in by_consumer.items():
            found.lost += [f"{name} {event} at {consumer}" for event in everybody - seen]


async def _counts(books: Books, folder: Path) -> dict[str, int]:
    unknown = "SELECT unknown_count FROM messages WHERE unknown_count > 0"
    return {
        "tasks": len(await books.rows("tasks", "SELECT 1 FROM tasks")),
        "tasks delivered": len(
            await books.rows("tasks", "SELECT 1 FROM tasks WHERE status = 'completed'")
        ),
        "attempts": sum(await books.column("agent_runner", "SELECT attempt FROM runs")),
        "late attempts not heard": len(list(_late_attempts(folder / "logs"))),
        "events consumed": await books.count("SELECT 1 FROM inbox"),
        "events seen twice": await books.count("SELECT 1 FROM inbox WHERE seen > 1"),
        "events parked for a while": await books.count("SELECT 1 FROM parked"),
        "mails of unknown outcome": len(await books.rows("notifier", unknown)),
    }


def _late_attempts(logs: Path) -> Iterator[dict[str, Any]]:
    """Yield what agent-runners logged of attempts that came back after their lease."""
    for line in logged(logs / name for name in ("agent_runner.log", "deputy.log")):
        is_lost = line["event"] == "attempt_ended" and line.get("turn") == "lost"
        if is_lost or line["event"] == "attempt_not_heard":
            yield line


def logged(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yield the structured lines of logs."""
    for file in files:
        text_of_it = file.read_text(errors="replace") if file.exists() else ""
        for line in text_of_it.splitlines():
            if line.startswith("{"):
                yield json.loads(line)
