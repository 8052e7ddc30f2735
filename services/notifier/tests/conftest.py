"""The notifier with a clock and a mailer that tests own, on a real database that is empty each time."""

from collections.abc import AsyncIterator

import pytest
from notifier_parts import MemoryMailer, TestClock, settings
from sqlalchemy import delete

from notifier.models import Contact, Message
from notifier.service import assemble
from shared.db import Database
from shared.tables import inbox, parked
from shared.testing import ServiceUnderTest, TokenIssuer, under_test


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


@pytest.fixture
def tokens() -> TokenIssuer:
    return TokenIssuer()


@pytest.fixture
def operator() -> str:
    """Nobody is the operator, but where a test says who."""
    return ""


@pytest.fixture
async def notifier(
    database_url: str, clock: TestClock, mailer: MemoryMailer, tokens: TokenIssuer, operator: str
) -> AsyncIterator[ServiceUnderTest]:
    service = assemble(
        settings(database_url, operator),
        database=Database(database_url, source="notifier", clock=clock),
        mailer=mailer,
        verifier=tokens.verifier(),
    )
    async with under_test(service) as opened:
        async with opened.database.transaction() as tx:
            for table in (Message, Contact, inbox, parked):
                await tx.execute(delete(table))
        yield opened
