"""The metrics of all services as one page: joined by family, refused as each service refuses."""

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.app import Desk
from gateway.metrics import joined
from shared.errors import Unavailable

PAGE = """# HELP waiting Events that wait.
# TYPE waiting gauge
waiting{{service="{name}"}} 1
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{{service="{name}",route="/a b"}} 2
"""
SERVICES = {"auth": "http://auth", "billing": "http://billing"}


def desk(answer):
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return Desk(SERVICES, client)


def page_of(request):
    return httpx2.Response(200, text=PAGE.format(name=request.url.host))


def read(text):
    families = list(text_string_to_metric_families(text))
    assert len(families) == len({family.name for family in families})
    return {
        (sample.name, sample.labels["service"]): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_family_comes_once_with_the_samples_of_all():
    samples = read(joined(PAGE.format(name=name) for name in SERVICES))

    assert samples == {
        (metric, name): value
        for metric, value in (("waiting", 1), ("requests_total", 2))
        for name in SERVICES
    }


def test_nothing_joined_is_nothing():
    assert joined([]) == ""


async def test_the_callers_credentials_go_to_every_service():
    seen = []

    def answer(request):
        seen.append((request.url.host, request.headers.get("x-admin-key")))
        return page_of(request)

    await desk(answer).metrics({"x-admin-key": "k"})

    assert sorted(seen) == [("auth", "k"), ("billing", "k")]


async def test_a_service_that_is_away_is_a_sample():
    def answer(request):
        if request.url.host == "auth":
            raise httpx2.ConnectError("away")
        return page_of(request)

    samples = read((await desk(answer).metrics({})).body.decode())

    assert samples["impacter_service_up", "auth"] == 0
    assert samples["impacter_service_up", "billing"] == 1
    assert ("waiting", "auth") not in samples


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_handed_on_and_nothing_else(status):
    def answer(request):
        if request.url.host == "billing":
            headers = {"content-type": "application/problem+json"}
            return httpx2.Response(status, text='{"code": "no"}', headers=headers)
        return page_of(request)

    refused = await desk(answer).metrics({})

    assert (refused.status_code, refused.body) == (status, b'{"code": "no"}')
    assert refused.media_type == "application/problem+json"


@pytest.mark.parametrize("status", [500, 503])
async def test_without_any_page_nobody_is_told_anything(status):
    with pytest.raises(Unavailable):
        await desk(lambda _: httpx2.Response(status)).metrics({})
