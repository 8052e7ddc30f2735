"""A service is a value: its routes, its handlers, its workers, its database. `run` makes processes of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import APIRouter

from shared.db import Database
from shared.handlers import Handlers
from shared.metrics import Gauges
from shared.pruning import MESSAGING, Aged, Pruner

Check = Callable[[], Awaitable[None]]


class Worker(Protocol):
    """Performs effects that cannot be rolled back, one at a time, by lease."""

    async def work_once(self) -> bool:
        """Do one piece of work; tell whether there was one."""
        ...

    async def run(self) -> None:
        """Work for ever."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """What a service is made of.

    `migrations` is the package that holds its Alembic versions (None: it has the shared tables alone); `resources` are what its routes ask for by
    type; `aged` are its own tables whose rows are deleted once they are over; `checks` are what its readiness depends on besides database and bus, `watched` what
    it can be without for a while: named beside them, and not decisive. `gauges` reads what its
    metrics say of its database. `farewell` is called when the process begins to end, so that
    open streams do; `close` is awaited when all else has ended.
    """

    name: str
    database: Database
    migrations: str | None
    router: APIRouter = field(default_factory=APIRouter)
    handlers: Handlers = field(default_factory=lambda: Handlers(""))
    workers: Sequence[Worker] = ()
    aged: Sequence[Aged] = ()
    resources: Mapping[type, Any] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    watched: Mapping[str, Check] = field(default_factory=dict)
    gauges: Gauges | None = None
    farewell: Callable[[], None] | None = None
    close: Callable[[], Awaitable[None]] | None = None

    def pruner(self) -> Pruner:
        """Return what deletes the rows that nobody can need any more, of every table."""
        return Pruner(self.database, [*MESSAGING, *self.aged])
