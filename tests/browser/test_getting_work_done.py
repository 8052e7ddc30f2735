"""J4: work is asked for at a price that is known, is seen being done, and is there with its files when it is done."""

from playwright.async_api import expect

from tests.browser.visitors import Visitor

LEADS = "Find me 100 leads in Miami"


async def test_work_is_quoted_done_and_delivered(visitor: Visitor):
    await visitor.arrive_funded(1000)
    field = visitor.page.get_by_label("What do you need done?")
    await field.fill(LEADS)
    await expect(visitor.quote).to_contain_text("credits")
    await field.press("Enter")

    await visitor.task_is("completed")
    await visitor.see("Done!")
    await visitor.see("Download results (leads.csv)")
    await expect(visitor.page.get_by_test_id("receipt")).to_contain_text("Credits used: 100")
    await visitor.has_credits(900, "good")
    await visitor.product.mail(visitor.address, "complete")


async def test_the_result_can_be_downloaded(visitor: Visitor):
    await visitor.arrive_funded(1000)
    await visitor.ask(LEADS)
    await visitor.task_is("completed")

    async with visitor.page.expect_download() as downloading:
        await visitor.press("Download results (leads.csv)")
    download = await downloading.value

    assert download.suggested_filename == "leads.csv"
    assert (await download.path()).read_text().count("\n") > 50
    await visitor.see("Done!")


async def test_progress_and_credits_are_live(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.ask("Say hello [demo: slow 4]")

    await visitor.has_credits(90, "good")
    await visitor.task_is("running")
    await expect(visitor.page.get_by_test_id("progress")).not_to_be_empty()
    await visitor.task_is("completed")
    await visitor.see("Done!")


async def test_what_was_asked_for_is_in_the_history_and_is_found_there(visitor: Visitor):
    await visitor.arrive_funded(1000)
    for subject in ("spring", "autumn"):
        await visitor.go("/dashboard")
        await visitor.ask(f"Write a haiku about {subject}")
        await visitor.task_is("completed")
    history = visitor.page.get_by_role("complementary", name="History")
    await expect(history.get_by_role("link").filter(has_text="haiku")).to_have_count(2)

    await history.get_by_role("searchbox").fill("spring")

    await expect(history.get_by_role("link").filter(has_text="haiku")).to_have_count(1)
    await history.get_by_role("link").filter(has_text="spring").click()
    await expect(visitor.task).to_contain_text("about spring")


async def test_a_link_to_a_task_shows_it_and_only_to_its_owner(arriving):
    owner, stranger = await arriving(), await arriving()
    await owner.arrive_funded(100)
    await owner.ask("Write a haiku")
    await owner.task_is("completed")
    link = owner.page.url
    assert "task=task_" in link

    again = await arriving()
    again.address, again.password = owner.address, owner.password
    await again.log_in()
    await again.page.goto(link)
    await again.task_is("completed")
    await stranger.sign_up()
    await stranger.page.goto(link)
    await stranger.see("There is no such task")


async def test_work_that_is_too_dear_is_not_sent(visitor: Visitor):
    await visitor.arrive_funded(5)
    field = visitor.page.get_by_label("What do you need done?")

    await field.fill(LEADS)
    await expect(visitor.quote).to_contain_text("more than you have")
    await field.press("Enter")

    await expect(visitor.quote).to_contain_text("more than you have")
    await visitor.press("Get credits")
    await visitor.see_title("Credits")


async def test_all_of_it_goes_by_keyboard(visitor: Visitor):
    await visitor.arrive_funded(100)
    keyboard = visitor.page.keyboard

    await visitor.page.get_by_label("What do you need done?").focus()
    await keyboard.type("Say hello")
    await expect(visitor.quote).to_be_visible()
    await keyboard.press("Enter")
    await visitor.task_is("completed")
    await visitor.page.get_by_role("button", name="Account: ").press("Enter")
    await keyboard.press("Control+k")
    await expect(visitor.page.get_by_role("navigation", name="Account")).to_be_hidden()
    await expect(visitor.page.get_by_role("combobox")).to_be_focused()
    await keyboard.type("transac")
    chosen = visitor.page.get_by_role("option", selected=True)
    await expect(chosen).to_contain_text("Transactions")
    await keyboard.press("Enter")

    await visitor.see_title("Transactions")
