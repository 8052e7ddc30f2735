"""The product holds what its OpenAPI document says, for anybody and any input: Schemathesis tries to refute it.

Beside the requests that the document's limits ask for, a few are made up for each operation, the same in every
run; with `SECURITY_EXAMPLES=200` two hundred, others each time.
"""

import asyncio
import os
from collections.abc import Collection, Iterator

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.security.product import OPERATOR, Json, Person, Product
from tests.security.strategies import header_text

EXAMPLES = int(os.environ.get("SECURITY_EXAMPLES", "4"))
PHASES = ("examples", "coverage", "fuzzing", "stateful")

# Schemathesis' own, less the failures, and for what is too long to be read at all.
REJECTIONS = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
# One code for five services: it is tried at one of them.
SAME_AS_AUTHS = "^/api/admin/events/(?!auth)"
# An open stream has no end to wait for; who may not open it gets an answer like any other.
STREAM = "/api/events"

# What may be refused though it fits the document, because what decides is no form: an address that Stripe does not
# take, credits that are not there, a period that ends before it begins, a mailed token, a signature, a password that
# everybody has, a result that is blank. `strict` refuses 3.0 for 3, which JSON Schema takes.
DECIDED_BY_MORE_THAN_FORM = [
    "create_checkout_session",
    "spend_credits",
    "use_example",
    "show_statement",
    "sign_up",
    "claim_account",
    "verify_email",
    "reset_password",
    "change_password",
    "stripe_webhook",
    "grant_credits",
    "request_refund",
    "close_payment",
    "set_run_status",
]
# `GET /api/tasks/estimate` is a route: of the task called estimate, which there cannot be.
SHADOWED = ["estimate_task"]


def configuration(
    origin: str, headers: dict[str, str], phases: Collection[str]
) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "base-url": origin,
            "headers": headers,
            "continue-on-failure": True,
            "request-timeout": 20,
            "cache": {"enabled": False},
            "auth": {"auto-signup": False},
            "checks": {"negative_data_rejection": {"expected-statuses": REJECTIONS}},
            "generation": {
                "max-examples": EXAMPLES,
                "database": "none",
                "deterministic": "SECURITY_EXAMPLES" not in os.environ,
                "no-shrink": True,
                "allow-x00": False,  # no pattern tells of it; test_security_access.py sends it
                "with-security-parameters": False,
            },
            "phases": {name: {"enabled": name in phases} for name in PHASES},
            "operations": [
                *(without(name, "positive_data_acceptance") for name in DECIDED_BY_MORE_THAN_FORM),
                *(without(name, "unsupported_method") for name in SHADOWED),
                *(without(name, "allow_header_conformance") for name in SHADOWED),
            ],
        }
    )


def without(operation_id: str, check: str) -> Json:
    return {"include-operation-id": operation_id, "checks": {check: {"enabled": False}}}


def refutations(origin: str, headers: dict[str, str], phases: Collection[str]) -> list[str]:
    """What is not as the document says, each with the request that shows it."""
    schema = schemathesis.openapi.from_url(
        f"{origin}/api/openapi.json", config=configuration(origin, headers, phases)
    )
    schema = schema.exclude(path_regex=SAME_AS_AUTHS)
    if headers:
        schema = schema.exclude(path=STREAM)
    return [line for event in from_schema(schema).execute() for line in told(event)]


def told(event: events.EngineEvent) -> Iterator[str]:
    match event:
        case events.ScenarioFinished(recorder=recorder):
            for checks in recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        found = check.failure_info
                        yield f"{recorder.label}: {found.failure}\n{found.code_sample}"
        case events.NonFatalError(label=label, value=flaw):
            yield f"{label}: {flaw!r}"
        case events.FatalError(exception=flaw):
            raise flaw


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # of long examples
@pytest.mark.parametrize(
    ("who", "phases"),
    [
        ("nobody", ["fuzzing"]),
        ("customer", ["fuzzing"]),
        ("operator", ["fuzzing", "coverage"]),
    ],
)
async def test_every_answer_is_as_the_document_says(
    product: Product, alice: Person, who: str, phases: list[str]
):
    """An operator is signed in besides, and so is let in everywhere: every limit is tried from the inside."""
    headers = {
        "nobody": {},
        "customer": {**alice.headers},
        "operator": {**alice.headers, **OPERATOR},
    }[who]

    found = await asyncio.to_thread(refutations, product.origin, headers, phases)

    assert found == [], "\n\n".join(found)


@settings(max_examples=EXAMPLES * 4, deadline=None)
@given(place=header_text | st.integers().map(str))
async def test_a_stream_is_followed_from_any_place_or_the_place_is_refused(
    product: Product, alice: Person, place: str
):
    headers = {**alice.headers, b"last-event-id": place.encode("latin-1")}
    async with product.http.stream("GET", STREAM, headers=headers) as answer:
        assert answer.status_code in (200, 422)
