"""Access tokens that are not what they seem."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from auth_parts import World, key_set, private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from shared.testing import ServiceUnderTest, claims_from_now
from shared.tokens import TOKEN_TYPE


@pytest.fixture(scope="module")
async def genuine(auth: ServiceUnderTest) -> Callable[..., Any]:
    """Signs tokens with auth's own key: the claims are usual but for what a test replaces."""
    clock = auth.service.database._process_clock
    world = World(auth, clock)
    browser = await world.sign_up()
    said = jwt.decode(
        browser.headers["authorization"].split()[1], options={"verify_signature": False}
    )

    async def sign(headers: dict[str, Any] | None = None, **replaced: Any) -> str:
        kid, key = await private_key(world)
        usual_times = {"iat": timedelta(), "exp": timedelta(minutes=15)}
        body = claims_from_now({**said, **usual_times, **replaced})
        body = {name: value for name, value in body.items() if value is not None}
        usual = {"kid": kid, "typ": TOKEN_TYPE}
        return jwt.encode(body, key, algorithm="EdDSA", headers={**usual, **(headers or {})})

    return sign


async def status_of(world: World, token: str | bytes) -> int:
    raw = token if isinstance(token, bytes) else token.encode()
    answer = await world.browser().get("/api/user", headers={b"authorization": b"Bearer " + raw})
    assert answer.headers["content-type"].startswith("application/")
    return answer.status_code


async def test_a_genuine_token_is_good(world: World, genuine: Callable[..., Any]) -> None:
    assert await status_of(world, await genuine()) == 200


@pytest.mark.parametrize(
    "replaced",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": timedelta(hours=-1)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": timedelta(hours=1)},
        {"iat": None},
        {"nbf": timedelta(hours=1)},
        {"jti": None},
        {"sub": None},
        {"sub": 7},
        {"sub": "usr_nonsense"},
        {"sub": "task_" + "0" * 32},
        {"sub": "usr_" + "0" * 32},
        {"sid": None},
        {"sid": "usr_" + "0" * 32},
        {"email": None},
        {"headers": {"typ": "JWT"}},
        {"headers": {"typ": None}},
        {"headers": {"kid": "../../etc/passwd"}},
        {"headers": {"kid": "' or 1=1 --"}},
        {"headers": {"kid": "x" * 3000}},
        {"headers": {"kid": "ключ"}},
        {"headers": {"crit": ["exp"]}},
    ],
)
async def test_a_token_with_a_wrong_part_is_refused(
    world: World, genuine: Callable[..., Any], replaced: dict[str, Any]
) -> None:
    assert await status_of(world, await genuine(**replaced)) == 401


async def test_keys_that_a_token_brings_along_are_ignored(
    world: World, genuine: Callable[..., Any]
) -> None:
    own = Ed25519PrivateKey.generate()
    jwk = OKPAlgorithm.to_jwk(own.public_key(), as_dict=True)
    kid, _ = await private_key(world)
    body = jwt.decode(await genuine(), options={"verify_signature": False})
    headers = {"typ": TOKEN_TYPE, "kid": kid, "jwk": jwk, "jku": "https://evil.example/jwks"}

    assert await status_of(world, jwt.encode(body, own, "EdDSA", headers=headers)) == 401


async def test_an_unsigned_or_differently_signed_token_is_refused(
    world: World, genuine: Callable[..., Any]
) -> None:
    kid, key = await private_key(world)
    body = jwt.decode(await genuine(), options={"verify_signature": False})
    headers = {"typ": TOKEN_TYPE, "kid": kid}
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_text = (await key_set(world))["keys"][0]["x"]

    for token in (
        jwt.encode(body, None, "none", headers=headers),
        jwt.encode(body, raw, "HS256", headers=headers),
        jwt.encode(body, key_text, "HS256", headers=headers),
    ):
        assert await status_of(world, token) == 401


async def test_no_claim_can_be_edited(world: World, genuine: Callable[..., Any]) -> None:
    head, body, signature = (await genuine()).split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))

    for name in said:
        edited = json.dumps({**said, name: "edited"}).encode()
        forged = base64.urlsafe_b64encode(edited).rstrip(b"=").decode()
        assert await status_of(world, f"{head}.{forged}.{signature}") == 401


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "....",
        "é.é.é",
        b"\xff\xfe.\xff.\xff",
        "x" * 20_000,
        "e30.e30.",
        "bnVsbA.bnVsbA.AA",
        "W10.W10.AA",
        "eyJraWQiOnt9fQ.e30.AA",
    ],
)
async def test_what_is_no_token_is_refused(world: World, token: str | bytes) -> None:
    assert await status_of(world, token) == 401


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YTpi", "bearer\ttoken"])
async def test_what_is_no_bearer_is_refused(world: World, value: str) -> None:
    answer = await world.browser().get("/api/user", headers={"authorization": value})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
