"""The public keys that verify access tokens."""

from typing import Annotated, Any

from fastapi import APIRouter, Response

from auth.schemas import KeySet
from auth.signing_keys import SigningKeys
from shared.http import Transaction, resource

router = APIRouter()


@router.get("/.well-known/jwks.json", operation_id="list_public_keys", response_model=KeySet)
async def list_public_keys(
    response: Response, tx: Transaction, keys: Annotated[SigningKeys, resource(SigningKeys)]
) -> dict[str, Any]:
    """List the public keys of every access token that may still be good."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return await keys.public(tx)
