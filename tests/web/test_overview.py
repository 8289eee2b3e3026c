"""The overview: the first steps, then what needs somebody, what happened today, and the newest events."""

from __future__ import annotations

import pytest

from signalpost.store.views import insight
from tests.support import until
from tests.web.conftest import sign_in

NASTY = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch):
    monkeypatch.setattr(insight, "KEPT_SECONDS", 0)


async def test_before_anything_is_connected_three_steps_are_taught(world, browser):
    page = await browser.read("/")
    for link in ("/connectors", "/instances/new", "/events"):
        assert f'href="{link}"' in page
    assert "signalpost sandbox egnyte" in page
    assert "signalpost listen" in page
    viewer = await sign_in(world, "viewer", "eva@example.com")
    page = await viewer.read("/")
    assert "/instances/new" not in page
    assert "an operator or an admin of Acme takes these steps" in page
    await viewer.client.aclose()


async def test_what_happens_is_shown_and_what_is_wrong_is_told_with_what_to_do(world, browser):
    instance = await world.connect()
    number = instance["id"]
    await world.wait_for_watermark(number)
    page = await browser.read("/")
    assert "Nothing needs you" in page
    assert "None yet: reading began from the moment of connecting" in page
    await world.pool.execute("UPDATE instance SET name = $1", NASTY)
    made = await world.change(3)
    await until(lambda: len(world.events()) >= 3)
    page = await browser.read("/")
    assert "<b>3</b>" in page
    assert "3 events, at most 3 in an hour" in page
    assert NASTY not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    ids = [str(row["id"]) for row in await world.pool.fetch("SELECT id FROM event")]
    assert all(f'href="/events/{event_id}"' in page for event_id in ids)
    labels = [row["label"] for row in await world.pool.fetch("SELECT label FROM event ORDER BY sequence")]
    assert labels == [each["data"]["target_path"] for each in made]
    await world.pool.execute("UPDATE instance SET valid = false")
    page = await browser.read("/")
    assert "Needs authorisation" in page
    assert f'action="/instances/{number}/authorise"' in page
    assert "Instances that need attention: </span>1" in page
    viewer = await sign_in(world, "viewer", "eva@example.com")
    page = await viewer.read("/")
    assert "Needs authorisation" in page
    assert '<form class="inline"' not in page
    await viewer.client.aclose()
    assert (await world.outside.get(world.url + "/", headers={"Accept": "text/html"})).status_code == 303


async def test_another_organization_shows_nothing_of_it(world, browser):
    await world.connect()
    await world.service.organizations.create_credentials("Other", "eve@example.com")
    await world.pool.execute(
        "UPDATE instance SET organization_id = (SELECT id FROM organization WHERE name = 'Other'), valid = false"
    )
    page = await browser.read("/")
    assert "Nothing is connected yet" in page
    assert "attention: <" not in page
