"""Names that try to take over: as file names of the provider, of instances, and in addresses."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.browser.stage import connect
from tests.browser.watching import measure_overflow, watch
from tests.support import until

SCRIPT = "<script>window.taken = 1</script>"
IMAGE = '"><img src=x onerror="window.taken = 1">'
HIDDEN = "invoice\u202ecod.exe\u200b\u0007"
LONG = "/".join(["a folder whose name is long"] * 148)
EMOJI = "👩🏽‍⚖️ Vertrag, 契約, عقد"
NAMES = [
    SCRIPT,
    IMAGE,
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    HIDDEN,
    LONG[:4000],
    EMOJI,
    "</textarea></title>",
]


def write_row(name, number):
    return {
        "type": "file_system",
        "action": "create",
        "actor": 1,
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
        "action_source": "WebUI",
        "data": {
            "target_path": f"/Shared/{name}",
            "target_id": f"00000000-0000-4000-8000-{number:012}",
            "target_group_id": f"00000000-0000-4000-8000-{number:012}",
            "is_folder": False,
        },
    }


async def test_names_from_outside_are_shown_as_text_and_break_no_page(make_own_world, open_page, signed_in):
    async with make_own_world() as world:
        instance_id = await connect(world, f"{SCRIPT}{IMAGE}", IMAGE, "契約 عقد")
        await world.control("POST", "events", [write_row(name, at) for at, name in enumerate(NAMES)])
        await until(lambda: len(world.events()) >= len(NAMES))
        page = await open_page(world, await signed_in(world), viewport={"width": 360, "height": 740})
        seen = watch(page)
        places = ["/", "/instances", "/events", "/deliveries", "/organization/audit"]
        places += [
            f"/instances/{instance_id}{tail}"
            for tail in ("", "/events", "/deliveries", "/configuration", "/history", "/edit", "/delete")
        ]
        rows = await world.pool.fetch("SELECT id, notification_id FROM event ORDER BY sequence")
        places += [f"/events/{row['id']}" for row in rows]
        places += [f"/deliveries/{rows[0]['notification_id']}"]
        places += [
            f"/events?path={SCRIPT}{IMAGE}",
            f"/instances?search={IMAGE}&tag={SCRIPT}",
            "/sign-in?next=//x.example",
        ]
        for place in places:
            answer = await page.goto(place)
            assert answer.status == 200, place
            assert await page.evaluate("window.taken") is None, place
            assert await page.locator("main script, main img").count() == 0, place
            assert await measure_overflow(page) is None, place
            assert len(await answer.body()) < 100_000, place
        assert seen == []
        await page.goto("/events")
        text = await page.locator("main").inner_text()
        assert SCRIPT in text
        assert EMOJI in text
        assert "\u202e" not in text, "a mark that turns the direction is shown as such"
        await page.goto("/events?path=%3Cscript")
        assert await page.locator("tbody tr").count() == 1


async def test_a_word_longer_than_the_window_makes_no_page_wider(make_own_world, open_page, signed_in):
    """An address in an error, a name or an e-mail address without a space."""
    word = "w" * 200
    async with make_own_world(roles=frozenset()) as world:
        instance = await world.connect()
        place = f"/instances/{instance['id']}"
        await world.pool.execute("UPDATE instance SET name = $1, next_poll_at = now()", word)
        await world.pool.execute(
            "UPDATE resource_poll SET failures = 3, last_error = $1, last_error_at = now()", word
        )
        await world.pool.execute("UPDATE endpoint SET failing_since = now(), last_error = $1", word)
        member = await signed_in(world, email=f"{word}@example.com")
        number = await world.pool.fetchval("SELECT id FROM member WHERE email = $1", member.email)
        await world.pool.execute("UPDATE organization SET name = $1", word[:100])
        page = await open_page(world, member)
        for width in (360, 1280):
            await page.set_viewport_size({"width": width, "height": 740})
            for path in ("/", place, f"{place}/delete", "/deliveries", f"/organization/members/{number}"):
                await page.goto(path)
                assert await measure_overflow(page) is None, (path, width)
