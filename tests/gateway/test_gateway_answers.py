"""What every answer has: headers for browsers, an id, and the form of refusals."""

import json
from uuid import UUID, uuid4

import pytest

from tests.gateway.origins import HASHED

REFUSAL = {"type", "title", "status", "code", "detail"}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
LONG = "a" * 20_000
WORDS = {
    404: ("not_found", "Not Found", "Not Found"),
    405: ("method_not_allowed", "Method Not Allowed", "Method Not Allowed"),
    413: ("too_large", "Content Too Large", "The body is larger than this route takes."),
    414: ("uri_too_long", "URI Too Long", "The address is longer than any of ours."),
    431: (
        "headers_too_large",
        "Request Header Fields Too Large",
        "The headers are larger than what is read of them.",
    ),
}


async def answers_of(http):
    """Answers of every kind: of pages, of services, of nobody, and refusals."""
    yield await http.get("/")
    yield await http.get(HASHED)
    yield await http.get("/assets/none.js")
    yield await http.get("/health/live")
    yield await http.get("/api/openapi.json")
    yield await http.get("/api/user")
    yield await http.get("/api/nothing")
    yield await http.post("/login")
    yield await http.post("/api/auth/login", content=b"x" * 2_000_000)
    yield await http.post("/api/auth/login", json={"email": "a"})
    yield await http.get(f"/login?next={LONG}")
    yield await http.get("/login", headers={"x-odd": LONG})


async def test_every_answer_tells_the_browser_the_same(http):
    statuses = []
    async for answer in answers_of(http):
        statuses.append(answer.status_code)
        for name, value in HEADERS.items():
            assert answer.headers.get_list(name) == [value], (answer.url, name)
        [policy] = answer.headers.get_list("content-security-policy")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "camera=()" in answer.headers["permissions-policy"]
        assert "strict-transport-security" not in answer.headers
        assert answer.headers.get("server", "nginx") == "nginx", "it says its version"

    assert statuses == [200, 200, 404, 200, 200, 401, 404, 405, 413, 422, 414, 431]


async def test_every_refusal_is_a_problem_document(http):
    async for answer in answers_of(http):
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer.url
            assert set(answer.json()) - {"errors"} == REFUSAL
            assert answer.json()["status"] == answer.status_code


async def test_what_no_service_answers_is_the_same_word_for_word(http):
    async for answer in answers_of(http):
        if answer.status_code in WORDS:
            code, title, detail = WORDS[answer.status_code]
            assert answer.json() == {
                "type": "about:blank",
                "title": title,
                "status": answer.status_code,
                "code": code,
                "detail": detail,
            }


async def test_what_says_otherwise_is_left_alone(http):
    keys = await http.get("/.well-known/jwks.json")

    assert keys.headers.get_list("cache-control") == ["public, max-age=300"]


@pytest.mark.parametrize("path", ["/api/user", "/api/nothing", "/api/openapi.json"])
async def test_answers_of_the_api_are_never_kept(http, path):
    assert (await http.get(path)).headers.get_list("cache-control") == ["no-store"]


async def test_over_tls_browsers_are_told_to_stay_with_it(origin):
    async with origin.client(**{"x-forwarded-proto": "https"}) as http:
        for path in ("/", "/api/user"):
            answer = await http.get(path)
            assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_every_answer_has_an_id_of_its_own(http):
    ids = [answer.headers.get_list("x-correlation-id") async for answer in answers_of(http)]

    assert all(len(values) == 1 for values in ids)
    assert all(str(UUID(values[0])) == values[0] for values in ids)
    assert len({values[0] for values in ids}) == len(ids)


@pytest.mark.parametrize("path", ["/", "/api/user", "/api/nothing", "/assets/none.js"])
async def test_an_id_that_was_sent_is_kept(http, path):
    mine = str(uuid4())

    answer = await http.get(path, headers={"x-correlation-id": mine})

    assert answer.headers.get_list("x-correlation-id") == [mine]


@pytest.mark.parametrize("odd", ["1", "x" * 36, "0" * 31 + "g", "<script>"])
async def test_an_id_that_is_none_is_replaced(http, odd):
    answer = await http.get("/api/user", headers={"x-correlation-id": odd})

    assert UUID(answer.headers["x-correlation-id"])


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/nothing",
        "/dev/nothing",
        "/files",
        "/health",
        "/metrics/x",
        "/version/x",
    ],
)
async def test_what_is_the_products_own_is_no_page_even_where_there_is_nothing(http, path):
    answer = await http.get(path)

    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/version", "/api/openapi.json"])
async def test_what_all_services_answer_together_is_answered(http, path):
    answer = await http.get(path)

    assert answer.status_code == 200
    assert json.loads(answer.text)
