"""How the emulated API is asked: keys, idempotency, lists, expansion and refusals."""

import asyncio
from typing import Any

import httpx2
import pytest
import stripe
from emulator_parts import ADA, KEY, Stage

CUSTOMERS = "/emulator/stripe/v1/customers"


@pytest.fixture
async def browser(stage: Stage) -> Any:
    transport = httpx2.ASGITransport(app=stage.emulator.app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://stripe.test") as client:
        client.headers["Authorization"] = f"Bearer {KEY}"
        yield client


async def test_a_request_without_a_key_is_told_how_to_send_one(browser: httpx2.AsyncClient) -> None:
    del browser.headers["Authorization"]

    answer = await browser.get(CUSTOMERS)

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "You did not provide an API key" in answer.json()["error"]["message"]
    assert answer.headers["request-id"].startswith("req_")


async def test_a_wrong_key_is_refused_and_not_shown_whole(stage: Stage) -> None:
    with pytest.raises(stripe.AuthenticationError) as refusal:
        await stage.emulator.client(key="sk_test_wrong_wrong").v1.customers.list_async()

    assert "wrong_wrong" not in str(refusal.value)


async def test_the_key_may_be_the_user_of_basic_authentication(
    browser: httpx2.AsyncClient,
) -> None:
    del browser.headers["Authorization"]

    answer = await browser.get(CUSTOMERS, auth=(KEY, ""))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nothing"), ("PUT", "/v1/customers"), ("GET", "/nothing")]
)
async def test_a_route_that_is_not_there_is_answered_as_stripe_does(
    browser: httpx2.AsyncClient, method: str, path: str
) -> None:
    answer = await browser.request(method, f"/emulator/stripe{path}")

    assert answer.status_code == 404
    assert f"Unrecognized request URL ({method}: {path})" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ("email=", "parameter_invalid_empty", "email"),
        ("balance=x", "parameter_invalid_integer", "balance"),
        ("balance=1&nonsense=2", "parameter_unknown", "nonsense"),
        ("tax_exempt=maybe", None, "tax_exempt"),
        ("metadata=x", None, "metadata"),
        ("metadata[a][b]=x", None, "metadata[a]"),
        ("email[a]=x", None, "email"),
        (f"metadata[a]={'x' * 501}", None, "metadata[a]"),
        (f"metadata[{'x' * 41}]=a", None, "metadata"),
        ("&".join(f"metadata[{n}]=a" for n in range(51)), None, "metadata"),
        (f"description={'x' * 5001}", None, "description"),
        ("email=nobody", "email_invalid", "email"),
        ("a[b=c", "parameter_unknown", "a[b"),
        ("name=b&name[0]=a", None, "name"),
        ("preferred_locales[x]=a", None, "preferred_locales"),
        ("[]=a", "parameter_unknown", "[]"),
        ("a" + "[b]" * 40 + "=c", None, "a"),
        ("email=%00%ff", None, None),
        ("description=%00", None, "description"),
        ("invoice_settings[default_payment_method]=pm_no", "resource_missing", None),
        ("source=tok_visa", "emulator_unsupported", "source"),
    ],
)
async def test_bad_input_is_refused_and_breaks_nothing(
    browser: httpx2.AsyncClient, form: str, code: str | None, param: str | None
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = await browser.post(CUSTOMERS, content=form, headers=headers)

    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert code in (None, error.get("code"))
    assert param in (None, error.get("param"))


async def test_another_version_is_answered_all_the_same(stage: Stage) -> None:
    customer = await stage.v1.customers.create_async({}, {"stripe_version": "2020-08-27"})

    assert customer.last_response.headers["stripe-version"] == stripe.api_version


async def test_the_same_key_and_request_get_the_same_answer(stage: Stage) -> None:
    first = await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})
    second = await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    assert second.id == first.id
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.last_response.headers
    assert (await stage.happened()) == ["customer.created"]


@pytest.mark.parametrize("changed", [{"email": "bob@example.com"}, {}])
async def test_the_same_key_with_another_request_is_refused(
    stage: Stage, changed: dict[str, str]
) -> None:
    await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refusal:
        await stage.v1.customers.create_async(changed, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await stage.v1.products.create_async({"name": "x"}, {"idempotency_key": "k"})

    assert refusal.value.http_status == 400


async def test_a_key_whose_request_is_under_way_is_a_conflict(stage: Stage) -> None:
    async def create() -> Any:
        return await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    results = await asyncio.gather(*(create() for _ in range(8)), return_exceptions=True)

    made = {one.id for one in results if not isinstance(one, BaseException)}
    conflicts = [one for one in results if isinstance(one, stripe.APIError)]
    assert len(made) == 1
    assert conflicts
    assert {one.http_status for one in conflicts} == {409}
    assert {one.error.code for one in conflicts} == {"idempotency_key_in_use"}
    assert (await stage.happened()) == ["customer.created"]


async def test_a_key_is_forgotten_after_a_day(stage: Stage) -> None:
    first = await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})
    stage.clock.move(hours=25)

    second = await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    assert second.id != first.id


async def test_what_was_not_valid_may_be_asked_again_under_the_same_key(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.customers.create_async({"nonsense": 1}, {"idempotency_key": "k"})  # type: ignore[typeddict-unknown-key]

    customer = await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    assert customer.email == ADA


async def test_a_decline_is_replayed_too(stage: Stage) -> None:
    async def buy() -> None:
        params: Any = {
            "amount": 1000,
            "currency": "usd",
            "payment_method": "pm_card_chargeDeclined",
            "confirm": True,
        }
        await stage.v1.payment_intents.create_async(params, {"idempotency_key": "k"})

    for _ in range(2):
        with pytest.raises(stripe.CardError) as refusal:
            await buy()

    assert refusal.value.code == "card_declined"
    assert refusal.value.error.decline_code == "generic_decline"
    assert refusal.value.error.payment_intent.status == "requires_payment_method"
    assert refusal.value.headers["idempotent-replayed"] == "true"
    assert (await stage.happened()).count("charge.failed") == 1


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_pages_together_are_the_list(stage: Stage, limit: int) -> None:
    for number in range(7):
        await stage.v1.customers.create_async({"name": str(number)})

    page = await stage.v1.customers.list_async({"limit": limit})

    forwards = [one.name async for one in page.auto_paging_iter()]
    assert forwards == ["6", "5", "4", "3", "2", "1", "0"]
    assert page.has_more is (limit < 7)


async def test_pages_can_be_turned_back(stage: Stage) -> None:
    for number in range(5):
        await stage.v1.customers.create_async({"name": str(number)})
    everything = (await stage.v1.customers.list_async()).data

    page = await stage.v1.customers.list_async({"ending_before": everything[-1].id, "limit": 2})

    assert [one.name for one in page.data] == ["2", "1"]
    assert page.has_more is True


async def test_lists_are_cut_by_the_time_of_creation(stage: Stage) -> None:
    for name in ("first", "second", "third"):
        await stage.v1.customers.create_async({"name": name})
        stage.clock.move(hours=1)
    middle = int(stage.clock.moment.timestamp()) - 2 * 3600

    later = await stage.v1.customers.list_async({"created": {"gte": middle}})
    exact = await stage.v1.customers.list_async({"created": middle})

    assert [one.name for one in later.data] == ["third", "second"]
    assert [one.name for one in exact.data] == ["second"]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 101}, "limit"),
        ({"limit": 0}, "limit"),
        ({"starting_after": "cus_nobody"}, "starting_after"),
        ({"starting_after": "a", "ending_before": "b"}, "ending_before"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(stage: Stage, params: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await stage.v1.customers.list_async(params)

    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("email", "cannot be expanded"),
        ("nothing.at.all", "cannot be expanded"),
        ("a.b.c.d.e", "more than 4 levels"),
    ],
)
async def test_what_is_no_reference_cannot_be_expanded(stage: Stage, path: str, words: str) -> None:
    customer = await stage.v1.customers.create_async()

    with pytest.raises(stripe.InvalidRequestError, match=words):
        await stage.v1.customers.retrieve_async(customer.id, {"expand": [path]})


async def test_metadata_is_laid_over_and_taken_away_by_empty_values(stage: Stage) -> None:
    customer = await stage.v1.customers.create_async({"metadata": {"a": "1", "b": "2", "_": "x"}})

    merged = await stage.v1.customers.update_async(customer.id, {"metadata": {"b": "", "c": "3"}})
    emptied = await stage.v1.customers.update_async(customer.id, {"metadata": ""})

    assert merged.metadata is not None
    assert merged.metadata.to_dict() == {"a": "1", "c": "3", "_": "x"}
    assert emptied.metadata is not None
    assert emptied.metadata.to_dict() == {}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("email:'ada@example.com'", 1),
        ("metadata['user_id']:'u1' AND name:\"Ada\"", 1),
        ("metadata['user_id']:'u2'", 0),
        ("name~'ad'", 1),
        ("email:null", 1),
    ],
)
async def test_customers_are_found_by_what_is_said_of_them(
    stage: Stage, query: str, count: int
) -> None:
    await stage.v1.customers.create_async()
    await stage.v1.customers.create_async(
        {"email": ADA, "name": "Ada", "metadata": {"user_id": "u1"}}
    )

    found = await stage.v1.customers.search_async({"query": query})

    assert len(found.data) == count


async def test_a_search_that_cannot_be_read_is_refused(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="unable to parse"):
        await stage.v1.customers.search_async({"query": "email='a'"})


async def test_a_customer_that_was_deleted_is_remembered_as_that(stage: Stage) -> None:
    customer = await stage.v1.customers.create_async({"email": ADA})
    await stage.v1.customers.delete_async(customer.id)

    gone = await stage.v1.customers.retrieve_async(customer.id)

    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    assert (await stage.v1.customers.list_async()).data == []
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await stage.v1.customers.update_async(customer.id, {"name": "x"})
    assert refusal.value.http_status == 404


async def test_a_lookup_key_has_one_price_and_can_be_handed_on(stage: Stage) -> None:
    old = await stage.price("pack_500")
    params: Any = {
        "currency": "usd",
        "unit_amount": 3500,
        "product": old.product,
        "lookup_key": "pack_500",
    }

    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        await stage.v1.prices.create_async(params)
    new = await stage.v1.prices.create_async({**params, "transfer_lookup_key": True})

    assert (await stage.price("pack_500")).id == new.id
    assert (await stage.v1.prices.retrieve_async(old.id)).lookup_key is None
    assert (await stage.happened()) == ["price.updated", "price.created"]


@pytest.mark.parametrize(
    ("amount", "code"), [(49, "amount_too_small"), (100_000_000, "amount_too_large")]
)
async def test_an_amount_that_no_card_can_pay_is_refused(
    stage: Stage, amount: int, code: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await stage.v1.payment_intents.create_async({"amount": amount, "currency": "usd"})

    assert refusal.value.code == code
