"""A receiver on Flask: verifies, drops what it has seen, puts the rest aside and answers at once.

SIGNATURE_KEYS='the key' flask --app flask_receiver run --port 8099
"""

from __future__ import annotations

import os
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from flask import Flask, request

from signalpost.receiver import verify

KEYS = [key for key in os.environ["SIGNATURE_KEYS"].split(",") if key]

app = Flask(__name__)
seen: set[str] = set()  # a database table, in earnest
waiting: SimpleQueue[dict[str, Any]] = SimpleQueue()
lock = Lock()


@app.post("/events")
def receive() -> tuple[str, int]:
    """Take a notification."""
    if not verify(request.headers, request.get_data(), KEYS):
        return "the signature is missing, wrong or too old\n", 401
    with lock:
        for event in request.get_json()["message"]["events"]:
            if event["id"] not in seen:
                seen.add(event["id"])
                waiting.put(event)
    return "", 204


def work() -> None:
    """Do what events are for, one after the other."""
    while True:
        event = waiting.get()
        print(event["sequence"], event["eventType"], event["objectType"], event["objectId"], flush=True)


Thread(target=work, daemon=True).start()
