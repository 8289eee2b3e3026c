"""What is done with an instance from its page: by whom, what it does, and that it is noted."""

from __future__ import annotations

import asyncio
import re

from signalpost.model.configuration import PREVIOUS_KEY, PREVIOUS_KEY_UNTIL, SIGNATURE_KEY
from tests.support import until
from tests.web.conftest import sign_in

ACTIONS = ("poll", "pause", "resume", "release", "replay", "key", "delete")


async def test_roles_see_and_may_do_only_what_is_theirs(world, browser):
    one = await world.connect()
    place = f"/instances/{one['id']}"
    viewer = await sign_in(world, "viewer", "vera@example.com")
    operator = await sign_in(world, "operator", "otto@example.com")
    async with viewer.client, operator.client:
        seen = await viewer.read(place)
        assert 'method="post"' not in seen
        assert f"{place}/edit" not in seen
        csrf = _find_csrf(await operator.read(place))
        for action in ACTIONS:
            assert (await viewer.client.post(f"{place}/{action}", data={"csrf": "x"})).status_code == 403
        for action in ("key", "delete"):
            answer = await operator.client.post(f"{place}/{action}", data={"csrf": csrf, "name": one["name"]})
            assert answer.status_code == 403
            assert f"{place}/{action}" not in await operator.read(place)
            await operator.read(f"{place}/{action}", 403)
        await viewer.read(f"{place}/replay", 403)
    for action in ACTIONS:  # an admin, but not from our page
        assert (await browser.client.post(f"{place}/{action}")).status_code == 403
    assert await world.pool.fetchval("SELECT count(*) FROM audit") == 0
    assert await world.pool.fetchval("SELECT count(*) FROM instance WHERE NOT disabled") == 1


async def test_poll_pause_resume_and_release_are_done_told_and_noted(world, browser):
    one = await world.connect(**{"event.poller.refresh_interval": 60})
    place = f"/instances/{one['id']}"
    await until(lambda: _fetch(world, "SELECT last_poll_at FROM instance"))
    await world.change(3)
    assert not world.events()

    assert _leads(await browser.send(place, f"{place}/poll"), place)
    await until(lambda: len(world.events()) == 3)
    assert "is polled at once" in await browser.read(place)

    assert _leads(await browser.send(place, f"{place}/pause"), place)
    page = await browser.read(place)
    assert "is paused: nothing is polled" in page
    assert ">Pause</button>" not in page
    assert ">Poll now</button>" not in page
    assert "cannot be polled now" in (await browser.send(place, f"{place}/poll")).text
    assert "is paused, and nothing is delivered" in (await browser.send(place, f"{place}/release")).text

    await world.pool.execute("UPDATE resource_poll SET disabled_at = now(), failures = 9")
    assert _leads(await browser.send(place, f"{place}/resume"), place)
    assert await _fetch(
        world,
        "SELECT bool_and(NOT disabled) AND (SELECT bool_and(disabled_at IS NULL) FROM resource_poll) FROM instance",
    )

    await world.pool.execute(
        "UPDATE endpoint SET state = 'deactivated', failing_since = now(), last_error = 'gone', deactivated_at = now()"
    )
    answer = await browser.send(place, f"{place}/release", back="/deliveries")
    assert _leads(answer, "/deliveries")
    assert await _fetch(world, "SELECT state = 'active' AND failing_since IS NULL FROM endpoint")
    assert _leads(await browser.send(place, f"{place}/release", back="https://elsewhere.example.com"), place)

    noted = await world.pool.fetch("SELECT action, email, instance_id FROM audit ORDER BY id")
    assert [row["action"] for row in noted] == [
        "instance.polled",
        "instance.disabled",
        "instance.enabled",
        "instance.resumed",
        "endpoint.released",
        "endpoint.released",
    ]
    assert {(row["email"], row["instance_id"]) for row in noted} == {("ada@example.com", one["id"])}
    assert "enabled API_Polling" in await browser.read(f"{place}/history")


async def _read_form(browser, path: str) -> dict[str, str]:
    page = await browser.read(path)
    return {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("csrf", "kept")}


async def _read_keys(world) -> tuple[str, str]:
    """The key that signs, and the one that signs as well."""
    sealed = await _fetch(world, "SELECT secrets FROM instance")
    kept = world.service.app.console.state.parts.vault.unseal(sealed)["configuration"]
    return kept[SIGNATURE_KEY], kept[PREVIOUS_KEY]


async def test_a_key_is_shown_once_when_it_is_made(world, browser):
    one = await world.connect()
    place = f"/instances/{one['id']}"
    form = await _read_form(browser, f"{place}/key") | {"overlap": "3600"}
    answer = await browser.client.post(f"{place}/key", data=form)
    assert answer.status_code == 200
    key = re.search(r"whsec_[\w+/=]+", answer.text)[0]
    assert "shown this once" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    # Another rotation would end the key before this one: that is told where it is asked for.
    assert "With another rotation it ends at once" in await browser.read(f"{place}/key")
    over = {PREVIOUS_KEY_UNTIL: "2026-01-01T00:00:00Z"}
    await world.pool.execute("UPDATE instance SET configuration = configuration || $1::jsonb", over)
    assert "it ends at once" not in await browser.read(f"{place}/key")
    for path in (f"{place}/key", place, f"{place}/configuration", f"{place}/history"):
        assert key not in await browser.read(path)
    assert key not in str(await world.pool.fetch("SELECT * FROM audit"))
    answer = await browser.client.post(f"{place}/key", data=form | {"overlap": "5"})
    assert answer.status_code == 400


async def test_a_form_that_is_sent_again_rotates_no_second_time(world, browser):
    one = await world.connect()
    path = f"/instances/{one['id']}/key"
    form, late = await _read_form(browser, path), await _read_form(browser, path)
    answers = await asyncio.gather(*(browser.client.post(path, data=form) for _ in range(2)))
    answers.append(await browser.client.post(path, data=form))
    keys = {re.search(r"whsec_[\w+/=]+", answer.text)[0] for answer in answers}
    assert len(keys) == 1
    assert await _read_keys(world) == (*keys, "a signature key")
    # A page that was opened before, in another window or by another admin, asks again.
    refused = await browser.client.post(path, data=late | {"overlap": "0"})
    assert refused.status_code == 409
    assert '<option value="0" selected>' in refused.text
    assert "The key was changed after this page was opened" in refused.text
    assert await _read_keys(world) == (*keys, "a signature key")
    again = late | {"kept": re.search(r'name="kept" value="([^"]+)"', refused.text)[1]}
    assert (await browser.client.post(path, data=again)).status_code == 200
    assert (await _read_keys(world))[1:] == tuple(keys)
    assert (await browser.client.post(path, data=again | {"kept": "worn"})).status_code == 409


async def test_an_instance_is_deleted_once_its_name_is_typed(world, browser):
    one = await world.connect()
    place = f"/instances/{one['id']}"
    await until(lambda: _fetch(world, "SELECT last_poll_at FROM instance"))
    assert "its watermarks: how far events was read" in await browser.read(f"{place}/delete")
    wrong = await browser.send(f"{place}/delete", f"{place}/delete", name="<b>other</b>")
    assert wrong.status_code == 400
    assert 'value="&lt;b&gt;other&lt;/b&gt;"' in wrong.text
    assert 'href="#name"' in wrong.text
    assert await _fetch(world, "SELECT count(*) FROM instance") == 1
    assert _leads(await browser.send(f"{place}/delete", f"{place}/delete", name="API_Polling"), "/instances")
    assert await _fetch(world, "SELECT count(*) FROM instance") == 0
    assert "API_Polling is deleted" in await browser.read("/instances")
    assert (
        await _fetch(world, "SELECT detail FROM audit")
        == f"deleted API_Polling (instance {one['id']}) with its events"
    )


async def test_a_name_that_is_typed_as_the_page_shows_it_is_that_of_the_instance(quiet, enter):
    """Browsers show blanks in a row as one, and keyboards compose letters in their own way."""
    browser = await enter(quiet)
    place = f"/instances/{(await quiet.connect())['id']}"
    await quiet.pool.execute("UPDATE instance SET name = $1", "Acme  Caf\u00e9\u3000\u5951\u7d04")
    for typed in ("Acme Caf\u00e9", "AcmeCaf\u00e9 \u5951\u7d04", ""):
        answer = await browser.send(f"{place}/delete", f"{place}/delete", name=typed)
        assert answer.status_code == 400
    answer = await browser.send(f"{place}/delete", f"{place}/delete", name="Acme Cafe\u0301 \u5951\u7d04")
    assert _leads(answer, "/instances")


async def test_what_is_told_of_a_name_that_is_written_from_the_right_reads_from_the_left(quiet, enter):
    browser = await enter(quiet)
    place = f"/instances/{(await quiet.connect())['id']}"
    await quiet.pool.execute("UPDATE instance SET name = $1", "\u0639\u0642\u062f 2024")
    await browser.send("/me", f"{place}/pause")
    assert '<bdi dir="ltr">\u0639\u0642\u062f 2024 is paused' in await browser.read(place)


async def test_a_replay_is_confirmed_runs_and_is_watched(world, browser):
    one = await world.connect()
    place = f"/instances/{one['id']}"
    await until(lambda: _fetch(world, "SELECT watermark FROM resource_poll"))
    await world.change(3)
    await until(lambda: len(world.events()) == 3)
    await until(lambda: _fetch(world, "SELECT bool_and(state = 'delivered') FROM notification"))

    asked = await browser.send(f"{place}/replay", f"{place}/replay", sequence="1", **{"from": "", "url": ""})
    assert asked.status_code == 200
    count = await _fetch(world, "SELECT count(*) FROM notification")
    assert f"Replay {count} notification" in asked.text
    assert "event 1 on" in asked.text
    assert await _fetch(world, "SELECT count(*) FROM replay") == 0
    fields = {"from": "", "sequence": "1", "url": "", "confirmed": "true"}
    led = await browser.send(f"{place}/replay", f"{place}/replay", **fields)
    assert led.status_code == 303
    await until(lambda: len(world.events()) == 6)
    await until(lambda: _fetch(world, "SELECT state = 'done' FROM replay"))
    page = await browser.read(led.headers["location"])
    assert "done" in page
    assert f"{count} notification" in page
    assert re.search(r"<progress [^>]*max=\"(\d+)\" value=\"\1\"", page)
    assert "Cancel" not in page
    assert "replay 1: done" in await browser.read(f"{place}/history")
    await browser.read(f"{place}/replays/999", 404)


async def test_a_confirmed_replay_that_is_sent_again_is_one(world, browser):
    one = await world.connect()
    path = f"/instances/{one['id']}/replay"
    await until(lambda: _fetch(world, "SELECT watermark FROM resource_poll"))
    await world.change(1)
    await until(lambda: _fetch(world, "SELECT state = 'delivered' FROM notification"))
    fields = {"from": "", "sequence": "1", "url": ""}
    asked = await browser.send(path, path, **fields)
    form = fields | dict(re.findall(r'name="(csrf|confirmed|after)" value="(\w+)"', asked.text))
    answers = await asyncio.gather(*(browser.client.post(path, data=form) for _ in range(3)))
    assert {answer.headers["location"] for answer in answers} == {f"{path}s/1"}
    assert await _fetch(world, "SELECT count(*) FROM replay") == 1
    assert await _fetch(world, "SELECT count(*) FROM audit WHERE action = 'replay.asked'") == 1
    # Who looks anew may have it again, and elsewhere.
    asked = await browser.send(path, path, **fields)
    form |= dict(re.findall(r'name="(after)" value="(\w+)"', asked.text))
    elsewhere = {"url": "http://127.0.0.1:9/nobody"}
    for more, number in (({}, 2), (elsewhere, 3), (elsewhere, 3)):
        assert _leads(await browser.client.post(path, data=form | more), f"{path}s/{number}")
    assert await _fetch(world, "SELECT count(*) FROM audit WHERE action = 'replay.asked'") == 3


async def test_a_replay_that_runs_is_cancelled(world, browser):
    one = await world.connect()
    place = f"/instances/{one['id']}"
    await until(lambda: _fetch(world, "SELECT watermark FROM resource_poll"))
    await world.change(1)
    await until(lambda: _fetch(world, "SELECT state = 'delivered' FROM notification"))
    fields = {
        "from": "2020-01-01T00:00",
        "sequence": "",
        "url": "http://127.0.0.1:9/nobody",
        "confirmed": "true",
    }
    led = await browser.send(f"{place}/replay", f"{place}/replay", **fields)
    path = led.headers["location"]
    await until(lambda: _fetch(world, "SELECT last_error FROM replay"))
    page = await browser.read(path)
    assert "running" in page
    assert "http://127.0.0.1:9/nobody" in page
    assert "Replay 1" in await browser.read(place)
    assert _leads(await browser.send(path, f"{path}/cancel"), path)
    # A second press, or a page that was left open: it has ended already, and nobody ended it then.
    assert _leads(await browser.send(f"{place}/replay", f"{path}/cancel"), path)
    assert "cancelled" in await browser.read(path)
    # From a page that was opened before: nothing is cancelled by it, and the trail does not say so.
    assert _leads(await browser.send(place, f"{path}/cancel"), path)
    assert "had ended before" in await browser.read(path)
    actions = await world.pool.fetch("SELECT action FROM audit ORDER BY id")
    assert [row["action"] for row in actions] == ["replay.asked", "replay.cancelled"]


async def test_a_wrong_start_of_a_replay_is_told_at_its_field(world, browser):
    one = await world.connect()
    path = f"/instances/{one['id']}/replay"
    for fields, field, told in (
        ({}, "from", "one of the two"),
        ({"from": "2026-05-28T11:40", "sequence": "1"}, "from", "one of the two"),
        ({"from": "yesterday"}, "from", "is not a time"),
        ({"sequence": "-1"}, "sequence", "a whole number from 1 on"),
        ({"sequence": "9" * 30}, "sequence", "a whole number from 1 on"),
        ({"sequence": "0" * 20 + "9" * 30}, "sequence", "a whole number from 1 on"),
        ({"sequence": "1", "url": "ftp://example.com"}, "url", "url"),
    ):
        answer = await browser.send(path, path, **{"from": "", "sequence": "", "url": "", **fields})
        assert answer.status_code == 400
        error = re.search(rf'id="{field}-error">(.*?)</p>', answer.text)
        assert error, (fields, answer.text[-3000:])
        assert told in error[1]
        assert f'href="#{field}"' in answer.text
        for value in fields.values():
            assert f'value="{value}"' in answer.text


def _find_csrf(page):
    return re.search(r'name="csrf" value="(\w+)"', page)[1]


def _leads(answer, path):
    return (answer.status_code, answer.headers.get("location")) == (303, path)


async def _fetch(world, statement):
    return await world.pool.fetchval(statement)
