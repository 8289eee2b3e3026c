"""Deliveries as pages: what failed and what waits first, held endpoints, sent again one by one or together."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.delivery.again import MOST_CHOSEN
from tests.store.history import make_past
from tests.support import until

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def list_ids(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'href="/deliveries/(\d+)"', page)]


def find_following(page: str, state: str) -> str:
    found = re.search(rf'href="(/deliveries\?[^"]*state={state}&amp;after=[^"]*)"', page)
    assert found, f"no page of {state} follows"
    return found[1].replace("&amp;", "&")


@pytest.fixture
async def pasts(quiet):
    """Two instances of the organization, and one of another."""
    organization_id = await quiet.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
    return [await make_past(quiet.pool, each) for each in (organization_id, organization_id, None)]


async def test_failed_and_waiting_ones_come_first_and_lists_go_on(quiet, pasts, enter):
    browser = await enter(quiet, "viewer")
    assert "Nothing was sent yet" in await browser.read("/deliveries")
    pages = {}
    for minute in range(60):
        for past in pasts:
            pages[past.instance_id, minute] = await past.commit(
                NOW + timedelta(minutes=minute), [f"{minute}"]
            )
    for past in pasts:
        for minute in range(55):
            await past.end(pages[past.instance_id, minute], "dead" if minute % 2 else "delivered", attempts=3)
    shown = await browser.read("/deliveries")
    headings = re.findall(r'<h2 id="list-\w+">(\w+)', shown)
    assert headings == ["Failed", "Waiting", "Delivered"]
    own = [past.instance_id for past in pasts[:2]]
    rows = await quiet.pool.fetch(
        "SELECT id, state FROM notification WHERE instance_id = ANY($1) ORDER BY id DESC", own
    )
    dead = [row["id"] for row in rows if row["state"] == "dead"]
    waiting = await quiet.pool.fetch(
        "SELECT id FROM notification WHERE instance_id = ANY($1) AND state = 'pending' ORDER BY instance_id, lane_order",
        own,
    )
    delivered = [row["id"] for row in rows if row["state"] == "delivered"]
    assert list_ids(shown) == [*dead[:20], *[row["id"] for row in waiting], *delivered[:20]]
    assert "Send" not in shown  # a viewer sends nothing

    page = await browser.read(find_following(shown, "dead"))
    assert list_ids(page) == dead[20:]
    assert 'href="/deliveries?state=dead">To the newest' in page
    page = await browser.read(find_following(shown, "delivered"))
    assert list_ids(page) == delivered[20:]
    everything = await browser.read("/deliveries?state=delivered")
    assert list_ids(everything) == delivered[:50]
    of_one = await browser.read(f"/deliveries?state=dead&instance={own[0]}")
    assert len(list_ids(of_one)) == 27
    spanned = await browser.read("/deliveries?state=dead&from=2026-03-01T12:10&to=2026-03-01T12:20")
    assert len(list_ids(spanned)) == 10
    assert len(list_ids(await browser.read("/deliveries?state=delivered&from=2027-01-01T00:00"))) == 0
    assert "No delivery is as the filters ask" in await browser.read("/deliveries?state=cancelled")
    other = await quiet.pool.fetchval(
        "SELECT min(id) FROM notification WHERE instance_id = $1", pasts[2].instance_id
    )
    assert "there is no delivery" in (await browser.read(f"/deliveries/{other}", 404)).lower()
    await browser.read(f"/deliveries?instance={pasts[2].instance_id}", 404)
    await quiet.pool.execute("UPDATE notification SET state = 'delivered' WHERE state = 'dead'")
    assert "There is nothing older" in await browser.read(find_following(shown, "dead"))


async def test_no_more_replays_are_made_than_may_run(quiet, pasts, enter):
    """Every second of 24 dead letters is chosen: as many rows of neighbours; ten replays may run."""
    past = pasts[0]
    for minute in range(24):
        await past.end(await past.commit(NOW + timedelta(minutes=minute), ["a"]), "dead")
    ids = [row["id"] for row in await quiet.pool.fetch("SELECT id FROM notification ORDER BY id")]
    operator = await enter(quiet, "operator")
    answer = await operator.send("/deliveries", "/deliveries/send-again", delivery=ids[::2])
    assert answer.status_code == 303
    page = await operator.read(answer.headers["location"])
    assert "Some had to wait: 10 replays of instance" in page
    assert "DELETE" not in page
    assert page.count(f'href="/instances/{past.instance_id}/replays/') == 10
    spans = await quiet.pool.fetch("SELECT first_id, last_id FROM replay ORDER BY id")
    assert [tuple(row) for row in spans] == [(number, number) for number in ids[:20:2]]
    assert (
        await operator.send("/deliveries", "/deliveries/send-again", delivery=ids[-1:])
    ).status_code == 409


async def test_what_waits_goes_on_lane_by_lane(quiet, pasts, enter):
    for past in pasts:
        await past.commit(NOW, [str(number) for number in range(400)])
    browser = await enter(quiet)
    page, found = await browser.read("/deliveries?state=pending"), []
    while True:
        found += list_ids(page)
        if "after=" not in page:
            break
        page = await browser.read(find_following(page, "pending"))
    rows = await quiet.pool.fetch(
        "SELECT id FROM notification WHERE instance_id = ANY($1) ORDER BY instance_id, lane_order",
        [past.instance_id for past in pasts[:2]],
    )
    assert found == [row["id"] for row in rows]


async def test_a_page_looks_at_a_bounded_number_and_says_so(quiet, pasts, enter, monkeypatch):
    monkeypatch.setattr("signalpost.store.views.delivery_list.LOOKED_AT", 5)
    past = pasts[0]
    for minute in range(8):
        await past.end(await past.commit(NOW + timedelta(minutes=minute), ["a"]))
    await quiet.pool.execute(
        "UPDATE notification SET state = 'cancelled' WHERE id = (SELECT min(id) FROM notification)"
    )
    browser = await enter(quiet)
    page = await browser.read("/deliveries?state=cancelled")
    assert list_ids(page) == []
    assert "Look further back" in page
    assert len(list_ids(await browser.read(find_following(page, "cancelled")))) == 1


async def test_a_held_endpoint_is_told_with_what_to_do(quiet, pasts, enter):
    past = pasts[0]
    await past.commit(NOW, ["a", "b"])
    await quiet.pool.execute("UPDATE notification SET failures = 17, attempts = 17")
    await quiet.pool.execute(
        "UPDATE endpoint SET failing_since = $1, last_error = 'the callback answered 503 <b>',"
        " url = 'https://user:pass@example.com/?key=hidden'",
        NOW,
    )
    viewer, operator = await enter(quiet, "viewer", "grace@example.com"), await enter(quiet, "operator")
    page = await operator.read("/deliveries")
    for told in (
        "Held",
        "the callback answered 503 &lt;b&gt;",
        "2026-03-01 12:00:00 UTC",
        "17 attempts",
        "1 notification waits",
        "Try now",
    ):
        assert told in page, told
    assert "key=hidden" not in page
    assert "user:pass" not in page
    assert f'action="/instances/{past.instance_id}/release"' in page
    assert page.count('class="needs-you"') == 2  # that of the other organization is not told
    assert "Try now" not in await viewer.read("/deliveries")


async def list_notifications(world, instance) -> list[int]:
    rows = await world.pool.fetch(
        "SELECT id FROM notification WHERE instance_id = $1 ORDER BY id", instance["id"]
    )
    return [row["id"] for row in rows]


@pytest.fixture
async def failed(world):
    """Two instances, each with five notifications that failed; the callback has come to its senses since."""
    instances = [await world.connect() for _ in range(2)]
    for instance in instances:
        await world.wait_for_watermark(instance["id"])
    for _ in range(5):
        number = len(world.events())
        await world.change(2)
        await until(lambda number=number: len(world.events()) >= number + 4)
    await until(
        lambda: world.pool.fetchval(
            "SELECT count(*) FILTER (WHERE state <> 'delivered') = 0 FROM notification"
        )
    )
    await world.pool.execute("UPDATE notification SET state = 'dead', dead_at = now(), delivered_at = NULL")
    return instances


async def test_failed_ones_are_sent_again_by_who_may(world, failed, enter):
    viewer, operator = await enter(world, "viewer", "grace@example.com"), await enter(world, "operator")
    ids = await list_notifications(world, failed[0])
    assert (await viewer.send("/me", "/deliveries/send-again", delivery=ids)).status_code == 403
    assert (await viewer.send("/me", "/deliveries/send-failed")).status_code == 403
    assert (await operator.client.post("/deliveries/send-failed")).status_code == 403
    nothing = await operator.send("/deliveries", "/deliveries/send-again", state="dead")
    assert nothing.status_code == 400
    assert "tick at least one failed delivery" in nothing.text
    many = list(range(1, MOST_CHOSEN + 2))
    answer = await operator.send("/deliveries", "/deliveries/send-again", delivery=many)
    assert "choose at most 200" in answer.text
    assert await world.pool.fetchval("SELECT count(*) FROM replay") == 0


async def test_failed_ones_are_sent_again_together_and_progress_is_shown(world, failed, enter):
    viewer, operator = await enter(world, "viewer", "grace@example.com"), await enter(world, "operator")
    by_instance = [await list_notifications(world, each) for each in failed]
    # Not the third of either instance: neighbours go together, what lies between stays.
    chosen = [number for numbers in by_instance for number in numbers if number != numbers[2]]
    answer = await operator.send("/deliveries", "/deliveries/send-again", delivery=chosen)
    assert answer.status_code == 303
    assert await world.pool.fetchval("SELECT count(*) FROM replay") == 4
    await until(lambda: world.pool.fetchval("SELECT bool_and(state = 'done') FROM replay"))
    dead = await world.pool.fetch("SELECT id FROM notification WHERE state = 'dead' ORDER BY id")
    assert [row["id"] for row in dead] == sorted(numbers[2] for numbers in by_instance)
    page = await viewer.read(answer.headers["location"])
    assert "Ended" in page
    assert f"{len(chosen)} notifications taken" in page
    assert 'value="100"' in page

    answer = await operator.send("/deliveries", "/deliveries/send-failed", instance=failed[0]["id"])
    assert answer.headers["location"] == "/deliveries/progress?replays=5"
    answer = await operator.send("/deliveries", "/deliveries/send-failed")
    assert answer.status_code == 303
    await until(lambda: world.pool.fetchval("SELECT count(*) = 0 FROM notification WHERE state = 'dead'"))
    answer = await operator.send("/me", "/deliveries/send-again", delivery=chosen)
    assert answer.status_code == 409
    assert "sent meanwhile" in answer.text
    details = [row["detail"] for row in await world.pool.fetch("SELECT detail FROM audit ORDER BY id")]
    assert details[0] == "had 8 chosen deliveries sent again"
    assert "had all failed deliveries of API_Polling sent again" in details
    await viewer.read("/deliveries/progress?replays=99999", 400)


async def test_what_is_left_when_all_failed_ones_are_sent_again_is_told(world, failed, enter, monkeypatch):
    operator, send_all = await enter(world, "operator"), ("/deliveries", "/deliveries/send-failed")
    one, other = sorted(each["id"] for each in failed)
    # The button that sends all stands where all are shown that it would send.
    for path, number in (
        ("", 1),
        (f"&instance={one}", 1),
        ("&from=2020-01-01T00:00", 0),
        ("&to=2100-01-01T00:00", 0),
    ):
        page = await operator.read(f"/deliveries?state=dead{path}")
        assert page.count(f'action="{send_all[1]}"') == number, path
    await world.pool.execute("UPDATE instance SET disabled = true")
    assert "An instance that is paused is sent nothing" in (await operator.send(*send_all)).text
    of_one = f"/deliveries/{(await list_notifications(world, failed[0]))[0]}/send-again"
    shown = await operator.read((await operator.send("/me", of_one)).headers["location"])
    assert "until the instance, which is paused, is resumed" in shown
    await world.pool.execute("DELETE FROM replay")
    await world.pool.execute("UPDATE instance SET disabled = false WHERE id = $1", other)
    shown = await operator.read((await operator.send(*send_all)).headers["location"])
    assert "Some had to wait: an instance that is paused" in shown
    assert await world.pool.fetch("SELECT instance_id FROM replay") == [(other,)]
    await until(lambda: world.pool.fetchval("SELECT bool_and(state = 'done') FROM replay"))
    await world.pool.execute("UPDATE instance SET disabled = false")
    await world.pool.execute("UPDATE notification SET state = 'dead' WHERE instance_id = $1", other)
    monkeypatch.setattr("signalpost.delivery.again.MOST_CHOSEN", 1)
    shown = await operator.read((await operator.send(*send_all)).headers["location"])
    assert "no more than 1 instances are taken" in shown
    assert await world.pool.fetchval("SELECT instance_id FROM replay ORDER BY id DESC LIMIT 1") == one


async def test_a_delivery_shows_its_events_attempts_and_body(quiet, pasts, enter):
    past = pasts[0]
    page_id = await past.commit(NOW, [f"object {number}" for number in range(3)])
    await past.end(page_id, "dead", attempts=25)
    await quiet.pool.execute("UPDATE attempt SET excerpt = $1", "<p>it fell\u202e over</p>\r\n" * 40)
    number = await quiet.pool.fetchval("SELECT max(id) FROM notification")
    operator = await enter(quiet, "operator")
    answer = await operator.client.get(f"/deliveries/{number}")
    page = answer.text
    assert len(answer.content) < 100_000
    for told in (
        "3 events",
        "after 25 attempts",
        "attempt 25",
        "Only the newest 20",
        "object 2",
        "application/json",
    ):
        assert told in page, told
    assert "attempt 5," not in page
    assert "<p>it fell" not in page
    assert "\\u202e" in page
    assert "&#34;topic&#34;" in page
    assert f'action="/deliveries/{number}/send-again"' in page
    assert (
        await operator.send(f"/deliveries/{number}", f"/deliveries/{number}/send-again")
    ).status_code == 303
    await quiet.pool.execute("UPDATE notification SET state = 'pending'")
    assert "Send again" not in await operator.read(f"/deliveries/{number}")
    answer = await operator.send("/me", f"/deliveries/{number}/send-again")
    assert answer.status_code == 409
    assert "still waits in its lane and comes in its turn" in answer.text
    assert "PUT /instances" not in answer.text
    await operator.read("/deliveries/nonsense", 400)
