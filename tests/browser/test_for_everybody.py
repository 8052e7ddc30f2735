"""The pages are usable by keyboard and by screen reader, in every look: axe finds nothing, and the rest is tried."""

import pytest
from playwright.async_api import expect

from tests.browser.places import LOOKS, WINDOW, every_place
from tests.browser.visitors import Visitor

WIDTHS = (320, 390, 768, 1024, 1280, 1920)
OVERHANG = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
OVERHANG_OF_BOX = "(box) => box.scrollWidth - box.clientWidth"
# Words and numbers in tables that go on in another line, but where text is long.
BROKEN_WORDS = """() => [...document.querySelectorAll("td")].flatMap((cell) => {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const broken = [];
    while (texts.nextNode()) {
        const text = texts.currentNode;
        if (text.parentElement.closest(".wrap-anywhere")) continue;
        for (const { 0: word, index } of text.data.matchAll(/[^\\s-]+/g)) {
            const range = document.createRange();
            range.setStart(text, index);
            range.setEnd(text, index + word.length);
            const tops = [...range.getClientRects()].map(({ top }) => Math.round(top));
            if (new Set(tops).size > 1) broken.push(word);
        }
    }
    return broken;
})"""
# Colours that follow their parents' arrive a frame after them.
DRAWN = "() => new Promise((tell) => setTimeout(() => requestAnimationFrame(tell), 100))"


@pytest.mark.timeout(900)
async def test_no_page_leaves_anybody_out(arriving):
    """Each page as it stands, in light, in dark and as wide as a phone, before axe; and in windows of any width."""
    wrong = []

    async def arrive() -> Visitor:
        return await arriving(reduced_motion="reduce", viewport=WINDOW)

    async for place in every_place(arrive):
        page = place.visitor.page
        for name, look in LOOKS.items():
            await page.emulate_media(color_scheme=look["color_scheme"])
            await page.set_viewport_size(look.get("viewport", WINDOW))
            await page.evaluate(DRAWN)
            found = await place.visitor.violations()
            wrong += [f"{place.name}, {name}: {violation}" for violation in found]
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            await page.evaluate(DRAWN)
            if await page.evaluate(OVERHANG) > 0:
                wrong.append(f"{place.name}, {width}: wider than its window")
            broken = await page.evaluate(BROKEN_WORDS)
            wrong += [f"{place.name}, {width}: {word} is broken" for word in broken]
        await page.set_viewport_size(WINDOW)

    assert wrong == [], "\n".join(wrong)


async def test_who_goes_elsewhere_is_there_with_eyes_and_ears(visitor: Visitor):
    """The heading of the new page has the focus, and the title says where one is."""
    await visitor.sign_up()

    await visitor.page.get_by_role("link", name="Transactions").first.click()
    await visitor.see_title("Transactions")

    await expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    await expect(visitor.page).to_have_title("Transactions · ImpacterAGI")


async def test_the_first_stop_of_the_keyboard_leads_past_the_header(visitor: Visitor):
    await visitor.sign_up()
    await visitor.go("/transactions")
    await visitor.page.reload()
    await visitor.see_title("Transactions")

    await visitor.page.keyboard.press("Tab")

    focused = visitor.page.locator(":focus")
    await expect(focused).to_have_text("Skip to the content")
    await visitor.page.keyboard.press("Enter")
    await visitor.page.keyboard.press("Tab")
    await expect(visitor.page.locator("#content :focus")).to_have_count(1)


async def test_a_dialog_keeps_the_focus_and_gives_it_back(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.ask("Say hello [demo: hang]")
    cancel = visitor.page.get_by_role("button", name="Cancel", exact=True)
    await cancel.click()
    dialog = visitor.page.get_by_role("alertdialog").or_(visitor.page.get_by_role("dialog"))
    await expect(dialog).to_be_visible()

    for _ in range(6):
        await visitor.page.keyboard.press("Tab")
        assert await dialog.evaluate("(box) => box.contains(document.activeElement)")
    await visitor.page.keyboard.press("Escape")

    await expect(dialog).to_have_count(0)
    await expect(cancel).to_be_focused()


async def test_who_wants_no_motion_sees_none(arriving):
    visitor = await arriving(reduced_motion="reduce")
    await visitor.go("/login")

    longest = await visitor.page.evaluate(
        """() => Math.max(...[...document.querySelectorAll("*")].flatMap((each) => {
            const { animationDuration, transitionDuration } = getComputedStyle(each);
            return [animationDuration, transitionDuration].map((text) => parseFloat(text));
        }))"""
    )

    assert longest <= 0.01
