"""Records that nest more deeply than they can be written: shown shortened, wherever they are looked at."""

from __future__ import annotations

import json

import orjson
import pytest

from tests.api.answers import accepted, with_token
from tests.web.conftest import sign_in


@pytest.mark.parametrize("levels", [248, 252, 300, 1000])
async def test_what_nests_too_deeply_is_shown_shortened(open_desk, api, levels):
    nested = orjson.Fragment(b"[" * levels + b"]" * levels)
    api.state.collections["tickets"] = [{"id": 1, "subject": "deep", "nested": nested}]
    async with open_desk() as desk:
        instance, client = await desk.connect(), desk.world.client
        token = with_token(desk.world, instance["token"])
        [read] = accepted(await client.get("/hubs/helpdesk/tickets", headers=token))
        preview = accepted(await client.post(f"/instances/{instance['id']}/polls/preview", json={}))
        [shown] = preview["resources"][0]["records"]
        browser = await sign_in(desk.world)
        tried = {"do": "preview", "name": "Desk", "json": json.dumps({"tickets": {}}), "pane": "json"}
        page = await browser.send(
            f"/instances/{instance['id']}/edit", f"/instances/{instance['id']}/edit", **tried
        )
        await browser.client.aclose()
    for record in (read, shown):
        assert (record["id"], record["subject"]) == (1, "deep")
        assert levels < 300 or "..." in json.dumps(record["nested"])
    assert page.status_code == 200
    assert "&#34;deep&#34;" in page.text
