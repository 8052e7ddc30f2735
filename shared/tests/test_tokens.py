"""Verifying access tokens: with keys that are fetched when needed, and each token once."""

import time
from uuid import uuid4

import pytest

from shared import tokens
from shared.errors import Unauthorized, Unavailable
from shared.testing import TokenIssuer
from shared.tokens import LEEWAY_S, Verifier


async def test_a_verifier_keeps_its_keys_while_auth_is_away():
    issuer = TokenIssuer()
    fetches = []

    async def fetch():
        fetches.append(1)
        if len(fetches) > 1:
            raise ValueError("away")
        return await issuer.key_set()

    verifier = Verifier(fetch, issuer="http://test")
    user_id = uuid4()

    for _ in range(3):
        assert (await verifier.verify(issuer.token(user_id))).id == user_id
    assert len(fetches) == 1


async def test_before_any_key_is_known_the_answer_is_unavailable():
    async def fetch():
        raise ValueError("away")

    with pytest.raises(Unavailable):
        await Verifier(fetch, issuer="http://test").verify(TokenIssuer().token(uuid4()))


async def test_a_flood_of_unknown_keys_fetches_once():
    issuer, stranger, fetches = TokenIssuer(), TokenIssuer(), []

    async def fetch():
        fetches.append(1)
        key_set = await issuer.key_set()
        key_set["keys"][0]["kid"] = "another"
        return key_set

    verifier = Verifier(fetch, issuer="http://test")
    for _ in range(20):
        with pytest.raises(Unauthorized):
            await verifier.verify(stranger.token(uuid4()))

    assert len(fetches) == 1


@pytest.fixture
def signatures(monkeypatch):
    """The tokens whose signatures were verified."""
    verified, decode = [], tokens.jwt.decode_complete

    def counted(token, *args, **options):
        verified.append(token)
        return decode(token, *args, **options)

    monkeypatch.setattr(tokens.jwt, "decode_complete", counted)
    return verified


async def test_a_signature_is_verified_once_for_as_long_as_its_token_lasts(signatures, monkeypatch):
    issuer, user_id = TokenIssuer(), uuid4()
    verifier, token = issuer.verifier(), issuer.token(user_id, exp=int(time.time()) + 900)

    users = [await verifier.verify(token) for _ in range(3)]
    seen = list(signatures)
    later = time.time() + 900 + LEEWAY_S
    monkeypatch.setattr(time, "time", lambda: later)
    await verifier.verify(token)

    assert {user.id for user in users} == {user_id}
    assert (seen, signatures) == ([token], [token, token])


async def test_what_only_begins_like_a_known_token_is_refused():
    issuer = TokenIssuer()
    verifier, token = issuer.verifier(), issuer.token(uuid4())
    await verifier.verify(token)

    with pytest.raises(Unauthorized):
        await verifier.verify(f"{token[:-4]}AAAA")


async def test_so_many_tokens_are_known_and_no_more(signatures, monkeypatch):
    monkeypatch.setattr(tokens, "KNOWN_MAX", 2)
    issuer = TokenIssuer()
    verifier, (first, second, third) = issuer.verifier(), [issuer.token(uuid4()) for _ in range(3)]

    for token in (first, second, third, third, second, first):
        await verifier.verify(token)

    assert signatures == [first, second, third, first]


async def test_what_was_verified_by_other_keys_is_verified_again(monkeypatch):
    monkeypatch.setattr(tokens, "REFETCH_S", -1)
    before, after = TokenIssuer(), TokenIssuer()
    issuers = [before, after]

    async def fetch():
        key_set = await issuers[0].key_set()
        return {"keys": [{**key_set["keys"][0], "kid": f"key {len(issuers)}"}]}

    verifier = Verifier(fetch, issuer="http://test")
    token = before.token(uuid4())
    monkeypatch.setattr(
        tokens.jwt, "get_unverified_header", lambda _: {"kid": f"key {len(issuers)}"}
    )
    await verifier.verify(token)

    issuers.pop(0)
    await verifier.verify(after.token(uuid4()))

    with pytest.raises(Unauthorized):
        await verifier.verify(token)
