"""The keys that sign statements: in the database, sealed, the first one made by whoever needs it first."""

import base64
from collections.abc import Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm
from sqlalchemy import select

from billing.models import SigningKey
from billing.statement.document import Document, canonical
from shared.db import Tx
from shared.sealing import CannotOpen, Seal

ALGORITHM: Final = "Ed25519"


class StatementKeys:
    """Signs with the newest key that it can open, and shows the public half of all: a statement is for ever."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    async def signed(self, tx: Tx, document: Document) -> Document:
        """Return the document with a signature over all of it."""
        key = await self._own(tx)
        private = load_pem_private_key(self._seal.open(key.sealed_private_pem).encode(), None)
        assert isinstance(private, Ed25519PrivateKey), "we make no others"
        value = base64.urlsafe_b64encode(private.sign(canonical(document))).rstrip(b"=").decode()
        signature = {"algorithm": ALGORITHM, "key_id": key.kid, "value": value}
        return {**document, "signature": signature}

    async def public(self, tx: Tx) -> dict[str, Any]:
        """Return the JSON Web Key Set that verifies our statements."""
        await self._own(tx)
        return {"keys": [key.public_jwk for key in await _newest_first(tx)]}

    async def _own(self, tx: Tx) -> SigningKey:
        """Return the newest key that our seal opens; made where there is none, once: all read who was quicker."""
        keys = await _newest_first(tx)
        while (own := next(filter(self._opens, keys), None)) is None:
            await self._make(tx, generation=keys[0].generation + 1 if keys else 1)
            keys = await _newest_first(tx)
        return own

    def _opens(self, key: SigningKey) -> bool:
        try:
            return bool(self._seal.open(key.sealed_private_pem))
        except CannotOpen:
            return False

    async def _make(self, tx: Tx, *, generation: int) -> None:
        private, kid = Ed25519PrivateKey.generate(), tx.new_id().hex
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        jwk = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
        await tx.insert_once(
            SigningKey,
            generation=generation,
            kid=kid,
            sealed_private_pem=self._seal.seal(pem.decode()),
            public_jwk={**jwk, "kid": kid, "alg": "EdDSA", "use": "sig"},
            created_at=await tx.now(),
        )


async def _newest_first(tx: Tx) -> Sequence[SigningKey]:
    return await tx.scalars(select(SigningKey).order_by(SigningKey.generation.desc()))
