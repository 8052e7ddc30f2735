"""The keys that sign access tokens."""

import asyncio
from typing import Any

from auth_parts import SEALING_KEY, SITE, World, claims, key_set, private_key, settings, use
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from sqlalchemy import delete, select, update

from auth.models import SigningKey
from auth.service import build
from auth.signing_keys import SigningKeys
from shared.ids import public
from shared.sealing import Seal
from shared.testing import under_test
from shared.tokens import Verifier


async def test_the_key_set_is_public_and_holds_no_private_part(world: World) -> None:
    answer = await world.browser().get("/.well-known/jwks.json")

    assert answer.headers["cache-control"] == "public, max-age=300"
    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")


async def test_others_verify_our_tokens_offline_with_the_key_set(world: World) -> None:
    await world.sign_up()
    login = await world.log_in()

    async def fetch() -> dict[str, Any]:
        return await key_set(world)

    user = await Verifier(fetch, issuer=SITE).verify(login.json()["token"])

    assert user.id == await world.user_id()
    assert user.email == world.address()
    assert public("ses", user.session_id) == claims(login)["sid"]
    assert user.is_admin is False


async def test_a_private_key_is_sealed_at_rest(world: World) -> None:
    await private_key(world)

    async with world.database.transaction() as tx:
        for key in await tx.scalars(select(SigningKey)):
            assert "PRIVATE" not in key.sealed_private_pem
            assert "d" not in key.public_jwk


async def test_replicas_that_start_at_once_agree_on_one_key(world: World) -> None:
    async with world.database.transaction() as tx:
        await tx.execute(delete(SigningKey))
    replicas = [SigningKeys(Seal(SEALING_KEY)) for _ in range(10)]

    async def ask(keys: SigningKeys) -> str:
        async with world.database.transaction() as tx:
            return (await keys.public(tx))["keys"][0]["kid"]

    assert len(set(await asyncio.gather(*(ask(keys) for keys in replicas)))) == 1


async def test_a_token_of_one_replica_is_good_at_another(world: World) -> None:
    browser = await world.sign_up()

    world.replica()

    elsewhere = world.browser(authorization=browser.headers["authorization"])
    assert (await elsewhere.get("/api/user")).status_code == 200


async def test_an_older_key_verifies_until_it_is_retired(world: World) -> None:
    browser = await world.sign_up()
    older, _ = await private_key(world)
    async with world.database.transaction() as tx:
        private = Ed25519PrivateKey.generate()
        jwk = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
        old = await tx.scalar(select(SigningKey).where(SigningKey.kid == older))
        await tx.insert_once(
            SigningKey,
            generation=old.generation + 1,
            kid=f"newer-{older}",
            sealed_private_pem=old.sealed_private_pem,
            public_jwk={**jwk, "kid": f"newer-{older}", "alg": "EdDSA", "use": "sig"},
            created_at=await tx.now(),
        )

    assert [key["kid"] for key in (await key_set(world))["keys"]][:2] == [f"newer-{older}", older]
    world.replica()
    elsewhere = world.browser(authorization=browser.headers["authorization"])
    assert (await elsewhere.get("/api/user")).status_code == 200

    async with world.database.transaction() as tx:
        mark = SigningKey.kid.in_([older, f"newer-{older}"])
        await tx.execute(update(SigningKey).where(mark).values(retired_at=await tx.now()))
    [key] = (await key_set(world))["keys"]
    assert key["kid"] not in (older, f"newer-{older}")
    world.replica()
    elsewhere = world.browser(authorization=browser.headers["authorization"])
    assert (await elsewhere.get("/api/user")).status_code == 401


async def test_the_servers_own_clock_is_the_one_that_counts(database_url: str) -> None:
    async with under_test(build(settings(database_url))) as service:
        world = World(service, None)
        browser = await world.sign_up()
        use(browser, await browser.post("/api/auth/refresh"))

        assert (await browser.get("/api/user")).json()["email"] == world.address()
