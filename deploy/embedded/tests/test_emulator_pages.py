"""The emulator's pages: what they show, what their forms do, and what they refuse to other sites."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from emulator_parts import Stage

from embedded.emulator.paying import Payer

ADA = "ada@example.com"
ORIGIN = "http://stripe.test"


@pytest.fixture
async def browser(stage: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=stage.emulator.app(), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


async def at_portal(stage: Stage, **params: Any) -> tuple[str, str]:
    session = await stage.session("basic_monthly")
    paid = await stage.control.pay(session.id, Payer(email=ADA))
    made = await stage.v1.billing_portal.sessions.create_async(
        {"customer": paid["customer"], "return_url": "https://product.test/credits", **params}
    )
    return made.url, paid["subscription"]


async def test_a_checkout_page_says_what_is_sold_and_that_no_money_moves(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    session = await stage.session()

    answer = await browser.get(session.url)

    assert answer.status_code == 200
    for words in (
        "500 credits",
        "$39.00",
        "no money moves",
        "E-mail",
        'href="https://product.test/cancel"',
    ):
        assert words in answer.text


async def test_paying_leads_to_where_the_shop_says_with_the_sessions_id(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    session = await stage.session()

    answer = await browser.post(session.url, data={"email": ADA, "means": "pm_card_visa"})

    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://product.test/success?id={session.id}"
    again = await browser.get(f"/emulator/checkout/{session.id}")
    assert "This session is complete" in again.text


async def test_a_declined_card_is_said_on_the_page_and_what_was_typed_stays(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    session = await stage.session()

    answer = await browser.post(
        session.url, data={"email": ADA, "number": "4000 0000 0000 9995", "name": "Ada"}
    )

    assert answer.status_code == 402
    assert 'role="alert">Your card has insufficient funds.' in answer.text
    assert f'value="{ADA}"' in answer.text
    assert (await stage.v1.checkout.sessions.retrieve_async(session.id)).status == "open"


async def test_a_promotion_code_is_applied_and_taken_off_again(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    await stage.v1.coupons.create_async({"id": "C", "percent_off": 20, "duration": "once"})
    await stage.v1.promotion_codes.create_async(
        {"promotion": {"type": "coupon", "coupon": "C"}, "code": "AUTUMN"}
    )
    session = await stage.session(allow_promotion_codes=True)

    wrong = await browser.post(f"{session.url}/code", data={"code": "SPRING"})
    await browser.post(f"{session.url}/code", data={"code": "autumn"})
    applied = await browser.get(session.url)
    await browser.post(f"{session.url}/code", data={"code": ""})
    removed = await browser.get(session.url)

    assert "No such promotion code" in wrong.text
    assert "$31.20" in applied.text
    assert "$31.20" not in removed.text


async def test_a_link_leads_to_a_new_session_each_time(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    price = await stage.price("credits_per_cent")
    link = await stage.v1.payment_links.create_async(
        {"line_items": [{"price": price.id, "quantity": 1}]}
    )

    first, second = await browser.get(link.url), await browser.get(link.url)

    assert first.headers["location"].startswith("/emulator/checkout/cs_test_")
    assert first.headers["location"] != second.headers["location"]
    assert (await browser.get("/emulator/links/none")).status_code == 404


async def test_the_portal_shows_plan_card_and_invoices_and_changes_them(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    url, subscription = await at_portal(stage)

    page = (await browser.get(url)).text
    await browser.post(f"{url}/cancel", data={"subscription": subscription})
    cancelled = (await browser.get(url)).text
    await browser.post(f"{url}/resume", data={"subscription": subscription})
    await browser.post(f"{url}/card", data={"means": "pm_card_mastercard"})
    after = (await browser.get(url)).text

    for words in ("Basic", "Renews on 28 Feb 2027", "Visa ···· 4242", "-0001"):
        assert words in page
    assert 'href="https://product.test/credits"' in page
    assert "Ends on 28 Feb 2027" in cancelled
    assert "Renews on 28 Feb 2027" in after
    assert "Mastercard ···· 4444" in after


async def test_a_portal_that_was_opened_for_one_thing_shows_that_and_leads_back(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    flow = {
        "type": "payment_method_update",
        "after_completion": {
            "type": "redirect",
            "redirect": {"return_url": "https://product.test/done"},
        },
    }
    url, _ = await at_portal(stage, flow_data=flow)

    page = await browser.get(url)
    done = await browser.post(f"{url}/card", data={"means": "pm_card_visa"})

    assert "Payment method" in page.text
    assert "Current plan" not in page.text
    assert done.headers["location"] == "https://product.test/done"


async def test_a_portal_session_ends_after_a_day(stage: Stage, browser: httpx2.AsyncClient) -> None:
    url, _ = await at_portal(stage)
    await stage.control.advance(days=2)

    assert (await browser.get(url)).status_code == 404


async def test_an_open_invoice_can_be_paid_at_its_page_and_read_as_pdf(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    customer = await stage.v1.customers.create_async({"email": ADA})
    await stage.v1.invoice_items.create_async({"customer": customer.id, "amount": 900})
    draft = await stage.v1.invoices.create_async({"customer": customer.id})
    invoice = await stage.v1.invoices.finalize_invoice_async(draft.id)

    no = await browser.post(invoice.hosted_invoice_url, data={"means": "pm_card_chargeDeclined"})
    yes = await browser.post(invoice.hosted_invoice_url, data={"means": "pm_card_visa"})
    pdf = await browser.get(invoice.invoice_pdf)

    assert (no.status_code, yes.status_code) == (402, 303)
    assert (await stage.v1.invoices.retrieve_async(invoice.id)).status == "paid"
    assert pdf.content.startswith(b"%PDF-1.4")
    assert pdf.headers["content-type"] == "application/pdf"


async def test_the_control_page_shows_everything_and_acts(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    _, subscription = await at_portal(stage)
    charge = (await stage.v1.charges.list_async()).data[0]

    await browser.post("/emulator/act/refund", data={"charge_id": charge.id, "amount": "500"})
    await browser.post("/emulator/act/renew", data={"subscription_id": subscription})
    await browser.post("/emulator/act/hold")
    page = (await browser.get("/emulator")).text

    for words in ("$5.00 refunded", "28 Feb 2027", "All are held", ADA, "charge.refunded"):
        assert words in page
    assert (await stage.v1.invoices.list_async({"subscription": subscription})).data[
        0
    ].status == "paid"


async def test_what_cannot_be_done_is_said_and_nothing_breaks(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    charge = {"charge_id": "ch_none"}

    for name, form in (("refund", charge), ("refund", {}), ("advance", {"days": "x"})):
        answer = await browser.post(f"/emulator/act/{name}", data=form)
        assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    assert (await browser.post("/emulator/act/nothing")).status_code == 404


async def test_scripts_can_do_the_same_by_json(stage: Stage, browser: httpx2.AsyncClient) -> None:
    session = await stage.session()

    paid = await browser.post("/emulator/api/pay", json={"session_id": session.id, "email": ADA})
    refused = await browser.post("/emulator/api/pay", json={"session_id": session.id})
    wrong = await browser.post("/emulator/api/advance", json={"days": "many"})
    clock = (await browser.get("/emulator/api/clock")).json()
    events = (await browser.get("/emulator/api/events?type=charge.succeeded")).json()["events"]
    deliveries = (await browser.get("/emulator/api/deliveries")).json()["deliveries"]

    assert paid.json()["result"]["payment_status"] == "paid"
    assert (refused.status_code, refused.json()["code"]) == (400, "refused_by_stripe")
    assert wrong.status_code == 422
    assert clock["now"] == int(stage.clock.moment.timestamp())
    assert [event["type"] for event in events] == ["charge.succeeded"]
    assert len(deliveries) == 4


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ],
)
async def test_a_form_of_another_site_is_refused(
    stage: Stage, browser: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    session = await stage.session()

    answers = [
        await browser.post(session.url, data={"email": ADA}, headers=headers),
        await browser.post("/emulator/act/mend", headers=headers),
        await browser.post("/emulator/api/mend", headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert (await stage.v1.checkout.sessions.retrieve_async(session.id)).status == "open"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": ORIGIN}, {}])
async def test_a_form_of_our_own_is_taken(
    browser: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await browser.post("/emulator/act/mend", headers=headers)).status_code == 303


async def test_pages_load_nothing_and_run_no_script(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    session = await stage.session()
    portal, _ = await at_portal(stage)

    for url in (session.url, portal, "/emulator"):
        answer = await browser.get(url)
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"'nonce-([\w-]+)'", policy)
        assert policy.startswith("default-src 'none'; style-src 'nonce-")
        assert nonce is not None
        assert f'<style nonce="{nonce[1]}">' in answer.text
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        assert "src=" not in answer.text


async def test_what_a_customer_calls_herself_is_text(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    evil = "<script>alert(1)</script>"
    await stage.v1.customers.create_async({"name": evil})

    page = (await browser.get("/emulator")).text

    assert evil not in page
    assert "&lt;script&gt;" in page
