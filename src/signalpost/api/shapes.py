"""The JSON shapes of Open Connectors (open-connectors.md 3.2 and 1.5): what is shown, what is masked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import orjson

from signalpost.connectors.authorising import Grant, find_grant
from signalpost.connectors.base import EVENT_FIELDS, Connector, Field
from signalpost.model.configuration import (
    ALWAYS_SECRET,
    CALLBACK_URL,
    EVENTS_ENABLED,
    MASK,
    POLL_INTERVAL,
    POLLER_CONFIGURATION,
    read_boolean,
    read_interval_seconds,
)
from signalpost.model.delivery import State
from signalpost.model.instance import Instance
from signalpost.polling.configuration import default_resources
from signalpost.store.event_log import LoggedEvent

STATUS_OF_STATE = {
    State.UNSENT: "RECEIVED",
    State.PENDING: "DISPATCHED",
    State.DELIVERED: "NOTIFIED",
    State.DEAD: "CONSUMED",
    State.CANCELLED: "CONSUMED",
}
"""Where an event stands, in the original's words; ``CONSUMED``: given up."""

TO_THE_SECOND = len("2026-05-28T11:41:12")


def show_time(moment: datetime | None) -> str | None:
    """Write a time in ISO 8601, UTC, to the second."""
    # Not by a pattern: %Y writes the years before 1000, which stand for "no date" in much software, as 1.
    return None if moment is None else moment.astimezone(UTC).isoformat()[:TO_THE_SECOND] + "Z"


def show_connector(connector: Connector) -> dict[str, Any]:
    """Show a connector as the original's element."""
    by_oauth2 = find_grant(connector) is not Grant.CONFIGURATION
    return {
        "id": connector.id,
        "name": connector.name,
        "key": connector.key,
        "description": connector.description,
        "image": f"elements/provider_{connector.key}.png",
        "logo": connector.key,
        "active": True,
        "deleted": False,
        "typeOauth": by_oauth2,
        "trialAccount": False,
        "resources": [],
        "transformationsEnabled": False,
        "bulkDownloadEnabled": False,
        "bulkUploadEnabled": False,
        "cloneable": False,
        "extendable": False,
        "beta": False,
        "authentication": {"type": "oauth2" if by_oauth2 else "custom"},
        "extended": False,
        "hub": connector.hub,
        "protocolType": "http",
        "parameters": [],
        "private": False,
    }


def show_connector_whole(connector: Connector) -> dict[str, Any]:
    """Show a connector with the fields of its configuration and what can be polled."""
    return {
        **show_connector(connector),
        "configuration": [
            {**show_field(each, None), "defaultValue": find_default(each, connector)}
            for each in (*connector.fields, *EVENT_FIELDS)
        ],
        "events": {
            "supported": True,
            "methods": ["polling"],
            "leastIntervalSeconds": connector.least_interval_seconds,
            "polling": {
                each.name: {
                    "eventTypes": [event_type.value for event_type in each.event_types],
                    "pollUrl": f"/hubs/{connector.hub}/{each.path}",
                    "description": each.description,
                    "strategies": [strategy.value for strategy in each.strategies],
                    "deletionsSeenBy": [strategy.value for strategy in each.deletions_seen_by],
                }
                for each in connector.resources
            },
        },
    }


def find_default(each: Field, connector: Connector) -> str | None:
    """Give what holds where a value of the configuration is not given, as it would be sent; None: nothing does."""
    if each.key == POLLER_CONFIGURATION:
        return orjson.dumps(default_resources(connector)).decode()
    if each.key == POLL_INTERVAL:
        return f"{read_interval_seconds({}, minimum_seconds=connector.least_interval_seconds) / 60:g}"
    return None if each.secret else each.default


def show_connector_metadata(connector: Connector) -> dict[str, Any]:
    """Show what of a connector can be polled, as the original has it at a place of its own (open-connectors.md 1.6)."""
    whole = show_connector_whole(connector)
    return {key: whole[key] for key in ("id", "key", "name", "description", "events")}


def is_secret(connector: Connector, key: str) -> bool:
    """Say whether a configuration value is masked."""
    return key in ALWAYS_SECRET or any(each.key == key and each.secret for each in connector.fields)


def show_instance(instance: Instance, connector: Connector) -> dict[str, Any]:
    """Show an instance: values as text, secret ones masked."""
    return {
        "id": instance.id,
        "name": instance.name,
        "createdDate": show_time(instance.created_at),
        "token": instance.token,
        "element": show_connector(connector),
        "elementId": connector.id,
        "tags": list(instance.tags),
        "provisionInteractions": [],
        "valid": instance.valid,
        "disabled": instance.disabled,
        "maxCacheSize": 0,
        "cacheTimeToLive": 0,
        "configuration": {
            key: MASK if is_secret(connector, key) else value
            for key, value in sorted(instance.configuration.items())
        },
        "eventsEnabled": read_boolean(instance.configuration, EVENTS_ENABLED, default=False),
        "eventsNotificationCallbackUrl": instance.configuration.get(CALLBACK_URL),
        "traceLoggingEnabled": False,
        "cachingEnabled": False,
        "externalAuthentication": "none",
        "user": {"id": instance.user_id},
    }


def find_field_id(key: str) -> int:
    """Give the number of a configuration value: the same for a key at every instance and every time."""
    return crc32(key.encode()) & 0x7FFFFFFF


def show_field(each: Field, value: str | None) -> dict[str, Any]:
    """Show one configuration value, masked if secret."""
    return {
        "id": find_field_id(each.key),
        "name": each.label,
        "key": each.key,
        "description": each.label,
        "propertyValue": MASK if value and each.secret else value,
        "active": True,
        "hideFromConsole": False,
        "required": each.required,
        "type": each.kind.value,
    }


def show_configuration(instance: Instance, connector: Connector) -> list[dict[str, Any]]:
    """Show all values an instance has or may have: declared ones first, then others that were given."""
    declared = {each.key: each for each in (*connector.fields, *EVENT_FIELDS)}
    others = [
        Field(key, key, secret=key in ALWAYS_SECRET)
        for key in sorted(set(instance.configuration) - set(declared))
    ]
    return [show_field(each, instance.configuration.get(each.key)) for each in (*declared.values(), *others)]


def show_event(event: LoggedEvent) -> dict[str, Any]:
    """Show an event of the log, the original's fields and ours."""
    events = [
        {
            "date": show_time(event.occurred_at),
            "eventType": event.event_type,
            "objectId": event.object_id,
            "objectType": event.object_type,
        }
    ]
    # Events of older versions have no notification where there was no callback URL.
    state = State(event.state or State.UNSENT)
    notified = []
    if state is not State.UNSENT:
        notified = [
            {
                "eventId": str(event.id),
                "elementInstanceId": event.instance_id,
                "notificationId": event.notification_id,
                "notifiedData": None,
                "createdDate": show_time(event.notified_at),
                "updatedDate": show_time(event.ended_at or event.notified_at),
            }
        ]
    return {
        "id": str(event.id),
        "eventDate": show_time(event.polled_at),
        "status": STATUS_OF_STATE[state],
        "state": state.value,
        "providerData": event.record,
        "notifiedData": events,
        "eventElementInstances": notified,
        "instanceId": event.instance_id,
        "sequence": event.sequence,
        "resource": event.resource,
        **events[0],
    }
