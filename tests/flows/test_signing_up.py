"""J2: sign up, confirm, come back, forget the password."""

from uuid import uuid4

from tests.flows.product import Customer, link_token


async def test_confirming_the_address_gives_ten_credits_once(product):
    customer = await product.customer()
    token = link_token(await product.mail(customer.address, "onfirm"))
    assert (await customer.get("/api/user"))["credits"] == 0

    first = await product.http.post("/api/auth/email/verify", json={"token": token})
    await product.http.post("/api/auth/email/verify", json={"token": token})

    assert first.status_code == 200
    await customer.credits_are(10)


async def test_a_session_is_refreshed_by_its_cookie_and_ends_with_logout(product):
    customer = await product.customer()
    product.http.cookies.clear()
    login = await product.http.post("/api/auth/login", json=customer.credentials)
    assert "httponly" in login.headers["set-cookie"].lower()

    refreshed = await product.http.post("/api/auth/refresh")
    assert refreshed.status_code == 200
    customer.take(refreshed)
    assert (await customer.get("/api/user"))["email"] == customer.address

    assert (await product.http.post("/api/auth/logout")).status_code == 204
    assert (await product.http.post("/api/auth/refresh")).status_code == 401


async def test_a_forgotten_password_is_set_anew_by_mail(product):
    customer = await product.customer()

    answer = await product.http.post("/api/auth/password/forgot", json={"email": customer.address})
    unknown = await product.http.post(
        "/api/auth/password/forgot", json={"email": f"{uuid4().hex}@example.com"}
    )
    assert (answer.status_code, answer.json()) == (unknown.status_code, unknown.json())
    token = link_token(await product.mail(customer.address, "password"))
    again = Customer(product, customer.address, password="a much better password")
    reset = await product.http.post(
        "/api/auth/password/reset", json={"token": token, "password": again.password}
    )

    assert reset.status_code == 204
    await again.log_in()
    refused = await product.http.post("/api/auth/login", json=customer.credentials)
    assert refused.status_code == 401


async def test_an_address_has_one_account(product):
    customer = await product.customer()

    answer = await product.http.post(
        "/api/auth/register", json={"email": customer.address.upper(), "password": "other password"}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
