"""What people set: a name, a password, how it looks, and which devices are signed in."""

from playwright.async_api import expect

from tests.browser.visitors import PASSWORD, Visitor


async def test_a_name_is_kept(visitor: Visitor):
    await visitor.sign_up()
    await visitor.go("/settings")

    await visitor.fill(name="Ann Lee")
    await visitor.press("Save")
    await visitor.see("Your name is saved.")
    await visitor.page.reload()

    await expect(visitor.page.get_by_label("Name", exact=True)).to_have_value("Ann Lee")


async def test_a_changed_password_signs_every_other_device_out(arriving):
    here, there = await arriving(), await arriving()
    await here.sign_up()
    there.address = here.address
    await there.log_in()

    await here.go("/settings")
    await here.fill(current_password=PASSWORD, new_password="another good password")
    await here.press("Change password")
    await here.see("Your password is changed.")

    await there.page.reload()
    await there.see_title("Sign in")
    here.password = "another good password"
    await here.page.reload()
    await here.see_title("Settings")


async def test_a_wrong_current_password_is_told_at_its_field(visitor: Visitor):
    await visitor.sign_up()
    await visitor.go("/settings")

    await visitor.fill(current_password="a wrong one", new_password="another good password")
    await visitor.press("Change password")

    await visitor.see("The current password is not right.")
    field = visitor.page.get_by_label("Current password", exact=True)
    await expect(field).to_have_attribute("aria-invalid", "true")


async def test_a_device_is_signed_out_from_another(arriving):
    here, phone = await arriving(), await arriving(user_agent="Mozilla/5.0 (iPhone) Safari/1")
    await here.sign_up()
    phone.address = here.address
    await phone.log_in()

    await here.go("/settings")
    await here.see("This device")
    await here.page.get_by_role("button", name="Sign out ").last.click()
    await here.see("That device is signed out, within 15 minutes at the latest.")

    await phone.page.reload()
    await phone.see_title("Sign in")


async def test_the_dark_appearance_is_kept(visitor: Visitor):
    await visitor.sign_up()
    await visitor.go("/settings")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = await visitor.page.evaluate(ground)

    await visitor.page.get_by_role("main").get_by_text("Dark", exact=True).click()
    await expect(visitor.page.locator("body")).not_to_have_css("background-color", light)
    await visitor.page.reload()

    await visitor.see_title("Settings")
    assert await visitor.page.evaluate(ground) != light
