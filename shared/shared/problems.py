"""Problem documents (RFC 9457): what every refusal and failure looks like over HTTP."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import DomainError
from shared.outages import is_outage

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
CODES = {
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid",
}

# What Python calls otherwise, and not in every version alike.
TITLES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}

RETRY_AFTER_S = 2
SENTENCES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than this route takes."}


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """A problem document; `code` is stable, `detail` is a sentence for a person."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] | None = None


def document(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """Return a problem document as a response."""
    body = {"type": "about:blank", "title": title(status), "status": status, "code": code}
    body["detail"] = detail
    return JSONResponse(
        {**body, **members}, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def title(status: int) -> str:
    """Return what a status is called."""
    return TITLES.get(status) or HTTPStatus(status).phrase


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route's `responses` say of refusals with these statuses."""
    return {status: {"model": Problem, "description": title(status)} for status in statuses}


def described(openapi: dict[str, Any]) -> dict[str, Any]:
    """Return the API's description with problems as what they are sent as, and what any body may meet."""
    operations = [operation for item in openapi["paths"].values() for operation in item.values()]
    for operation in operations:
        if "requestBody" in operation:
            operation["responses"].setdefault("413", {"description": "Too large", **_content()})
        for response in operation["responses"].values():
            models = [kind["schema"] for kind in response.get("content", {}).values()]
            if any(model.get("$ref", "").endswith("Problem") for model in models):
                response["content"] = {MEDIA_TYPE: {"schema": models[0]}}
    return openapi


def install(app: FastAPI) -> None:
    """Have the app answer every refusal and failure with a problem document."""
    app.add_exception_handler(DomainError, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kind in (DBAPIError, PoolTimeout, ConnectionError, TimeoutError):
        app.add_exception_handler(kind, _outage)
    app.add_exception_handler(Exception, _failure)


class ProblemBodies:
    """Turns the plain-text refusals that the framework itself sends (413) into problem documents."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        replaced: JSONResponse | None = None

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_refusal(message):
                status = HTTPStatus(message["status"])
                replaced = document(status, CODES[status], SENTENCES[status])
                await send({**message, "headers": replaced.raw_headers})
            elif replaced is not None:
                await send({"type": "http.response.body", "body": replaced.body})
            else:
                await send(message)

        await self._app(scope, receive, send_problem)


def _is_plain_refusal(message: Message) -> bool:
    kinds = [value for name, value in message.get("headers", []) if name == b"content-type"]
    return message["status"] in SENTENCES and any(kind.startswith(b"text/plain") for kind in kinds)


def _content() -> dict[str, Any]:
    return {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


async def _refusal(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, DomainError)
    headers = {}
    retry_after_s = getattr(refusal, "retry_after_s", None)
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return document(
        refusal.status, refusal.code, refusal.sentence, headers=headers, **refusal.details
    )


async def _invalid(_: Request, flaw: Exception) -> JSONResponse:
    assert isinstance(flaw, RequestValidationError)
    found = {(".".join(map(str, error["loc"])), _said(error)): None for error in flaw.errors()}
    errors = [{"field": field, "message": message} for field, message in found]
    named = ", ".join(dict.fromkeys(field for field, _ in found))
    return document(422, "invalid", f"The request is not valid: {named}.", errors=errors)


def _said(error: Mapping[str, Any]) -> str:
    """Say what is wrong with a value in words for who sent it, where the framework's are for who wrote the code."""
    kind, limits, is_text = error["type"], error.get("ctx", {}), isinstance(error["input"], str)
    sentence = str(error["msg"]).removeprefix("Value error, ")
    if is_text and kind == "too_short":
        least = limits["min_length"]
        sentence = f"must have at least {least} characters" if least > 1 else "must not be empty"
    elif is_text and kind == "too_long":
        sentence = f"must have at most {limits['max_length']} characters"
    elif kind == "string_pattern_mismatch":
        sentence = "is not written as it has to be"
    elif kind in ("model_attributes_type", "model_type", "dict_type"):
        sentence = "must be an object"
    return sentence[:1].upper() + sentence[1:]


async def _http(request: Request, flaw: Exception) -> JSONResponse:
    assert isinstance(flaw, HTTPException)
    status = HTTPStatus(flaw.status_code)
    headers = dict(flaw.headers or {})
    if status is HTTPStatus.BAD_REQUEST:  # a body that the framework cannot read, as JSON or a form
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    code = CODES.get(status, title(status).lower().replace(" ", "_"))
    return document(status, code, str(flaw.detail), headers=headers)


def _methods(request: Request) -> set[str]:
    """Return every method of a path; the framework names only those of its first route."""
    return {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex.match(request.scope["path"])
        for method in route.methods or ()
    }


async def _outage(request: Request, flaw: Exception) -> JSONResponse:
    """Ask for patience where an engine is away: the same request, with the same key, may be sent again."""
    if not is_outage(flaw):
        raise flaw
    log.warning(
        "request_met_outage", path=request.url.path, method=request.method, reason=str(flaw)
    )
    detail = "A part of the system does not answer right now; try again soon."
    return document(503, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_S)})


async def _failure(request: Request, flaw: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, method=request.method, exc_info=flaw)
    return document(500, "internal", "Something went wrong on our side; it was written down.")
