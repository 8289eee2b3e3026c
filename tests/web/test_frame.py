"""What every page has: who is signed in, safe headers, errors as pages."""

from __future__ import annotations

from signalpost.web.pages import TEMPLATES
from signalpost.web.visits import SESSION_COOKIE


async def test_who_is_not_signed_in_is_led_to_the_sign_in_page_and_back(world):
    by_browser = {"Accept": "text/html"}
    answer = await world.outside.get(world.url + "/?a=b", headers=by_browser, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2F%3Fa%3Db")
    answer = await world.outside.get(world.url + "/")
    assert answer.status_code == 401
    assert "the API is below /elements/api-v2" in answer.json()["message"]


async def test_a_form_that_is_sent_after_signing_out_says_that_nothing_was_done(world, browser):
    page = f"{world.url}/instances/new?connector=egnyte"
    browser.client.cookies.delete(SESSION_COOKIE)
    answer = await browser.client.post(page, data={"csrf": "worn"}, headers={"referer": page})
    assert answer.headers["location"] == "/sign-in?next=%2Finstances%2Fnew%3Fconnector%3Degnyte"
    assert "so nothing was done" in await browser.read(answer.headers["location"])
    for foreign in ("https://evil.example/x", "http://[", "", f"{world.url}//evil.example"):
        answer = await browser.client.post(page, headers={"referer": foreign})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_every_answer_carries_the_headers_that_keep_a_browser_safe(world, browser):
    for path in ("/", "/static/console.css", "/nothing", "/sign-in"):
        headers = (await browser.client.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'self'; base-uri 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


async def test_what_is_not_there_is_told_as_a_page_and_api_paths_stay_json(world, browser):
    assert "There is nothing at GET /nothing" in await browser.read("/nothing", 404)
    assert "and nothing was done" in await browser.read("/organization/invitations", 405)
    answer = await browser.client.get("/elements/api-v2/nothing")
    assert answer.json()["message"] == "there is nothing at GET /elements/api-v2/nothing"


async def test_who_has_no_account_is_not_led_to_where_one_is_needed(world, browser, arrive):
    for path, status in ((f"/connect/{'x' * 50}", 404), ("/oauth/callback?state=x&code=y", 400)):
        assert 'href="/"' in (await browser.read(path, status)).partition("<main")[2]
        assert "href=" not in (await arrive().read(path, status)).partition("<main")[2]


def test_what_an_error_says_of_hidden_characters_is_shown():
    """The provider's own words are in it."""
    macros = TEMPLATES.get_template("macros.html").module
    shown = macros.error_summary({"name": "a\u202eb"}), macros.field("name", "Name", error="a\u202eb")
    for each in shown:
        assert "a\\u202eb" in each
        assert "\u202e" not in each
