"""A transaction of the emulated account: objects, what happened to them, and what will happen, in one commit."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import stripe

from embedded.emulator import shapes
from embedded.emulator.errors import StripeError, missing, not_found
from embedded.emulator.store import Body, Span, Tables

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HIDDEN = "_"
TELL_BEFORE = (".updated", "charge.refunded")

View = Callable[["Tx", Body], Body]
Included = Callable[["Tx", Body], Any]
Job = Callable[["Tx", str], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the families of objects bring: how they are seen, what can be asked beside, what comes due.

    `outcomes` hear of each payment that ended, well or not.
    """

    views: Mapping[str, View]
    included: Mapping[tuple[str, str], Included]
    jobs: Mapping[str, Job]
    outcomes: Sequence[Callable[["Tx", Body], None]]


@dataclass(frozen=True, slots=True)
class Cause:
    """The request that a transaction answers; none where the clock or a person at a page did it."""

    request: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an account is and where it is seen; `real` is the true time, `draw` is where chance comes from."""

    account: str
    origin: str
    rules: Rules
    real: Callable[[], float]
    draw: Callable[[int], bytes]


@dataclass(slots=True)
class Tx:
    """A transaction in progress; `now` is the account's time, in seconds."""

    tables: Tables
    around: Surroundings
    now: int
    cause: Cause = field(default_factory=Cause)
    events: list[Body] = field(default_factory=list)

    def chance(self, length: int) -> str:
        """Return letters and digits that nobody can guess."""
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in self.around.draw(length))

    def new(self, kind: str, prefix: str, *, length: int = 24, **fields: Any) -> Body:
        """Return an object with an id of its own; it is not kept yet."""
        return shapes.fresh(kind, id=f"{prefix}_{self.chance(length)}", created=self.now, **fields)

    def get(self, kind: str, wanted: str, *, param: str) -> Body:
        """Return what a parameter names, or refuse the request."""
        body = self.tables.find(kind, wanted)
        if body is None or body.get("deleted"):
            raise missing(kind, wanted, param=param)
        return body

    def at_path(self, kind: str, wanted: str, *, param: str = "id") -> Body:
        """Return what a path names, or answer 404."""
        body = self.tables.find(kind, wanted)
        if body is None:
            raise not_found(kind, wanted, param=param)
        return body

    def known(self, kind: str, wanted: str | None) -> Body | None:
        """Return the object of this id, if it is one and still there."""
        return self.tables.find(kind, wanted) if wanted else None

    def the(self, kind: str, wanted: str) -> Body:
        """Return an object that must be there, because another of ours names it."""
        body = self.tables.find(kind, wanted)
        assert body is not None, f"{kind} {wanted} is gone"
        return body

    def all(self, kind: str, **where: Any) -> list[Body]:
        """Return all objects of a kind with these values, oldest first."""
        paths = {name.replace("__", "."): value for name, value in where.items()}
        return self.tables.select(kind, paths)[::-1]

    def select(self, kind: str, where: Mapping[str, Any], span: Span) -> list[Body]:
        """Return a part of the objects of a kind, newest first."""
        return self.tables.select(kind, where, span)

    def view(self, body: Body) -> Body:
        """Return an object as it is seen from outside."""
        make = self.around.rules.views.get(body["object"])
        seen = deepcopy(body) if make is None else make(self, deepcopy(body))
        seen.pop(HIDDEN, None)
        return seen

    def add(self, body: Body, event: str | None = None) -> Body:
        """Keep a new object, and say so with an event."""
        self.tables.put(body)
        if event is not None:
            self.emit(event, self.view(body))
        return body

    def keep(self, body: Body) -> Body:
        """Write an object down without a word."""
        self.tables.put(body)
        return body

    def change(self, body: Body, event: str | None = None, **fields: Any) -> Body:
        """Change an object and say so; of an update the event has what was before, and is none where nothing changed."""
        stored = self.tables.find(body["object"], body["id"])
        before = self.view(stored) if stored is not None else {}
        body.update(fields)
        self.tables.put(body)
        after = self.view(body)
        previous = difference(before, after)
        if event is not None and not event.endswith(TELL_BEFORE):
            self.emit(event, after)
        elif event is not None and previous:
            self.emit(event, after, previous)
        return body

    def remove(self, body: Body, event: str | None = None) -> Body:
        """Forget an object; return what is left to say of it."""
        if event is not None:
            self.emit(event, self.view(body))
        self.tables.remove(body["id"])
        return {"id": body["id"], "object": body["object"], "deleted": True}

    def emit(self, kind: str, seen: Body, previous: Body | None = None) -> Body:
        """Write down what happened; whoever listens is told after the commit."""
        happened: Body = {"object": seen}
        if previous is not None:
            happened["previous_attributes"] = previous
        event = self.new(
            "event",
            "evt",
            type=kind,
            api_version=stripe.api_version,
            data=happened,
            request={"id": self.cause.request, "idempotency_key": self.cause.idempotency_key},
        )
        self.tables.put(event)
        self.events.append(event)
        return event

    def schedule(self, at: int, job: str, subject: str) -> None:
        """Have a job done for an object when its time comes; a former time for it is forgotten."""
        self.unschedule(job, subject)
        sql = "INSERT INTO due (at, job, subject) VALUES (?, ?, ?)"
        self.tables.execute(sql, (at, job, subject))

    def unschedule(self, job: str, subject: str) -> None:
        """Forget a job."""
        self.tables.execute("DELETE FROM due WHERE job = ? AND subject = ?", (job, subject))

    def url(self, path: str) -> str:
        """Return the address of a page of ours."""
        return f"{self.around.origin}/emulator/{path}"

    def attempt(self, work: Callable[[], Any]) -> Any:
        """Do something that a refusal undoes, unless it keeps what was done."""
        self.tables.savepoint()
        count = len(self.events)
        try:
            return work()
        except StripeError as refusal:
            if not refusal.keeps:
                self.tables.undo()
                del self.events[count:]
            raise


def hidden(body: Body) -> Body:
    """Return what the emulator knows of an object and Stripe would not show; it can be changed."""
    secret: Body = body.setdefault(HIDDEN, {})
    return secret


def difference(before: Any, after: Any) -> Body:
    """Return what `before` had where it differs, as `previous_attributes` has it."""
    changed: Body = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        both = isinstance(old, dict) and isinstance(new, dict) and old and new
        changed[name] = difference(old, new) if both else old
    return changed
