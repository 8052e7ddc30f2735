"""The HTTP side of Stripe's API: keys, versions, idempotency, and every answer in Stripe's form."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import stripe
import structlog

from embedded.emulator import answers, forms
from embedded.emulator.account import Account
from embedded.emulator.answers import Answer
from embedded.emulator.errors import (
    Broken,
    KeyInUse,
    RateLimited,
    StripeError,
    Unauthenticated,
)
from embedded.emulator.expand import expanded
from embedded.emulator.faults import Fault, Faults
from embedded.emulator.routing import Call, Route, Routes
from embedded.emulator.store import Body
from embedded.emulator.tx import Cause, Tx

log = structlog.get_logger()

LISTS = ("list", "search_result")
OF_DELETED = {"id", "object", "deleted"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str

    @property
    def form(self) -> dict[str, Any]:
        """Return the nested values of the query and the body."""
        return forms.decoded("&".join(part for part in (self.query, self.body) if part))

    @property
    def idempotency_key(self) -> str | None:
        """Return the key that makes a repetition harmless; only what changes something has one."""
        return self.headers.get("idempotency-key") if self.method == "POST" else None


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back: nothing at all where `is_lost`, and late where `is_late`."""

    status: int
    body: Body
    headers: dict[str, str] = field(default_factory=dict)
    is_lost: bool = False
    is_late: bool = False


class Api:
    """Answers requests to one account."""

    def __init__(self, account: Account, routes: Routes, faults: Faults) -> None:
        self._account = account
        self._routes = routes
        self._faults = faults
        self._under_way: set[str] = set()

    async def answer(self, asked: Asked) -> Answered:
        """Answer one request; nothing that can be asked makes this fail."""
        request_id = self._account.request_id()
        try:
            self._authenticate(asked.headers)
            route, ids = self._routes.match(asked.method, asked.path)
            fault = self._faults.take(route.name)
            if fault is not None and fault.when == "before":
                return self._failed(fault, asked, request_id)
            answer = await self._once(route, ids, asked, request_id, fault)
        except StripeError as refusal:
            answer = Answer(refusal.status, refusal.body(request_id), request_id)
            fault = None
        except Exception as flaw:  # a bug of ours is answered as Stripe answers one of its own
            log.error("emulator_failed", method=asked.method, path=asked.path, exc_info=flaw)
            body = Broken("An unknown error occurred").body(request_id)
            answer = Answer(Broken.status, body, request_id)
            fault = None
        return self._answered(answer, asked, fault)

    def _authenticate(self, headers: Mapping[str, str]) -> None:
        key = _presented(headers)
        if not key:
            message = (
                "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
                "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details."
            )
            raise Unauthenticated(message)
        if not hmac.compare_digest(key.encode(), self._account.secret_key.encode()):
            shown = f"{key[:8]}{'*' * 12}{key[-4:]}" if len(key) > len("sk_test_") else "****"
            message = f"Invalid API Key provided: {shown}"
            raise Unauthenticated(message)

    async def _once(
        self,
        route: Route,
        ids: Mapping[str, str],
        asked: Asked,
        request_id: str,
        fault: Fault | None,
    ) -> Answer:
        """Do what is asked, or give the answer that its key got before."""
        form = asked.form
        call = Call(form, ids, asked.path)
        key = asked.idempotency_key
        self._enter(key)
        try:
            work = _Work(route, call, request_id, key, _identity(asked, form), fault)
            return await self._account.do(work.do, Cause(request_id, key))
        finally:
            self._under_way.discard(key or "")

    def _enter(self, key: str | None) -> None:
        if key is None:
            return
        if len(key) > answers.KEY_MAX:
            message = f"Idempotency keys can be at most {answers.KEY_MAX} characters."
            raise StripeError(message)
        if key in self._under_way:
            message = (
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later."
            )
            raise KeyInUse(message, code="idempotency_key_in_use")
        self._under_way.add(key)

    def _failed(self, fault: Fault, asked: Asked, request_id: str) -> Answered:
        refusal = _refusal(fault)
        return self._answered(
            Answer(refusal.status, refusal.body(request_id), request_id), asked, fault
        )

    def _answered(self, answer: Answer, asked: Asked, fault: Fault | None) -> Answered:
        headers = {"Request-Id": answer.request, "Stripe-Version": stripe.api_version}
        asked_version = asked.headers.get("stripe-version", stripe.api_version)
        if asked_version != stripe.api_version:
            log.warning("stripe_version_differs", asked=asked_version, answered=stripe.api_version)
        if asked.idempotency_key is not None:
            headers["Idempotency-Key"] = asked.idempotency_key
        if answer.is_replayed:
            headers["Idempotent-Replayed"] = "true"
            headers["Original-Request"] = answer.request
        how = fault.how if fault is not None else ""
        return Answered(
            answer.status, answer.body, headers, is_lost=how == "lost", is_late=how == "timeout"
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """One request inside of its transaction."""

    route: Route
    call: Call
    request_id: str
    key: str | None
    identity: str
    fault: Fault | None

    def do(self, tx: Tx) -> Answer:
        """Answer as before, or do the work and keep the answer beside what it did; what is not valid is not kept."""
        params = self.route.check(dict(self.call.params))
        call = replace(self.call, params=params)
        real = tx.around.real()
        if self.key is not None:
            known = answers.find(tx.tables, self.key, self.identity, real)
            if known is not None:
                return known
        answer = self._act(tx, call)
        if self.fault is not None and self.fault.how in ("rate_limited", "broken"):
            refusal = _refusal(self.fault)
            answer = Answer(refusal.status, refusal.body(self.request_id), self.request_id)
        if self.key is not None:
            answers.keep(tx.tables, self.key, self.identity, answer, real)
        return answer

    def _act(self, tx: Tx, call: Call) -> Answer:
        try:
            body = tx.attempt(lambda: self._body(tx, call))
        except StripeError as refusal:
            return Answer(refusal.status, refusal.body(self.request_id), self.request_id)
        return Answer(200, body, self.request_id)

    def _body(self, tx: Tx, call: Call) -> Body:
        body = self.route.act(tx, call)
        is_seen = body["object"] in LISTS or set(body) == OF_DELETED
        seen = body if is_seen else tx.view(body)
        return expanded(tx, seen, call.params.get("expand", ()))


def _refusal(fault: Fault) -> StripeError:
    if fault.how == "rate_limited":
        message = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
        return RateLimited(message, code="rate_limit")
    return Broken("An unknown error occurred")


def _identity(asked: Asked, form: Mapping[str, Any]) -> str:
    return f"{asked.path}\n{json.dumps(form, sort_keys=True)}"


def _presented(headers: Mapping[str, str]) -> str:
    """Return the key of a request, as a bearer token or as the user of Basic authentication."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except ValueError:
            return ""
    return ""
