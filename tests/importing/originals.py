"""Instances as Open Connectors shows them: values as text, secrets masked (open-connectors.md 3.2). All names are made up."""

from __future__ import annotations

import json
from typing import Any

from tests.support import INTERVAL_SECONDS

POLLER = {
    "events": {
        "url": "/hubs/documents/events",
        "idField": "event_object_id",
        "datesConfiguration": {
            "updatedDateField": "event_date",
            "updatedDateFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX",
            "updatedDateTimezone": "GMT",
            "createdDateField": "event_date",
            "createdDateFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX",
            "createdDateTimezone": "GMT",
        },
    }
}
VALUES = {"egnyte": {"oauth.api.key": "key", "oauth.api.secret": "secret"}}


def write_original(number: int = 1234567, *, key: str = "egnyte", **configuration: Any) -> dict[str, Any]:
    """Write an instance of Egnyte; ``configuration`` goes over its own, None takes away."""
    own = {
        "oauth.api.key": "********",
        "oauth.api.secret": "********",
        "oauth.callback.url": "https://app.example.com/connected",
        "subdomain": "acme",
        "event.notification.enabled": "true",
        "event.vendor.type": "polling",
        "event.notification.callback.url": "https://receiver.example.com/events",
        "event.notification.signature.key": "a signature key",
        "event.poller.refresh_interval": f"{INTERVAL_SECONDS / 60}",
        "event.poller.configuration": json.dumps(POLLER),
        "oauth.user.token": "********",
        "filter.response.nulls": "true",
    }
    merged = {name: text for name, text in {**own, **configuration}.items() if text is not None}
    return {
        "id": number,
        "name": "Acme Legal",
        "createdDate": "2024-03-01T10:00:00Z",
        "token": "dGhlaXJzLCBub3Qgb3Vycw==",
        "element": {"id": 4016, "name": "Egnyte", "key": key, "hub": "documents"},
        "elementId": 4016,
        "tags": ["Acme", "Legal"],
        "provisionInteractions": [],
        "valid": True,
        "disabled": False,
        "maxCacheSize": 0,
        "configuration": merged,
        "eventsEnabled": True,
        "traceLoggingEnabled": False,
        "user": {"id": 12345, "emailAddress": "ada@example.com"},
    }
