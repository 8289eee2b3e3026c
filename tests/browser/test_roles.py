"""What each role may not do is neither offered nor done; what strangers send is not taken."""

from __future__ import annotations

import pytest

OFFERED = {
    "viewer": set(),
    "operator": {"Poll now", "Pause", "Edit"},
    "admin": {"Poll now", "Pause", "Edit", "Rotate signature key…", "Delete…"},
}
ALL = {"Poll now", "Pause", "Edit", "Rotate signature key…", "Delete…"}
CLOSED = {
    "viewer": ["/instances/{legal}/edit", "/instances/new?connector=egnyte", "/instances/{legal}/delete"],
    "operator": ["/instances/{legal}/delete", "/instances/{legal}/key"],
    "admin": [],
}


@pytest.mark.parametrize("role", OFFERED)
async def test_a_role_is_offered_what_it_may_and_no_more(stage, open_page, role):
    page = await open_page(stage.world, stage.people[role])
    await page.goto(f"/instances/{stage.ids['legal']}")
    shown = await page.locator("main button, main a").all_text_contents()
    assert {word.strip() for word in shown} & ALL == OFFERED[role]
    for path in CLOSED[role]:
        answer = await page.goto(path.format_map(stage.ids))
        assert answer.status == 403, path
        assert "role" in await page.locator("main").inner_text()
    await page.goto("/operations")
    assert await page.get_by_text("This installation").count() == (role == "admin")
    await page.goto("/organization")
    assert await page.get_by_role("heading", name="Invite somebody").count() == (role == "admin")


async def test_a_form_of_another_site_changes_nothing(stage, open_page):
    """The browser brings the session along only where its rules let it; then the form's own token is missing."""
    page = await open_page(stage.world, stage.people["admin"])
    place = f"{stage.world.url}/instances/{stage.ids['legal']}/pause"
    await page.goto(
        stage.world.sandbox.url
        + "/puboauth/token?client_id=key&response_type=code&redirect_uri=http://x.example"
    )
    await page.evaluate(
        """(place) => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = place;
            document.body.append(form);
            form.submit();
        }""",
        place,
    )
    await page.wait_for_url("**/pause")
    assert "sent by another site" in await page.locator("main").inner_text()
    assert not await stage.world.pool.fetchval(
        "SELECT disabled FROM instance WHERE id = $1", stage.ids["legal"]
    )
