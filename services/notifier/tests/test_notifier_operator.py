"""Mails to the operator: of books that do not balance, once for each proof of a day."""

import pytest
from notifier_events import books_proved
from notifier_parts import SITE, MemoryMailer, html_of, settings, text_of
from pydantic import ValidationError

from shared.testing import ADMIN_KEY, ServiceUnderTest

ADDRESS = "books@example.com"
DIFFERS = {"captured": -3}
BROKEN = {"a balance is the sum of its postings": 1200}


@pytest.fixture
def operator() -> str:
    return ADDRESS


async def test_what_the_proof_found_is_written_to_the_operator(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    await notifier.deliver(books_proved(differences=DIFFERS, broken=BROKEN))
    await notifier.work()

    [mail] = mailer.accepted
    assert (mail.recipient, mailer.subjects) == (
        ADDRESS,
        ["The books of November 27, 2026 do not balance"],
    )
    for body in (text_of(mail.content), html_of(mail.content)):
        assert "tasks counts -3 captured" in body
        assert "a balance is the sum of its postings: broken 1,200 times" in body
        assert f"{SITE}/admin/books" in body


async def test_each_proof_of_a_day_is_told_of_once(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    for attempt in (1, 1, 2):
        await notifier.deliver(books_proved(attempt=attempt, differences=DIFFERS))
    await notifier.work()

    assert len(mailer.accepted) == 2


async def test_nobody_is_written_to_where_the_books_balance(
    notifier: ServiceUnderTest, mailer: MemoryMailer
) -> None:
    await notifier.deliver(books_proved())
    await notifier.work()

    assert mailer.accepted == []


async def test_operators_see_that_mail_too_though_it_is_no_users(
    notifier: ServiceUnderTest,
) -> None:
    await notifier.deliver(books_proved(broken=BROKEN))

    answer = await notifier.client.get("/api/admin/messages", headers={"x-admin-key": ADMIN_KEY})

    [shown] = answer.json()["messages"]
    assert (shown["user_id"], shown["to_address"]) == (None, ADDRESS)


class TestWithoutAnOperator:
    @pytest.fixture
    def operator(self) -> str:
        return ""

    async def test_nobody_is_written_to(
        self, notifier: ServiceUnderTest, mailer: MemoryMailer
    ) -> None:
        await notifier.deliver(books_proved(differences=DIFFERS))
        await notifier.work()

        assert mailer.accepted == []


def test_an_operator_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValidationError, match="operator"):
        settings(operator="nobody, somebody@example.com")
