"""The example receivers, as real servers: a real delivery, what is not signed, what comes again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from signalpost.delivery.sign import signature_headers
from tests.support import until

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPRESS = EXAMPLES / "express-receiver"
KEY = "a signature key"
OTHER_KEY = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

# What stands in for Express where it is not installed: as server.js, on Node alone.
PLAIN_SERVER = f"""
const {{ verify }} = require({json.dumps(str(EXPRESS / "verify.js"))});
const seen = new Set();
const server = require("node:http").createServer(async (request, response) => {{
  const body = Buffer.concat(await request.toArray());
  const valid = verify(request.headers, body, process.env.SIGNATURE_KEYS.split(","));
  for (const event of valid ? JSON.parse(body).message.events : [])
    if (!seen.has(event.id) && seen.add(event.id))
      console.log(event.sequence, event.eventType, event.objectType, event.objectId);
  response.writeHead(valid ? 204 : 401).end();
}});
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${{server.address().port}}`));
"""


def write_command(name):
    if name == "flask":
        return [sys.executable, "-m", "flask", "--app", "flask_receiver", "run", "--port", "0"]
    if name == "fastapi":
        return [sys.executable, "-m", "uvicorn", "fastapi_receiver:app", "--port", "0"]
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    if (EXPRESS / "node_modules" / "express").exists():
        return [node, str(EXPRESS / "server.js")]
    return [node, "-e", PLAIN_SERVER]


@asynccontextmanager
async def run_receiver(name, log):
    """Run an example; give its address and a function that gives what it printed of events."""
    told = log.with_suffix(".errors")  # what a server logs of requests must not get into lines of the example
    with log.open("wb") as output, told.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *write_command(name),
            cwd=EXAMPLES,
            env={**os.environ, "SIGNATURE_KEYS": f"{OTHER_KEY},{KEY}", "PORT": "0"},
            stdout=output,
            stderr=errors,
        )
    try:
        where = re.compile(r"ing on (http://127\.0\.0\.1:[1-9]\d*)")
        address = await until(lambda: where.search(log.read_text() + told.read_text()))
        yield (
            f"{address[1]}/events",
            lambda: re.findall(r"^\d+ [A-Z]+ \w+ \S+$", log.read_text(), re.MULTILINE),
        )
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def sign(body, key=KEY, **options):
    given = {"notification_id": "n-1", "timestamp": int(time.time()), "body": body, **options}
    headers = signature_headers([key], **given)
    del headers["Elements-Webhook-Signature"]
    return headers


@pytest.mark.parametrize("name", ["flask", "fastapi", "express"])
async def test_an_example_takes_what_is_signed_once_and_nothing_else(world, tmp_path, name):
    async with run_receiver(name, tmp_path / "log") as (url, list_printed):
        instance = await world.connect(**{"event.notification.callback.url": url})
        await world.wait_for_watermark(instance["id"])
        await world.change(12)
        query = "SELECT count(*) = 0 FROM notification WHERE state <> 'delivered'"
        await until(lambda: len(list_printed()) >= 12)
        assert [line.split()[0] for line in list_printed()] == [str(number) for number in range(1, 13)]
        await until(lambda: world.pool.fetchval(query))
        event = {
            "id": "e",
            "sequence": 99,
            "eventType": "CREATED",
            "objectType": "file",
            "objectId": "o-\u00e9",
        }
        body = json.dumps({"message": {"events": [event, event]}}, ensure_ascii=False).encode()
        async with httpx.AsyncClient(headers={"Content-Type": "application/json"}) as client:
            for headers in (sign(body), sign(body, OTHER_KEY), sign(body, notification_id="n-2")):
                assert (await client.post(url, content=body, headers=headers)).status_code == 204
            for headers in (
                {},
                sign(body + b" "),
                sign(body, "another key"),
                sign(body, timestamp=int(time.time()) - 400),
                {**sign(body), "webhook-id": "n-2"},
                {**sign(body), "webhook-timestamp": "soon"},
                {**sign(body), "webhook-signature": "v1,"},
            ):
                assert (await client.post(url, content=body, headers=headers)).status_code == 401
        await until(lambda: len(list_printed()) >= 13)
        assert list_printed()[12:] == ["99 CREATED file o-\u00e9"]
