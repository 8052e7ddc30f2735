"""What a page must not do: keep a token where scripts or other sites reach it, or speak to anybody else."""

import json

from playwright.async_api import expect

from tests.browser.visitors import Visitor


async def test_no_token_is_where_a_script_could_take_it_from(visitor: Visitor):
    tokens: list[str] = []

    async def remember(response) -> None:
        if "/api/auth/" in response.url and response.ok and response.request.method == "POST":
            tokens.append((await response.json()).get("token", ""))

    visitor.page.on("response", remember)
    await visitor.sign_up()
    await visitor.page.reload()
    await visitor.see_title("What do you need done?")

    kept = await visitor.page.evaluate(
        "() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])"
    )
    assert [token for token in tokens if token]
    assert [token for token in tokens if token and token in kept] == []
    assert "eyJ" not in kept
    [cookie] = await visitor.page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert cookie["path"] == "/api/auth"


async def test_what_an_agent_writes_is_shown_and_never_run(visitor: Visitor):
    """Raw HTML of a result is text; links and pictures in it lead nowhere by themselves."""
    await visitor.arrive_funded(100)

    await visitor.ask(
        "Say hello <img src=x onerror=alert(1)> <script>document.title='bad'</script>"
    )
    await visitor.task_is("completed")

    assert await visitor.page.title() != "bad"
    await expect(visitor.page.locator("article script, article img")).to_have_count(0)


async def test_no_page_can_be_framed_or_scripted_from_elsewhere(visitor: Visitor):
    answer = await visitor.page.goto(f"{visitor.product.origin}/login")
    assert answer is not None
    policy = answer.headers["content-security-policy"]

    injected = await visitor.page.evaluate(
        """() => new Promise((done) => {
            document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "window.isBad = true";
            document.head.append(script);
        })"""
    )
    assert "unsafe" not in policy
    assert injected == "script-src-elem"
    assert await visitor.page.evaluate("() => window.isBad") is None
    visitor.complaints.clear()  # of the script that this test injected


async def test_a_session_does_not_outlive_its_end_on_any_page(visitor: Visitor):
    await visitor.sign_up()
    await visitor.sign_out()

    for path in ("/dashboard", "/transactions", "/settings", "/admin"):
        await visitor.page.goto(f"{visitor.product.origin}{path}")
        await visitor.see_title("Sign in")
    assert json.loads(json.dumps(await visitor.page.context.cookies())) == []
