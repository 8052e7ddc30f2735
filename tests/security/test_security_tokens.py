"""Access tokens as every service sees them, not auth alone: one that auth did not sign opens nothing anywhere.

What makes a token wrong is tried in full at auth (`services/auth/tests/test_auth_tokens.py`); here, that each
service verifies at all, with the right keys, issuer and audience, and takes nothing else for a token.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from shared.errors import Unauthorized
from shared.sealing import Seal
from shared.testing import ADMIN_KEY, ISSUER, TokenIssuer, claims_from_now
from shared.tokens import TOKEN_TYPE, Verifier
from tests.security.product import PASSWORD, Person, Product

DOORS = {
    "auth": "/api/user",
    "billing": "/api/credits/summary",
    "tasks": "/api/tasks",
    "tasks' stream": "/api/events?last_event_id=x",  # 422 for who may open it
    "notifier": "/api/admin/messages",
    "agent-runner": "/api/admin/runs",
}
OPENED = {200, 422}
Sign = Callable[..., str]


@pytest.fixture(scope="module")
async def key(product: Product, alice: Person) -> tuple[str, Ed25519PrivateKey]:
    """The key that auth signs with, as only auth can have it: alice's token was the first that needed one."""
    [row] = await product.rows("auth", "SELECT kid, sealed_private_pem FROM signing_keys")
    pem = Seal(product.secrets["LINK_SEALING_KEY"]).open(row.sealed_private_pem)
    private = load_pem_private_key(pem.encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    return row.kid, private


@pytest.fixture(scope="module")
def claims(alice: Person) -> dict[str, Any]:
    """What alice's token says, were she an administrator."""
    said: dict[str, Any] = jwt.decode(alice.token, options={"verify_signature": False})
    return {**said, "roles": ["admin"], "iat": timedelta(), "exp": timedelta(minutes=15)}


@pytest.fixture(scope="module")
def sign(key: tuple[str, Ed25519PrivateKey], claims: dict[str, Any]) -> Sign:
    """Signs as auth does; what a test names replaces what is usual, None leaves it out, a timedelta is from now on."""
    kid, private = key

    def signed(
        headers: Mapping[str, Any] | None = None,
        *,
        by: Any = private,
        algorithm: str = "EdDSA",
        **replaced: Any,
    ) -> str:
        said = claims_from_now(without_none({**claims, **replaced}))
        marked = without_none({"kid": kid, "typ": TOKEN_TYPE, **(headers or {})})
        return jwt.encode(said, by, algorithm=algorithm, headers=marked)

    return signed


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


async def opened_by(product: Product, token: str | bytes) -> list[str]:
    """The doors that a token opens; the others ask to sign in, and nothing fails."""
    raw = token if isinstance(token, bytes) else token.encode()
    opened = []
    for door, path in DOORS.items():
        answer = await product.http.get(path, headers={b"authorization": b"Bearer " + raw})
        assert answer.status_code in {401, *OPENED}, f"{door}: {answer.status_code} {answer.text}"
        if answer.status_code in OPENED:
            opened.append(door)
    return opened


async def test_what_auth_signed_opens_every_door(product: Product, sign: Sign):
    assert await opened_by(product, sign()) == list(DOORS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "http://127.0.0.1"},
        {"iss": None},
        {"exp": timedelta(minutes=-1)},
        {"exp": None},
        {"nbf": timedelta(hours=1)},
        {"iat": timedelta(hours=1)},
        {"iat": None},
        {"sub": "task_" + "0" * 32},
        {"sid": None},
        {"jti": None},
        {"headers": {"typ": "JWT"}},
        {"headers": {"typ": None}},  # which PyJWT writes as JWT
        {"headers": {"kid": None}},
        {"headers": {"kid": "../../dev/null"}},
        {"headers": {"kid": "http://evil.example/jwks.json"}},
        {"headers": {"crit": ["b64"], "b64": True}},
        {"padding": "x" * 5000},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_part_opens_nothing(
    product: Product, sign: Sign, wrong: dict[str, Any]
):
    assert await opened_by(product, sign(**wrong)) == []


async def test_a_token_signed_otherwise_opens_nothing(
    product: Product, sign: Sign, key: tuple[str, Ed25519PrivateKey]
):
    """By nobody, by another's key that the token brings along, or with the public key as a password."""
    _, private = key
    public = private.public_key()
    stranger = Ed25519PrivateKey.generate()
    own = OKPAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    published = OKPAlgorithm.to_jwk(public, as_dict=True)["x"]
    elsewhere = f"{product.origin}/files/mine.json"
    forged = [
        sign(by=None, algorithm="none"),
        sign(by=public.public_bytes(Encoding.Raw, PublicFormat.Raw), algorithm="HS256"),
        sign(by=published, algorithm="HS256"),
        sign(by=stranger),
        sign({"jwk": own}, by=stranger),
        sign({"jku": elsewhere, "x5u": elsewhere}, by=stranger),
        sign({"kid": "mine", "jku": elsewhere}, by=stranger),
    ]

    assert [await opened_by(product, token) for token in forged] == [[]] * len(forged)


async def test_a_token_that_was_edited_opens_nothing(product: Product, alice: Person):
    """Alice writes herself down as an administrator, and as somebody else."""
    head, body, signature = alice.token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    edits = [{"roles": ["admin"]}, {"sub": f"usr_{uuid4().hex}"}, {"exp": said["exp"] + 10**6}]

    for edit in edits:
        edited = base64.urlsafe_b64encode(json.dumps({**said, **edit}).encode()).rstrip(b"=")
        assert await opened_by(product, f"{head}.{edited.decode()}.{signature}") == []


@pytest.mark.parametrize(
    "text", ["x" * 50_000, "a.b.c", b"\xff\xfe.\xff.\xff", "ключ".encode(), b"null", b"e30.e30."]
)
async def test_what_is_no_token_opens_nothing(product: Product, text: str | bytes):
    assert await opened_by(product, text) == []


async def test_no_other_secret_is_an_access_token(product: Product, alice: Person):
    credentials = {"email": alice.address, "password": PASSWORD}
    login = await product.http.post("/api/auth/login", json=credentials)
    renewal = login.cookies["refresh_token"]

    for secret in (renewal, ADMIN_KEY, PASSWORD, product.secrets["STRIPE_WEBHOOK_SECRET"]):
        assert await opened_by(product, secret) == []


async def test_an_access_token_is_no_other_secret(product: Product, alice: Person):
    by_cookie = await product.http.get("/api/user", headers={"cookie": f"token={alice.token}"})
    renewed = await product.http.post(
        "/api/auth/refresh", headers={"cookie": f"refresh_token={alice.token}"}
    )
    as_key = await product.http.get("/api/admin/runs", headers={"x-admin-key": alice.token})
    as_link = await product.http.post("/api/auth/email/verify", json={"token": alice.token[:200]})

    statuses = [each.status_code for each in (by_cookie, renewed, as_key, as_link)]
    assert statuses == [401, 401, 401, 422]


async def test_a_flood_of_unknown_keys_keeps_nobody_waiting_while_auth_hangs():
    """Otherwise anybody could have every service ask auth for keys, five seconds each, one after another."""
    issuer, is_back = TokenIssuer(), asyncio.Event()
    asked = []

    async def fetch() -> dict[str, Any]:
        asked.append("auth")
        if len(asked) > 1:
            await is_back.wait()
        return await issuer.key_set()

    verifier = Verifier(fetch, issuer=ISSUER)
    genuine = issuer.token(uuid4())
    await verifier.verify(genuine)
    verifier._fetched_at = float("-inf")  # long ago
    unknown = jwt.encode({}, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": "unknown"})

    flood = [asyncio.create_task(verifier.verify(unknown)) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.wait_for(verifier.verify(genuine), 5)
    is_back.set()

    refused = await asyncio.gather(*flood, return_exceptions=True)
    assert {type(each) for each in refused} == {Unauthorized}
    assert len(asked) == 2


async def test_the_first_of_two_authorizations_counts(product: Product, alice: Person, bob: Person):
    """No proxy and no service can be made to see different callers in one request."""
    two = [(b"authorization", f"Bearer {each.token}".encode()) for each in (alice, bob)]

    answer = await product.http.get("/api/user", headers=two)

    assert answer.status_code == 401 or answer.json()["id"] == alice.id
