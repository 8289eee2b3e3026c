"""``signalpost listen --jsonl``: what scripts read."""

from __future__ import annotations

import json

import httpx

from signalpost.cli.listen import run_listener
from signalpost.delivery.sign import signature_headers


async def test_each_notification_is_one_json_line_in_the_form_that_scripts_read(tmp_path):
    path = tmp_path / "received.jsonl"
    body = b'{"a": "\xc3\xa4"}'
    async with run_listener(key="k", jsonl=path) as listener, httpx.AsyncClient() as client:
        headers = signature_headers(["k"], notification_id="1", timestamp=0, body=body)
        await client.post(listener.url, content=body, headers={"Content-Type": "application/json", **headers})
        await client.post(listener.url, content=b"not json")
    first, second = [json.loads(line) for line in path.read_text().splitlines()]
    assert set(first) == {"receivedAt", "valid", "headers", "body"}
    assert first["body"] == {"a": "ä"}
    assert first["receivedAt"].endswith("Z")
    assert first["headers"]["Elements-Webhook-Signature"].startswith("sha256=")
    assert second["valid"] is False
    assert second["body"] == "not json"
