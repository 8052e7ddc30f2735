"""Addresses: where each user is reached, learned from the events that name one."""

from uuid import UUID

from notifier.models import Contact
from shared.db import Tx


async def learn(tx: Tx, user_id: UUID, email: str) -> None:
    """Remember where a user is reached; the first event that says so is enough, in any order."""
    await tx.insert_once(Contact, user_id=user_id, email=email, learned_at=await tx.now())
