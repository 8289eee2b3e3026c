"""Every parameter and header: what it means, its limits, an example."""

from __future__ import annotations

from typing import Any

from signalpost.api.analytics import INTERVAL_SECONDS
from signalpost.api.described.kinds import ID, TEXT, UUID, Schema, list_of
from signalpost.api.search import STATUSES
from signalpost.delivery.formats import CONTENT_TYPES
from signalpost.model.delivery import State
from signalpost.model.event import EventType

INSTANT: Schema = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "maxLength": 0}]}
TAG: Schema = {
    "anyOf": [
        {"type": "string", "enum": ["*"]},
        {"type": "string", "pattern": r'^"[!#-~]*"$'},
        {"type": "string", "pattern": r'^(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*$'},
    ]
}
KEY: Schema = {"type": "string", "pattern": r'^("[ !#-\[\]-~]{1,255}"|[!#-~][!-~]{0,254})$'}


def words(*known: str) -> Schema:
    """Give the schema of one of several words, or none at all."""
    return {"type": "string", "enum": [*known, ""]}


PARAMETERS: dict[str, tuple[str, Schema, Any]] = {
    "instance_id": ("The instance's id.", ID, 100001),
    "config_id": ("The number of a configuration value, as the list of them gives it.", ID, 1201545372),
    "event_id": ("The event's id.", UUID, "d1e8a1f2-7c0c-5d0e-9f6b-2b1f3c9a7e11"),
    "notification_id": ("The notification's id.", ID, 9000001),
    "subscription_id": ("The id of the instance, which is the subscription of its events.", ID, 100001),
    "replay_id": ("The replay's id.", ID, 1),
    "key_or_id": ("The connector's key or number.", TEXT, "egnyte"),
    "name": ("The form of notifications.", TEXT, next(iter(CONTENT_TYPES)).value),
    "hub": ("Any hub: it is taken for the connector's own.", TEXT, "documents"),
    "resource_path": ("The resource's path, with slashes.", TEXT, "users"),
    "pageSize": (
        "The most entries of a page.",
        {"type": ["integer", "string"], "minimum": 1, "maximum": 200, "default": 200, "maxLength": 0},
        50,
    ),
    "nextPage": (
        "The `Elements-Next-Page-Token` of the page before; give the same search with it.",
        TEXT,
        "",
    ),
    "page": (
        "The number of the page, in place of `nextPage`.",
        {"type": ["integer", "string"], "minimum": 1, "maximum": 1_000_000, "default": 1, "maxLength": 0},
        1,
    ),
    "afterSequence": (
        "What follows this number: how to go on from the last one that was seen, whenever.",
        {"type": ["integer", "string"], "minimum": 0, "maximum": 2**62 - 1, "default": 0, "maxLength": 0},
        17,
    ),
    "afterId": (
        "What follows this id: how to go on from the last one that was seen, whenever.",
        {"type": ["integer", "string"], "minimum": 0, "maximum": 2**62 - 1, "default": 0, "maxLength": 0},
        9000001,
    ),
    "newest": (
        "Only so many at the end, oldest first; there is no next page then.",
        {"type": ["integer", "string"], "minimum": 1, "maximum": 200, "maxLength": 0},
        10,
    ),
    "tags[]": ("Tags that must all be there.", list_of(TEXT), ["Acme"]),
    "searchText": ("What stands in the name, in any letter case.", TEXT, "Acme"),
    "objectId": ("Events of exactly this object.", TEXT, "9f8e7d6c"),
    "objectType": ("Events of exactly this kind of object.", TEXT, "file"),
    "eventType": ("Events of this type.", words(*EventType), "CREATED"),
    "resource": ("Events of this resource.", TEXT, "events"),
    "state": ("Where it stands.", words(*State), "delivered"),
    "status": ("Where it stands, in the original's words.", words(*STATUSES), "NOTIFIED"),
    "from": ("From this instant on, with its zone.", INSTANT, "2026-05-28T11:40:00Z"),
    "to": ("Before this instant, with its zone.", INSTANT, "2026-05-29T00:00:00Z"),
    "interval": ("What is counted together; at most 10,000 intervals.", words(*INTERVAL_SECONDS), "day"),
    "accountIds[]": ("Your organization's id; any other is refused.", list_of(ID), [1001]),
    "apiKey": ("The key of the application registered at the provider.", TEXT, "k2b9c4"),
    "callbackUrl": ("Its redirect address.", TEXT, "https://app.example.com/redirect"),
    "scope": ("The scopes; the connector's if not given.", TEXT, "Egnyte.filesystem"),
    "siteAddress": ("The same as `subdomain`.", TEXT, "acme"),
    "subdomain": ("The account's domain at the provider.", TEXT, "acme"),
    "where": ("Comparisons that must all be met.", TEXT, "status = 'queued'"),
    "hydrate": (
        "Whether notification and subscription are shown too.",
        {"type": ["boolean", "string"], "pattern": "^(?i:true|false)?$"},
        True,
    ),
    "fields": ("The fields wanted; at most 100.", TEXT, "id,userName"),
    "orderBy": ("Refused: the order is the provider's.", {"type": "string", "maxLength": 0}, ""),
    "If-Match": ("The `ETag` that the instance must still have; `*`: any.", TAG, '"5f0c2b"'),
    "If-None-Match": ("The `ETag` of what you have; `*`: any.", TAG, '"5f0c2b"'),
    "Idempotency-Key": (
        "A new one for each thing to be done: sent again with the same, it is done once. Kept for 24 hours.",
        KEY,
        '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
    ),
}

FIRST_PAGE: tuple[str, Schema, Any] = (
    "1 alone: follow `nextPage`.",
    {"type": ["integer", "string"], "minimum": 1, "maximum": 1, "maxLength": 0},
    1,
)

OF_OPERATIONS: dict[tuple[str, str], tuple[str, Schema, Any]] = {
    ("list_elements", "where"): (
        "Comparisons of a connector's fields that must all be met.",
        TEXT,
        "key = 'egnyte'",
    ),
    ("list_stuck", "where"): (
        "Comparisons of a delivery's fields that must all be met.",
        TEXT,
        "channel='webhook' and status='queued'",
    ),
    ("release_stuck", "where"): (
        "Which are released; it must be given.",
        {"type": "string", "minLength": 1},
        "channel='webhook' and status='queued'",
    ),
    ("list_stuck", "page"): FIRST_PAGE,
    ("release_stuck", "page"): FIRST_PAGE,
    ("read_resource", "page"): FIRST_PAGE,
    ("read_resource", "where"): (
        "Comparisons that each record must meet, by the provider where it can.",
        TEXT,
        "userType = 'power'",
    ),
    ("read_authorization_url", "state"): ("Given back by the consent page.", TEXT, "egnyte"),
    ("read_authorization_url", "apiKey"): (
        "The key of the application registered at the provider.",
        {"type": "string", "minLength": 1},
        "k2b9c4",
    ),
    ("read_authorization_url", "callbackUrl"): (
        "Its redirect address.",
        {"type": "string", "minLength": 1},
        "https://app.example.com/redirect",
    ),
}
"""What a parameter is where it is not as elsewhere."""

REQUIRED = {
    ("release_stuck", "where"),
    ("read_authorization_url", "apiKey"),
    ("read_authorization_url", "callbackUrl"),
}

HEADERS: dict[str, tuple[str, Schema, Any]] = {
    "Elements-Request-Id": (
        "Under which the log has the request.",
        {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "53dbca94c1f84bb2a2f0d6d5a1b2c3d4",
    ),
    "Elements-Returned-Count": ("How many entries the page has.", {"type": "integer", "minimum": 0}, 2),
    "Elements-Next-Page-Token": (
        "What `nextPage` takes; absent: it was the last page.",
        TEXT,
        "eyJhZnRlciI6WzFdfQ==",
    ),
    "Elements-Total-Count": (
        "How many there are in all, where the provider tells it.",
        {"type": "integer"},
        17,
    ),
    "Elements-Element-Instance-Id": ("Whose token it was.", {"type": "integer"}, 100001),
    "ETag": ("The version of the instance.", TEXT, '"5f0c2b"'),
    "Idempotency-Replayed": ("`true`: it was done before; this is the answer of then.", TEXT, "true"),
    "Retry-After": ("In so many seconds the same may be sent again.", {"type": "integer", "minimum": 0}, 5),
}
