"""What sends something to another address stands in the audit trail with that address, without its query."""

from __future__ import annotations

from tests.web.consent import fill

ELSEWHERE = "http://127.0.0.1:9/elsewhere"
URL = f"{ELSEWHERE}?token=a-token-of-elsewhere"
CALLBACK, OPERATIONS = "event.notification.callback.url", "event.notification.operations.url"


async def list_details(world):
    return [row["detail"] for row in await world.pool.fetch("SELECT detail FROM audit ORDER BY id")]


async def test_the_trail_says_where_an_instance_sends_something(quiet, enter):
    browser, instance = await enter(quiet, "operator"), await quiet.connect()
    place = f"/instances/{instance['id']}"
    page = await browser.read(f"{place}/edit")
    before = len(await list_details(quiet))

    async def send(**fields):
        named = {f"configuration.{key}" if "." in key else key: text for key, text in fields.items()}
        return await browser.client.post(f"{place}/edit", data=fill(quiet, page, name="Acme", **named))

    await send(do="test", **{CALLBACK: URL})
    answer = await send(**{CALLBACK: URL, OPERATIONS: URL})
    assert answer.headers["location"] == place
    page = await browser.read(f"{place}/edit")
    await send(**{CALLBACK: quiet.listener.url, OPERATIONS: ""})
    asked = {"sequence": "1", "url": URL, "confirmed": "true", "after": "0"}
    assert (await browser.send(f"{place}/replay", f"{place}/replay", **asked)).status_code == 303
    tried, changed, back, replayed = (await list_details(quiet))[before:]
    assert tried == f"sent a test notification of API_Polling to {ELSEWHERE}?***"
    assert f"{CALLBACK} to {ELSEWHERE}?***, {OPERATIONS} to {ELSEWHERE}?***" in changed
    assert f"{CALLBACK} to {quiet.listener.url}, {OPERATIONS} to none" in back
    assert replayed.endswith(f" on, to {ELSEWHERE}?***")
    assert "a-token-of-elsewhere" not in await browser.read("/organization/audit")
