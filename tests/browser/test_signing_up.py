"""J2: somebody signs up, confirms the address, comes back, and forgets the password."""

from playwright.async_api import expect

from tests.browser.visitors import Visitor


async def test_signing_up_and_confirming_the_address_gives_ten_credits(visitor: Visitor):
    await visitor.sign_up()
    await visitor.has_credits(0, "bad")
    await visitor.see("Confirm your e-mail, and 10 credits are yours")

    await visitor.open_mail("onfirm")
    await visitor.press("Confirm my address")
    await visitor.see_title("Your e-mail is confirmed")
    await visitor.press("Go to your work")

    await visitor.has_credits(10, "warn")


async def test_who_signs_out_comes_back_to_where_they_were_going(visitor: Visitor):
    await visitor.sign_up()
    await visitor.sign_out()

    await visitor.page.goto(f"{visitor.product.origin}/settings")
    await visitor.see_title("Sign in")
    await visitor.fill(email=visitor.address, password=visitor.password)
    await visitor.press("Sign in")

    await visitor.see_title("Settings")


async def test_a_forgotten_password_is_set_anew_by_mail(visitor: Visitor):
    await visitor.sign_up()
    await visitor.sign_out()

    await visitor.press("Forgot your password?")
    await visitor.see_title("Forgot your password?")
    await visitor.fill(email=visitor.address)
    await visitor.page.get_by_role("button").filter(has_text="link").click()
    await visitor.see("on its way")
    await visitor.open_mail("password")
    visitor.password = "a much better password"
    await visitor.page.get_by_label("New password", exact=True).fill(visitor.password)
    await visitor.page.get_by_role("button", name="password").last.click()
    await visitor.see_title("Sign in")

    await visitor.log_in()


async def test_a_wrong_password_is_told_and_what_was_typed_stays(visitor: Visitor):
    await visitor.sign_up()
    await visitor.sign_out()

    await visitor.fill(email=visitor.address, password="a wrong one")
    await visitor.press("Sign in")

    await visitor.see("The e-mail address or the password is not right.")
    await expect(visitor.page.get_by_label("E-mail")).to_have_value(visitor.address)


async def test_an_address_that_is_taken_leads_to_the_sign_in(visitor: Visitor):
    await visitor.sign_up()
    await visitor.sign_out()

    await visitor.go("/signup")
    await visitor.fill(email=visitor.address, password=visitor.password)
    await visitor.press("Create account")

    await visitor.see("There is an account with this address")
    await visitor.press("Sign in")
    await expect(visitor.page.get_by_label("E-mail")).to_have_value(visitor.address)
