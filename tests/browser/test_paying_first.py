"""J1: a stranger pays, and finds an account with the credits behind the link in the one mail."""

from tests.browser.visitors import Visitor


async def test_who_paid_claims_the_account_by_the_mailed_link(visitor: Visitor):
    await visitor.product.pay(visitor.address)

    await visitor.open_mail("Welcome to ImpacterAGI!")
    await visitor.fill(new_password=visitor.password)
    await visitor.press("Open my account")

    await visitor.has_credits(1000, "good")
    await visitor.sign_out()
    await visitor.log_in()
    assert len(visitor.product.mails(visitor.address)) == 1


async def test_a_link_that_was_used_says_so(visitor: Visitor):
    await visitor.product.pay(visitor.address)
    await visitor.open_mail("Welcome to ImpacterAGI!")
    link = visitor.page.url
    await visitor.fill(new_password=visitor.password)
    await visitor.press("Open my account")
    await visitor.has_credits(1000, "good")

    await visitor.page.goto(link)
    await visitor.fill(new_password="another password of mine")
    await visitor.press("Open my account")

    await visitor.see_title("This link cannot be used")
