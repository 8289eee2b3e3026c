"""A receiver on FastAPI: verifies, drops what it has seen, puts the rest aside and answers at once.

SIGNATURE_KEYS='the key' uvicorn fastapi_receiver:app --port 8099
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response

from signalpost.receiver import verify

KEYS = [key for key in os.environ["SIGNATURE_KEYS"].split(",") if key]

seen: set[str] = set()  # a database table, in earnest
waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()


@asynccontextmanager
async def run_work(_app: FastAPI) -> AsyncIterator[None]:
    """Do the work while the application runs."""
    working = asyncio.create_task(work())
    yield
    working.cancel()


app = FastAPI(lifespan=run_work)


@app.post("/events")
async def receive(request: Request) -> Response:
    """Take a notification."""
    body = await request.body()
    if not verify(request.headers, body, KEYS):
        return Response("the signature is missing, wrong or too old\n", status_code=401)
    for event in json.loads(body)["message"]["events"]:
        if event["id"] not in seen:
            seen.add(event["id"])
            waiting.put_nowait(event)
    return Response(status_code=204)


async def work() -> None:
    """Do what events are for, one after the other."""
    while True:
        event = await waiting.get()
        print(event["sequence"], event["eventType"], event["objectType"], event["objectId"], flush=True)
