"""What routes ask for by type: a transaction, the signed-in user, an admin, an answer given once.

@router.post("/tasks", status_code=201)
async def create_task(body: NewTask, user: CurrentUser, tx: Transaction, once: Once) -> ...:
"""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from shared.db import Database, Tx
from shared.errors import Forbidden, Unauthorized
from shared.idempotency import Answer, Mark, Outcome, once_each
from shared.ids import public
from shared.tokens import User, Verifier

RESOURCES: Final = "impacter.resources"
ADMIN_KEY: Final = "admin-key"
"""What an operator is called who is known by the admin key alone."""
Resources = Mapping[type, Any]


class AdminKey:
    """The key that ops present as `x-admin-key`; an empty one matches nothing."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def matches(self, presented: str) -> bool:
        """Compare in constant time."""
        return bool(self._key) and hmac.compare_digest(self._key, presented.encode())


def joined(*routers: APIRouter) -> APIRouter:
    """Return a router with the routes of all of them, those first that are asked for most.

    One that includes routers is searched level by level, and each level twice: of a small request that was a fifth.
    """
    return APIRouter(routes=[route for router in routers for route in router.routes])


def bind(resources: Resources) -> Callable[[Request], Awaitable[None]]:
    """Return the dependency that lets a service's routes find its resources."""

    async def remember(request: Request) -> None:
        request.scope[RESOURCES] = resources

    return remember


def resource(kind: type) -> Any:
    """Ask for a service's resource by its type."""

    async def find(request: Request) -> Any:
        return request.scope[RESOURCES][kind]

    return Depends(find)


async def _transaction(request: Request) -> AsyncIterator[Tx]:
    database: Database = request.scope[RESOURCES][Database]
    async with database.transaction() as tx:
        yield tx


# scope="function" commits before the answer is sent: a commit that fails is a failed request.
Transaction = Annotated[Tx, Depends(_transaction, scope="function")]


_bearer = HTTPBearer(scheme_name="access token", bearerFormat="JWT", auto_error=False)
_admin_key = APIKeyHeader(scheme_name="admin key", name="x-admin-key", auto_error=False)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _user(request: Request, bearer: Bearer) -> User:
    if bearer is None:
        raise Unauthorized
    verifier: Verifier = request.scope[RESOURCES][Verifier]
    return await verifier.verify(bearer.credentials.strip())


CurrentUser = Annotated[User, Depends(_user)]


async def _user_if_any(request: Request) -> User | None:
    """Return who asks, None for somebody who is not signed in; a token that is none is refused."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        return None
    verifier: Verifier = request.scope[RESOURCES][Verifier]
    return await verifier.verify(token.strip())


# Not described as a way to be secured: whoever has no token may ask too.
UserIfAny = Annotated[User | None, Depends(_user_if_any)]


@dataclass(frozen=True, slots=True)
class Operator:
    """Who does an admin's work, for the record; no user where it was the admin key."""

    name: str
    user_id: UUID | None = None


async def _operator(
    request: Request, bearer: Bearer, presented: Annotated[str | None, Depends(_admin_key)]
) -> Operator:
    if presented is not None:
        admin_key: AdminKey = request.scope[RESOURCES][AdminKey]
        if admin_key.matches(presented):
            return Operator(ADMIN_KEY)
        message = "The admin key is not valid."
        raise Unauthorized(message)
    user = await _user(request, bearer)
    if not user.is_admin:
        raise Forbidden
    return Operator(user.email, user.id)


CurrentOperator = Annotated[Operator, Depends(_operator)]


def operators_and(keys: Sequence[AdminKey]) -> Callable[..., Awaitable[None]]:
    """Return the dependency that lets operators pass, and programs whose bearer token is one of these keys."""

    async def check(
        request: Request, bearer: Bearer, presented: Annotated[str | None, Depends(_admin_key)]
    ) -> None:
        if bearer is None or not any(key.matches(bearer.credentials.strip()) for key in keys):
            await _operator(request, bearer, presented)

    return check


class OnceOnly:
    """The idempotency key of a request, if it has one: see `shared.idempotency`."""

    def __init__(self, route: str, key: str | None, request_hash: bytes) -> None:
        self._route = route
        self._key = key
        self._hash = request_hash

    def mark(self, user: User) -> Mark | None:
        """Return what tells the request apart; None for one without a key, which is always new."""
        return self.mark_of(public("usr", user.id))

    def mark_of(self, caller: str) -> Mark | None:
        """Return what tells the request of a caller apart who is no user; None for one without a key."""
        if self._key is None:
            return None
        return Mark(caller, self._route, self._key, self._hash)

    async def run(
        self, tx: Tx, user: User, work: Callable[[], Awaitable[BaseModel]], *, status: int = 200
    ) -> Response:
        """Do the work and return its answer, or the answer that the same key was given before."""
        return await self.run_for(tx, public("usr", user.id), work, status=status)

    async def run_for(
        self, tx: Tx, caller: str, work: Callable[[], Awaitable[BaseModel]], *, status: int = 200
    ) -> Response:
        """Do the same for a caller who is no user."""

        async def do(to_do: Sequence[int]) -> list[Outcome]:
            return [Answer(status, (await work()).model_dump_json().encode()) for _ in to_do]

        [outcome] = await once_each(tx, [self.mark_of(caller)], do)
        if isinstance(outcome, Exception):
            raise outcome
        return response_of(outcome)


IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
]


async def _once(request: Request, idempotency_key: IdempotencyKey = None) -> OnceOnly:
    body = (
        await request.body() if idempotency_key else b""
    )  # nobody compares a request without a key
    with suppress(ValueError, RecursionError):  # not JSON: the bytes themselves tell requests apart
        body = json.dumps(json.loads(body), sort_keys=True).encode()
    return OnceOnly(request.url.path, idempotency_key, hashlib.sha256(body).digest())


Once = Annotated[OnceOnly, Depends(_once)]


def response_of(answer: Answer) -> Response:
    """Return an answer as a response, with a header that tells whether it was given before."""
    headers = {"idempotency-replayed": "true"} if answer.is_replay else None
    return Response(answer.body, answer.status, headers, media_type="application/json")
