"""The built pages: their files, and `index.html` for every path that is a page's."""

import pytest

from tests.gateway.origins import HASHED, INDEX, SCRIPT

PAGES = [
    *("/", "/login", "/dashboard", "/dashboard/credits/success?session_id=cs_1", "/index.html"),
    *("/claim?token=a.b", "/developers", "/apis", "/files-of-mine", "/assets", "/a/b/c/"),
]


@pytest.mark.parametrize("path", PAGES)
async def test_a_path_that_is_nobody_elses_is_a_page(http, path):
    answer = await http.get(path)

    assert (answer.status_code, answer.text) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", HASHED, "/favicon.svg"])
async def test_what_has_not_changed_is_not_sent_again(http, path):
    first = await http.get(path)

    again = await http.get(path, headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"]


async def test_a_file_whose_name_holds_its_hash_is_kept_for_ever(http):
    answer = await http.get(HASHED)

    assert (answer.status_code, answer.text) == (200, SCRIPT)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/favicon.svg", "image/svg+xml"), ("/site.webmanifest", "application/manifest+json")],
)
async def test_other_files_are_asked_for_again_each_time(http, path, media_type):
    answer = await http.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_file_is_sent_compressed_to_who_can_read_it(http):
    compressed = await http.get(HASHED, headers={"accept-encoding": "gzip"})
    plain = await http.get(HASHED, headers={"accept-encoding": "identity"})

    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert compressed.text == plain.text == SCRIPT
    assert int(compressed.headers["content-length"]) < int(plain.headers["content-length"])
    assert compressed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path", ["/assets/index-of-yesterday.js", "/robots.txt", "/.vite/manifest.json", "/.env"]
)
async def test_a_file_that_is_not_there_is_no_page(http, path):
    answer = await http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "immutable" not in answer.headers.get("cache-control", "")


@pytest.mark.parametrize(
    "path", ["/assets/../index.html", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f.env"]
)
async def test_no_path_leads_out_of_the_folder(origin, path):
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    answer = await origin.exchange(request.encode())

    assert b"root:" not in answer
    assert answer.split()[1] in (b"200", b"400", b"404")
    if answer.split()[1] == b"200":
        assert INDEX.encode() in answer


async def test_a_page_can_be_asked_whether_it_is_there(http):
    answer = await http.head("/dashboard")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(INDEX)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_a_page_can_only_be_read(http, method):
    answer = await http.request(method, "/dashboard")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"
