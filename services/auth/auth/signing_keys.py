"""The keys that sign access tokens: in the database, sealed, the first one made by whoever needs it first."""

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from jwt import encode
from jwt.algorithms import OKPAlgorithm
from sqlalchemy import select

from auth.models import SigningKey
from shared.db import Tx
from shared.sealing import Seal
from shared.tokens import ALGORITHM, TOKEN_TYPE


class SigningKeys:
    """Signs with the newest key and shows the public half of every key that is not retired."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    async def sign(self, tx: Tx, claims: dict[str, Any]) -> str:
        """Return an access token with these claims."""
        key = (await self._active(tx))[0]
        pem = self._seal.open(key.sealed_private_pem)
        headers = {"kid": key.kid, "typ": TOKEN_TYPE}
        return encode(claims, pem, algorithm=ALGORITHM, headers=headers)

    async def public(self, tx: Tx) -> dict[str, Any]:
        """Return the JSON Web Key Set that verifies our tokens."""
        return {"keys": [key.public_jwk for key in await self._active(tx)]}

    async def _active(self, tx: Tx) -> list[SigningKey]:
        """Return the keys that are not retired, newest first; at least one.

        Whoever finds none makes the next generation, which can be taken once: all read who was quicker.
        """
        keys = await _newest_first(tx)
        if all(key.retired_at for key in keys):
            await self._make(tx, generation=keys[0].generation + 1 if keys else 1)
            keys = await _newest_first(tx)
        return [key for key in keys if key.retired_at is None]

    async def _make(self, tx: Tx, *, generation: int) -> None:
        private, kid = Ed25519PrivateKey.generate(), tx.new_id().hex
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        jwk = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
        await tx.insert_once(
            SigningKey,
            generation=generation,
            kid=kid,
            sealed_private_pem=self._seal.seal(pem.decode()),
            public_jwk={**jwk, "kid": kid, "alg": ALGORITHM, "use": "sig"},
            created_at=await tx.now(),
        )


async def _newest_first(tx: Tx) -> Sequence[SigningKey]:
    return await tx.scalars(select(SigningKey).order_by(SigningKey.generation.desc()))
