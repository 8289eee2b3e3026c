"""The schemas of events, deliveries and replays."""

from __future__ import annotations

from signalpost.api.described.kinds import (
    ANYTHING,
    COUNT,
    ID,
    OBJECT,
    TEXT,
    TIME,
    UUID,
    Schema,
    list_of,
    maybe,
    one_of,
    ref,
    shape,
)
from signalpost.api.search import STATUSES
from signalpost.connectors.resource import Strategy
from signalpost.model.delivery import State
from signalpost.model.event import EventType
from signalpost.store.replays import ReplayKind, ReplayState

HAPPENED: dict[str, Schema] = {
    "objectId": TEXT,
    "objectType": TEXT,
    "eventType": one_of(*EventType),
    "date": TIME,
}

SAMPLE = shape(
    "What was found of one resource; `error` says why there is nothing.",
    resource=TEXT,
    strategy=one_of(*Strategy),
    url=TEXT,
    remarks=list_of(TEXT),
    records=list_of(ANYTHING),
    events=list_of(shape("An event that would be told.", **HAPPENED)),
    diagnosis=list_of(OBJECT),
    error=maybe(TEXT),
)

LOGGED_NOTIFICATION = shape(
    "The notification of an event.",
    eventId=UUID,
    elementInstanceId=ID,
    notificationId=maybe(ID),
    notifiedData={"type": "null"},
    createdDate=maybe(TIME),
    updatedDate=maybe(TIME),
)

EVENT = shape(
    "An event of the log.",
    id=UUID,
    eventDate={**TIME, "description": "when it was read"},
    status=one_of(*STATUSES),
    state=one_of(*State),
    providerData={"type": "string", "description": "the record, as text"},
    notifiedData=list_of(shape("What happened, as the original has it.", **HAPPENED)),
    eventElementInstances=list_of(LOGGED_NOTIFICATION),
    instanceId=ID,
    sequence=COUNT,
    resource=TEXT,
    **HAPPENED,
)

GAP = shape(
    "What is lost.",
    resource=TEXT,
    sequence=COUNT,
    reason=TEXT,
    fromWatermark=OBJECT,
    toWatermark=OBJECT,
    detectedDate=TIME,
)

DISPOSITION = shape(
    "What became of an event, in words.",
    eventId=UUID,
    elementInstanceId=ID,
    notificationData=list_of(shape("One thing that became of it.", message=TEXT)),
)

COUNTED: dict[str, Schema] = {"count": COUNT, "success": COUNT, "failed": COUNT}


def _interval(named: str) -> Schema:
    records = list_of(shape("How many there were, and what became of them.", **{named: ID}, **COUNTED))
    return shape("An interval.", timestamp=TIME, total=COUNT, records=records)


TRIAL = shape(
    "What the callback answered.",
    status=maybe({"type": "integer"}),
    durationMilliseconds=COUNT,
    error=maybe(TEXT),
)

DELIVERY = shape(
    "A notification and what became of it.",
    id=ID,
    instanceId=ID,
    state=one_of(*State),
    status=TEXT,
    attempts=COUNT,
    failures=COUNT,
    createdDate=TIME,
    deliveredDate=maybe(TIME),
    deadDate=maybe(TIME),
    nextAttemptDate=maybe(TIME),
    events=list_of(
        shape(
            "One of its events.",
            id=UUID,
            sequence=COUNT,
            objectId=TEXT,
            objectType=TEXT,
            eventType=one_of(*EventType),
        )
    ),
    lastStatus=maybe({"type": "integer"}),
    lastError=maybe(TEXT),
)

ATTEMPT = shape(
    "One attempt; `replayId` is null for those of the lane.",
    number=COUNT,
    replayId=maybe(ID),
    startedDate=TIME,
    durationMilliseconds=COUNT,
    status=maybe({"type": "integer"}),
    error=maybe(TEXT),
    excerpt=maybe(TEXT),
)

DELIVERY_WHOLE = {
    "description": "A notification with its first attempts.",
    "allOf": [
        ref("Delivery"),
        shape("Its attempts.", attemptList=list_of(ref("Attempt"), maxItems=200)),
    ],
}

ENDPOINT = shape(
    "How the endpoint of an instance stands.",
    instanceId=ID,
    url=maybe(TEXT),
    state=TEXT,
    failingSince=maybe(TIME),
    deactivatedDate=maybe(TIME),
    lastError=maybe(TEXT),
    waiting=COUNT,
    oldestWaitingDate=maybe(TIME),
    nextAttemptDate=maybe(TIME),
)

REPLAY = shape(
    "A replay.",
    id=ID,
    instanceId=ID,
    kind=one_of(*ReplayKind),
    state=one_of(*ReplayState),
    url=maybe(TEXT),
    since=maybe(TIME),
    sent=COUNT,
    dead=COUNT,
    failures=COUNT,
    position=ID,
    last=ID,
    createdDate=TIME,
    nextAttemptDate=maybe(TIME),
    endedDate=maybe(TIME),
    lastError=maybe(TEXT),
)

STUCK = shape(
    "A notification that waits or is dead, as the original shows it.",
    notificationId=ID,
    subscriptionId=ID,
    channel=TEXT,
    status=TEXT,
    createdDate=TIME,
    updatedDate=TIME,
    config=shape("Where to.", url=maybe(TEXT)),
    attempts=COUNT,
    lastStatus=maybe({"type": "integer"}),
    lastError=maybe(TEXT),
)
STUCK["properties"] |= {
    "notification": {**OBJECT, "description": "with `hydrate`"},
    "subscription": {**OBJECT, "description": "with `hydrate`"},
}

OF_THE_LOG: dict[str, Schema] = {
    "Preview": shape("What a poll would give.", resources=list_of(SAMPLE, maxItems=50)),
    "Counted": shape("How many events there were.", count=COUNT, timestamp=TIME),
    "CountedByInstance": _interval("instanceId"),
    "CountedByAccount": _interval("accountId"),
    "Event": EVENT,
    "Gap": GAP,
    "Disposition": DISPOSITION,
    "Trial": TRIAL,
    "Delivery": DELIVERY,
    "DeliveryWhole": DELIVERY_WHOLE,
    "Attempt": ATTEMPT,
    "Endpoint": ENDPOINT,
    "Replay": REPLAY,
    "Stuck": STUCK,
}
