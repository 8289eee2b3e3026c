"""Every operation: what it answers, what it takes, and which refusals it has besides those that all have."""

from __future__ import annotations

from dataclasses import dataclass

from signalpost.api.described.kinds import ANYTHING, OBJECT, TEXT, Schema, list_of, ref
from signalpost.delivery.stuck import MOST_DEAD, MOST_RELEASED, MOST_WAITING

NOTHING: Schema = {"type": "null"}
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``pages``: it gives a page of a list; ``tagged``: it shows a version of an instance.

    ``optional``: its body may be left out. ``public``: nobody is asked for secrets; ``anybody``: it may be without.
    """

    answer: Schema
    body: str | None = None
    refusals: tuple[int, ...] = ()
    pages: bool = False
    tagged: bool = False
    optional: bool = False
    public: bool = False
    anybody: bool = False
    media: str = JSON


MOST_CONCERNED = MOST_RELEASED - 1 + MOST_WAITING + MOST_DEAD
"""Notifications that one release gives: of the last endpoint that it looks at there may be all of these."""


def page(name: str, *refusals: int, most: int = 200) -> Operation:
    """Describe a list that is read page by page."""
    return Operation(list_of(ref(name), maxItems=most), refusals=refusals, pages=True)


def show(name: str, *refusals: int) -> Operation:
    """Describe what shows one thing."""
    return Operation(ref(name), refusals=refusals)


def lists(name: str, *refusals: int, most: int) -> Operation:
    """Describe a list that is given whole."""
    return Operation(list_of(ref(name), maxItems=most), refusals=refusals)


SHOWN = Operation(ref("Instance"), tagged=True)
CHANGED = Operation(ref("Instance"), body="ChangedInstance", refusals=(409,), tagged=True)
PROPERTIES = Operation(list_of(ref("Property")), tagged=True)
PROPERTY = Operation(ref("Property"), tagged=True)
CHANGED_PROPERTY = Operation(ref("Property"), body="ChangedProperty", tagged=True)
DONE = Operation(NOTHING)
ROTATED = Operation(ref("RotatedKey"), body="KeyWish", optional=True)
ORDERED = Operation(ref("Replay"), refusals=(404, 409))

OPERATIONS: dict[str, Operation] = {
    "list_elements": page("Element"),
    "read_element": show("ElementWhole", 404),
    "read_element_metadata": show("ElementMetadata", 404),
    "read_authorization_url": Operation(ref("AuthorizationUrl"), refusals=(404,), anybody=True),
    "make_authorization_url": Operation(ref("AuthorizationUrl"), body="AuthorizationWish", refusals=(404,)),
    "count_events": lists("Counted", 404, most=50_000),
    "count_events_by_instance": lists("CountedByInstance", 404, most=50_000),
    "count_events_by_account": lists("CountedByAccount", 404, most=50_000),
    "count_events_of_instance": lists("Counted", 404, most=50_000),
    "list_dispositions": page("Disposition"),
    "list_instance_dispositions": page("Disposition"),
    "try_callback": Operation(ref("Trial"), body="TrialWish"),
    "list_events": page("Event"),
    "read_event": show("Event", 404),
    "list_instance_events": page("Event"),
    "read_instance_event": show("Event", 404),
    "list_gaps": lists("Gap", 404, most=1000),
    "read_record": Operation(ANYTHING, refusals=(404,)),
    "list_stopped": page("Stopped"),
    "list_own_records": lists("PollerRecord", 404, most=50_000),
    "read_own_polling": show("Polling", 404),
    "resume_own_polling": show("Polling", 404),
    "list_records": lists("PollerRecord", 404, most=50_000),
    "read_polling": show("Polling", 404),
    "resume_polling": show("Polling", 404),
    "ask_poll": show("AskedPoll", 404, 409),
    "preview_poll": Operation(ref("Preview"), body="PreviewWish", refusals=(404, 429, 502), optional=True),
    "rotate_own_key": ROTATED,
    "rotate_signature_key": ROTATED,
    "create_instance": Operation(ref("Instance"), body="NewInstance", refusals=(404,), tagged=True),
    "list_instances": Operation(
        {"oneOf": [list_of(ref("Instance"), maxItems=200), ref("Instance")]},
        refusals=(404,),
        pages=True,
        tagged=True,
    ),
    "create_instance_of_element": Operation(
        ref("Instance"), body="InstanceOfElement", refusals=(404,), tagged=True
    ),
    "list_instances_of_element": page("Instance", 404),
    "read_instance_of_element": SHOWN,
    "replace_instance_of_element": CHANGED,
    "delete_instance_of_element": DONE,
    "replace_own_instance": CHANGED,
    "change_own_instance": CHANGED,
    "delete_own_instance": DONE,
    "enable_own_instance": SHOWN,
    "disable_own_instance": DONE,
    "list_own_configuration": PROPERTIES,
    "read_own_property": PROPERTY,
    "change_own_property": CHANGED_PROPERTY,
    "read_instance": SHOWN,
    "replace_instance": CHANGED,
    "change_instance": CHANGED,
    "delete_instance": DONE,
    "enable_instance": SHOWN,
    "disable_instance": DONE,
    "list_configuration": PROPERTIES,
    "read_property": PROPERTY,
    "change_property": CHANGED_PROPERTY,
    "list_deliveries": page("Delivery"),
    "send_failed": Operation(ref("Replay"), body="FailedWish", refusals=(404, 409), optional=True),
    "read_delivery": show("DeliveryWhole", 404),
    "list_attempts": page("Attempt", 404),
    "send_again": ORDERED,
    "read_endpoint": show("Endpoint", 404),
    "release_endpoint": show("Endpoint", 404, 409),
    "ask_replay": Operation(ref("Replay"), body="ReplayWish", refusals=(404, 409)),
    "list_replays": page("Replay"),
    "read_replay": show("Replay", 404),
    "cancel_replay": show("Replay", 404),
    "list_stuck": page("Stuck"),
    "release_stuck": page("Stuck", 409, most=MOST_CONCERNED),
    "read_stuck": show("Stuck", 404),
    "read_resource": Operation(
        {"oneOf": [list_of(ANYTHING, maxItems=200), OBJECT]}, refusals=(404, 429, 502), pages=True
    ),
    "list_schemas": Operation(list_of(ref("SchemaName"), maxItems=3), public=True),
    "read_schema": Operation(OBJECT, refusals=(404,), public=True, media="application/schema+json"),
    "check_alive": Operation(ref("Health"), public=True),
    "check_ready": Operation(ref("Health"), public=True),
    "show_metrics": Operation(TEXT, refusals=(403,), public=True, media="text/plain"),
}
