"""The event log and the story of one event, as pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tests.store.history import make_past
from tests.support import until

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def list_ids(page: str) -> list[str]:
    return re.findall(r'href="/events/([0-9a-f-]{36})"', page)


def find_older(page: str) -> str:
    found = re.search(r'href="([^"]+)" rel="next"', page)
    assert found, "no older page"
    return found[1].replace("&amp;", "&")


async def find_organization(world) -> int:
    return await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")


async def test_an_empty_log_teaches_the_next_step(quiet, enter):
    browser = await enter(quiet)
    page = await browser.read("/events")
    assert "No event was polled yet" in page
    assert 'href="/connectors"' in page


async def test_the_log_is_narrowed_and_goes_on_while_events_arrive(quiet, enter):
    organization_id = await find_organization(quiet)
    first, second = [await make_past(quiet.pool, organization_id) for _ in range(2)]
    other = await make_past(quiet.pool)  # another organization's
    for minute in range(0, 60, 10):
        for past in (first, second, other):
            await past.commit(NOW + timedelta(minutes=minute), [f"{minute}-{number}" for number in range(10)])
    browser = await enter(quiet, "viewer")
    newest = await browser.read("/events")
    shown = list_ids(newest)
    assert len(shown) == 50
    await first.commit(NOW + timedelta(hours=2), ["late"])
    older = await browser.read(find_older(newest))
    expected = await quiet.pool.fetch(
        "SELECT id FROM event WHERE instance_id = ANY($1) AND object_id <> 'late'"
        " ORDER BY polled_at DESC, instance_id DESC, sequence DESC",
        [first.instance_id, second.instance_id],
    )
    last = await browser.read(find_older(older))
    assert [*shown, *list_ids(older), *list_ids(last)] == [str(row["id"]) for row in expected]
    assert len(list_ids(last)) == 20

    of_one = await browser.read(f"/events?instance={first.instance_id}")
    assert len(list_ids(of_one)) == 50
    assert len(list_ids(await browser.read(find_older(of_one)))) == 11
    for asked, number in {
        "path=30-4": 2,
        "object=30-4": 2,
        f"object=30-4&instance={first.instance_id}": 1,
        "path=LATE": 1,
        "type=DELETED": 0,
        "state=pending&path=20-": 20,
        "state=dead": 0,
        "resource=users": 0,
        "from=2026-03-01T12:10&to=2026-03-01T12:20": 20,
        f"from=2026-03-01T12:50&instance={first.instance_id}": 11,
    }.items():
        assert len(list_ids(await browser.read(f"/events?{asked}"))) == number, asked
    assert "Clear filters" in await browser.read("/events?state=dead")
    assert (
        "there is no instance" in (await browser.read(f"/events?instance={other.instance_id}", 404)).lower()
    )


async def test_a_filter_that_is_wrong_is_told_and_kept(quiet, enter):
    browser = await enter(quiet)
    page = await browser.read("/events?from=yesterday&path=kept&state=lost&instance=x", 400)
    assert "From: give a date and a time in UTC" in page
    assert 'value="kept"' in page
    assert 'href="#state"' in page
    assert 'href="#instance"' in page
    for number in ("9" * 30, "0" * 20 + "9" * 30):
        for path in ("/events", "/deliveries"):
            assert "Instance: give the number" in await browser.read(f"{path}?instance={number}", 400)
    assert "To: it is not after From" in await browser.read(
        "/events?from=2026-03-02T00:00&to=2026-03-01T00:00", 400
    )
    assert "go back to its start" in await browser.read("/events?before=nonsense", 400)


async def test_a_page_looks_at_a_bounded_number_and_says_so(quiet, enter, monkeypatch):
    monkeypatch.setattr("signalpost.store.views.recent.LOOKED_AT", 20)
    past = await make_past(quiet.pool, await find_organization(quiet))
    await past.commit(NOW, ["wanted"])
    for minute in range(1, 5):
        await past.commit(NOW + timedelta(minutes=minute), [str(number) for number in range(10)])
    browser = await enter(quiet)
    for narrowed in ("", f"&instance={past.instance_id}"):
        page = await browser.read(f"/events?path=wanted{narrowed}")
        assert list_ids(page) == []
        assert 'back to <time datetime="2026-03-01T12:03:00' in page
        page = await browser.read(find_older(page))
        assert "Look further back" in page
        assert len(list_ids(await browser.read(find_older(page)))) == 1
    # An object is found by its own index, however old, unless there is more of it than a page looks at.
    assert len(list_ids(await browser.read("/events?object=wanted"))) == 1
    monkeypatch.setattr("signalpost.store.views.recent.LOOKED_AT", 4)
    page = await browser.read("/events?object=7")
    assert "Look further back" in page


async def test_names_that_lie_are_shown_as_they_are(quiet, enter):
    past = await make_past(quiet.pool, await find_organization(quiet))
    await past.commit(NOW, [str(number) for number in range(50)])
    for label in ("/a/<script>alert(1)</script>", "/a/\u202egpj.exe", "/a/👩‍👩‍👧"):
        await past.commit(NOW + timedelta(hours=1), ["odd"])
        await quiet.pool.execute("UPDATE event SET label = $1 WHERE object_id = 'odd' AND label = ''", label)
    browser = await enter(quiet)
    page = await browser.read("/events")
    assert "<script>alert" not in page
    assert "/a/&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page
    assert "\\u202egpj.exe" in page
    assert "/a/👩‍👩‍👧" in page
    for event_id in list_ids(page)[:3]:
        story = await browser.read(f"/events/{event_id}")
        assert "\u202e" not in story
        assert "<script>alert" not in story
    # Whatever they are called, the page stays small.
    for label in ("'" * 4000, "\u202e" * 4000, "👩" * 4000):
        await quiet.pool.execute("UPDATE event SET label = $1", label)
        assert len((await browser.client.get("/events")).content) < 100_000
        assert len((await browser.client.get(f"/events/{event_id}")).content) < 100_000


async def test_an_event_tells_its_whole_story_and_no_secret(world, enter):
    instance = await world.connect(
        **{
            "event.notification.callback.headers": '{"X-Tenant": "a-tenant-secret"}',
            "event.notification.basic.username": "user",
            "event.notification.basic.password": "a-basic-secret",
        }
    )
    await world.wait_for_watermark(instance["id"])
    await world.change(3)
    await until(lambda: len(world.events()) >= 3)
    row = await world.pool.fetchrow("SELECT * FROM event ORDER BY sequence LIMIT 1")
    await until(lambda: world.pool.fetchval("SELECT count(*) FROM notification WHERE state = 'delivered'"))
    viewer, operator = await enter(world, "viewer", "grace@example.com"), await enter(world, "operator")
    page = await viewer.read(f"/events/{row['id']}")
    for told in (
        "Delivered",
        row["object_id"],
        "Raw record",
        "Elements-Webhook-Signature",
        "X-Tenant",
        "Authorization",
    ):
        assert told in page, told
    assert "computed anew at each attempt" in page
    for secret in ("a-tenant-secret", "a-basic-secret", "a signature key"):
        assert secret not in page
    assert re.search(r"<mark>[^<]*event_object_id", page), (
        "the raw field that the object's id came from is not marked"
    )
    assert "Send again" not in page

    record = await viewer.client.get(f"/events/{row['id']}/record")
    assert record.headers["content-type"] == "text/plain; charset=utf-8"
    assert record.headers["content-disposition"].startswith("attachment")
    assert record.json()["event_object_id"] == row["object_id"]

    assert (await viewer.send("/me", f"/events/{row['id']}/send-again")).status_code == 403
    assert (await operator.client.post(f"/events/{row['id']}/send-again")).status_code == 403
    before = len(world.listener.received)
    answer = await operator.send(f"/events/{row['id']}", f"/events/{row['id']}/send-again")
    assert answer.status_code == 303
    await until(lambda: len(world.listener.received) > before)
    assert "It is to be sent again" in await operator.read(answer.headers["location"])
    await until(lambda: world.pool.fetchval("SELECT count(*) FROM replay WHERE state = 'done'"))
    assert f"of replay {answer.headers['location'].split('=')[1]}" in await viewer.read(
        f"/events/{row['id']}"
    )
    assert await world.pool.fetchval("SELECT action FROM audit") == "delivery.sent_again"


async def test_an_event_of_others_is_not_there(quiet, enter):
    other = await make_past(quiet.pool)
    await other.commit(NOW, ["theirs"])
    event_id = await quiet.pool.fetchval("SELECT id FROM event")
    browser = await enter(quiet)
    for path in (f"/events/{event_id}", f"/events/{event_id}/record", "/events/nonsense"):
        await browser.read(path, 404)
