"""What settings make of nginx, and what it answers where nobody is behind it."""

import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.folders import temporary_folder
from tests.gateway.origins import INDEX, build_pages, serving_nginx
from tests.servers import need_nginx

NOBODY = "127.0.0.1:1"
FORGOT = "/api/auth/password/forgot"


@asynccontextmanager
async def nginx(scheme: str = "http", *, pages: bool = True, **told: str) -> AsyncIterator[str]:
    """nginx before nobody."""
    need_nginx()
    with temporary_folder("nginx") as folder:
        web = build_pages(folder / "web") if pages else folder / "nowhere"
        variables = {"WEB_DIST": str(web), **certificate(folder, scheme), **told}
        async with serving_nginx(folder, NOBODY, variables, scheme=scheme) as url:
            yield url


def client(url: str, **options) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, trust_env=False, verify=False, **options)


def certificate(folder: Path, scheme: str) -> dict[str, str]:
    """Files of a certificate for this machine, where TLS is to be spoken."""
    if scheme == "http":
        return {}
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "impacter.test")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.key").write_bytes(private)
    return {
        "GATEWAY_TLS_CERTIFICATE": str(folder / "tls.crt"),
        "GATEWAY_TLS_KEY": str(folder / "tls.key"),
    }


async def test_with_a_certificate_it_speaks_tls_and_sends_others_there():
    async with nginx("https") as url, client(url) as http:
        page = await http.get("/login")
        plain = await http.get(f"{url.replace('https', 'http')}/login?next=/credits")

    assert page.text == INDEX
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert plain.status_code == 308
    assert plain.headers["location"] == f"{url}/login?next=/credits"
    assert "strict-transport-security" not in plain.headers


async def test_old_tls_is_not_spoken():
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with nginx("https") as url, httpx2.AsyncClient(verify=old, trust_env=False) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get(url)


async def test_a_service_that_is_away_is_said_to_be_and_the_pages_are_there():
    async with nginx() as url, client(url) as http:
        page = await http.get("/dashboard")
        away = await http.get("/api/user")

    assert page.text == INDEX
    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    assert away.headers["content-type"] == "application/problem+json"
    assert away.headers.get_list("retry-after") == ["2"]
    assert away.headers.get_list("cache-control") == ["no-store"]


async def test_without_pages_a_page_is_not_there():
    async with nginx(pages=False) as url, client(url) as http:
        answer = await http.get("/login")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_nobody_is_believed_who_is_not_named():
    """Else every request would be another client's, and none of them would ask too often."""
    async with nginx() as url, client(url) as http:
        statuses = []
        for number in range(60):
            told = {"x-forwarded-for": f"192.0.2.{number}", "x-forwarded-proto": "https"}
            answer = await http.post(FORGOT, headers=told, json={})
            assert "strict-transport-security" not in answer.headers
            statuses.append(answer.status_code)

    assert 429 in statuses


async def test_of_several_proxies_the_last_one_that_is_not_ours_is_the_client():
    async with nginx(GATEWAY_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8") as url, client(url) as http:
        statuses = []
        for number in range(60):
            told = {"x-forwarded-for": f"192.0.2.{number}, 198.51.100.1, 10.0.0.{number}"}
            statuses.append((await http.post(FORGOT, headers=told, json={})).status_code)

    assert 429 in statuses


@pytest.mark.parametrize(("factor", "is_held_back"), [("0", False), ("4", False), ("1", True)])
async def test_limits_are_as_wide_as_they_are_set(factor, is_held_back):
    async with nginx(GATEWAY_RATE_FACTOR=factor) as url, client(url) as http:
        statuses = {(await http.post(FORGOT, json={})).status_code for _ in range(60)}

    assert statuses == ({429, 503} if is_held_back else {503})
