"""Everything the emulated account knows, in one SQLite file: documents, what is due, deliveries, answers."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Body = dict[str, Any]
T = TypeVar("T")

MEMORY = ":memory:"
INDEXED = (
    "customer", "payment_intent", "charge", "subscription", "invoice", "product", "lookup_key",
    "email", "code", "type",
)  # fmt: skip
SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS documents_by_kind ON documents (kind, seq);
CREATE INDEX IF NOT EXISTS documents_by_created ON documents (kind, created, seq);
CREATE TABLE IF NOT EXISTS due (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, job TEXT NOT NULL, subject TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS due_by_time ON due (at, seq);
CREATE INDEX IF NOT EXISTS due_by_subject ON due (subject, job);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL, status TEXT NOT NULL,
    due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, answer INTEGER, said TEXT, tried_at REAL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at, seq) WHERE status IN ('pending', 'under_way');
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, asked TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    request TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a list: at most so many, newest first, beyond a place in the order of creation."""

    limit: int
    before: int | None = None
    after: int | None = None


class Store:
    """One file, or memory; one transaction at a time, on a thread of its own so that no loop waits for a disk."""

    def __init__(self, place: Path | str = MEMORY) -> None:
        self._place = place
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stripe")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[["Tables"], T]) -> T:
        """Do this work in one transaction; what it did is on the disk when this returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._transact, work)

    async def close(self) -> None:
        """Let go of the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _transact(self, work: Callable[["Tables"], T]) -> T:
        connection = self._connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(Tables(connection))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return result

    def _open(self) -> sqlite3.Connection:
        if isinstance(self._place, Path):
            self._place.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._place, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(SCHEMA)
        for name in INDEXED:
            connection.execute(
                f"CREATE INDEX IF NOT EXISTS documents_by_{name} ON documents (kind, {_at(name)}, seq)"
            )
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Tables:
    """The tables, inside of one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute one statement."""
        return self._connection.execute(sql, values)

    def put(self, body: Body) -> None:
        """Write a document, new or changed."""
        self.execute(
            "INSERT INTO documents (id, kind, created, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, body = excluded.body",
            (body["id"], body["object"], body.get("created", 0), json.dumps(body)),
        )

    def find(self, kind: str, wanted: str) -> Body | None:
        """Return the document of this kind and id, or None."""
        sql = "SELECT body FROM documents WHERE id = ? AND kind = ?"
        row = self.execute(sql, (wanted, kind)).fetchone()
        return None if row is None else json.loads(row["body"])

    def kind_of(self, wanted: str) -> str | None:
        """Return the kind of whatever has this id."""
        row = self.execute("SELECT kind FROM documents WHERE id = ?", (wanted,)).fetchone()
        return None if row is None else row["kind"]

    def place(self, kind: str, wanted: str) -> int | None:
        """Return a document's place in the order of creation."""
        sql = "SELECT seq FROM documents WHERE id = ? AND kind = ?"
        row = self.execute(sql, (wanted, kind)).fetchone()
        return None if row is None else row["seq"]

    def set_aside(self, wanted: str, kind: str) -> None:
        """Keep a document where only who knows of this kind finds it."""
        self.execute("UPDATE documents SET kind = ? WHERE id = ?", (kind, wanted))

    def remove(self, wanted: str) -> None:
        """Forget a document."""
        self.execute("DELETE FROM documents WHERE id = ?", (wanted,))

    def select(
        self, kind: str, where: Mapping[str, Any] | None = None, span: Span | None = None
    ) -> list[Body]:
        """Return documents of a kind, newest first; `where` has values, several or bounds by path."""
        conditions: list[str] = ["kind = ?"]
        values: list[Any] = [kind]
        for path, wanted in (where or {}).items():
            condition, more = _condition(path, wanted)
            conditions.append(condition)
            values.extend(more)
        order = "DESC"
        if span is not None and span.before is not None:
            conditions.append("seq < ?")
            values.append(span.before)
        if span is not None and span.after is not None:
            conditions.append("seq > ?")
            values.append(span.after)
            order = "ASC"
        sql = f"SELECT body FROM documents WHERE {' AND '.join(conditions)} ORDER BY seq {order} LIMIT ?"  # noqa: S608 - our own words
        rows = self.execute(sql, (*values, -1 if span is None else span.limit)).fetchall()
        bodies = [json.loads(row["body"]) for row in rows]
        return bodies if order == "DESC" else bodies[::-1]

    def fact(self, name: str, default: str = "") -> str:
        """Return what is known under this name."""
        row = self.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if row is None else row["value"]

    def know(self, name: str, value: str) -> None:
        """Remember this under a name."""
        sql = "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        self.execute(sql, (name, value))

    def savepoint(self) -> None:
        """Mark a point to which `undo` returns."""
        self.execute("SAVEPOINT point")

    def undo(self) -> None:
        """Undo what was done since the savepoint."""
        self.execute("ROLLBACK TO point")


class Bounds(dict[str, int]):
    """Limits of a number, as lists take them: gt, gte, lt, lte."""

    SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Not(tuple[Any, ...]):
    """Anything but these."""

    __slots__ = ()


def _condition(path: str, wanted: Any) -> tuple[str, Iterable[Any]]:
    place = "created" if path == "created" else _at(path)
    if isinstance(wanted, Bounds):
        return " AND ".join(f"{place} {Bounds.SIGNS[name]} ?" for name in wanted), wanted.values()
    if isinstance(wanted, Not):
        return f"coalesce({place}, '') NOT IN ({_marks(wanted)})", wanted
    if isinstance(wanted, list | tuple):
        return f"{place} IN ({_marks(wanted)})", wanted
    if wanted is None:
        return f"{place} IS NULL", ()
    return f"{place} = ?", [wanted]


def _at(path: str) -> str:
    assert path.replace("_", "").replace(".", "").isalnum(), "paths are ours, never a caller's"
    return f"json_extract(body, '$.{path}')"


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" for _ in values)


def rows(cursor: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    """Return rows as mappings."""
    return (dict(row) for row in cursor)
