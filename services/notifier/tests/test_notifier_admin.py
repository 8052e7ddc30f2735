"""What operators see of the mails."""

import pytest
from notifier_events import finished, granted, paid_first, signed_up
from notifier_parts import TOKEN, MemoryMailer, TestClock, ids

from shared.ids import public
from shared.testing import ADMIN_KEY, ServiceUnderTest, TokenIssuer

PATH = "/api/admin/messages"
OPERATOR = {"x-admin-key": ADMIN_KEY}


async def test_an_operator_sees_how_far_each_mail_has_come_and_no_secret(
    notifier: ServiceUnderTest, mailer: MemoryMailer, clock: TestClock
) -> None:
    ada, bob = ids.new(), ids.new()
    welcome = paid_first(ada)
    await notifier.deliver(welcome)
    await notifier.work()
    clock.advance(1)
    await notifier.deliver(finished(bob, description="a private matter"))

    answer = await notifier.client.get(PATH, headers=OPERATOR)

    assert answer.status_code == 200
    waiting, sent = answer.json()["messages"]
    assert (waiting["template"], waiting["state"]) == ("task_complete", "queued")
    assert waiting["to_address"] is None
    assert waiting["user_id"] == public("usr", bob)
    assert waiting["id"].startswith("msg_")
    assert (sent["template"], sent["state"], sent["attempts"]) == ("welcome", "sent", 1)
    assert sent["to_address"] == "ada@example.com"
    assert sent["sent_at"].endswith("Z")
    for secret in (TOKEN, welcome.sealed_token, "private matter"):
        assert secret not in answer.text


async def test_mails_are_found_by_user_and_state(
    notifier: ServiceUnderTest, clock: TestClock
) -> None:
    ada, bob = ids.new(), ids.new()
    await notifier.deliver(signed_up(ada))
    clock.advance(1)
    await notifier.deliver(granted(ada))
    await notifier.work()
    await notifier.deliver(finished(bob))

    async def found(**wanted: str) -> list[str]:
        answer = await notifier.client.get(PATH, headers=OPERATOR, params=wanted)
        return [message["template"] for message in answer.json()["messages"]]

    assert await found(user_id=public("usr", ada)) == ["credits_added", "verify"]
    assert await found(state="queued") == ["task_complete"]
    assert await found(user_id=public("usr", ada), state="queued") == []
    assert await found(user_id=public("usr", ids.new())) == []


async def test_a_long_list_comes_in_pages(notifier: ServiceUnderTest) -> None:
    await notifier.deliver_together(*(signed_up(ids.new()) for _ in range(5)))

    seen: list[str] = []
    cursor = None
    for _ in range(4):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await notifier.client.get(PATH, headers=OPERATOR, params=params)).json()
        seen += [message["id"] for message in page["messages"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


async def test_only_operators_see_mails(notifier: ServiceUnderTest, tokens: TokenIssuer) -> None:
    async def status(headers: dict[str, str]) -> int:
        return (await notifier.client.get(PATH, headers=headers)).status_code

    assert await status({}) == 401
    assert await status({"x-admin-key": "wrong"}) == 401
    assert await status({"authorization": f"Bearer {tokens.token(ids.new())}"}) == 403
    admin = tokens.token(ids.new(), roles=["admin"])
    assert await status({"authorization": f"Bearer {admin}"}) == 200


@pytest.mark.parametrize(
    "params",
    [
        {"state": "lost"},
        {"user_id": "7"},
        {"user_id": "usr_\x00"},
        {"user_id": "usr_" + "é" * 32},
        {"limit": "0"},
        {"limit": "201"},
        {"cursor": "x"},
    ],
)
async def test_a_question_that_makes_no_sense_is_invalid(
    notifier: ServiceUnderTest, params: dict[str, str]
) -> None:
    answer = await notifier.client.get(PATH, headers=OPERATOR, params=params)

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
