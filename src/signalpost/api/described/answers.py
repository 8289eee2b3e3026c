"""The schemas of what the API answers."""

from __future__ import annotations

from signalpost.api.described.answers_of_log import OF_THE_LOG
from signalpost.api.described.kinds import (
    BOOLEAN,
    COUNT,
    ID,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    Schema,
    list_of,
    maybe,
    one_of,
    ref,
    shape,
)
from signalpost.connectors.base import FieldKind
from signalpost.connectors.resource import Strategy
from signalpost.model.configuration import MASK
from signalpost.model.delivery import Format
from signalpost.model.event import EventType
from signalpost.polling.status import PollingState

ERROR = shape(
    "Why a request is refused; `providerMessage` has the provider's own words, where it spoke.",
    requestId={"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "under which the log has it"},
    message={"type": "string", "description": "names the field, the value and what would be right"},
)
ERROR["properties"]["providerMessage"] = TEXT

WATERMARK = {
    "type": ["object", "null"],
    "description": "how far it was read; only its connector knows what is in it",
}

ELEMENT = shape(
    "A connector, as the original's element; fields with the same value always are the original's.",
    id=ID,
    name=TEXT,
    key=TEXT,
    description=TEXT,
    image=TEXT,
    logo=TEXT,
    active=BOOLEAN,
    deleted=BOOLEAN,
    typeOauth=BOOLEAN,
    trialAccount=BOOLEAN,
    resources=list_of(OBJECT),
    transformationsEnabled=BOOLEAN,
    bulkDownloadEnabled=BOOLEAN,
    bulkUploadEnabled=BOOLEAN,
    cloneable=BOOLEAN,
    extendable=BOOLEAN,
    beta=BOOLEAN,
    authentication=shape("How an account is connected.", type=TEXT),
    extended=BOOLEAN,
    hub=TEXT,
    protocolType=TEXT,
    parameters=list_of(OBJECT),
    private=BOOLEAN,
)

PROPERTY = shape(
    f"A configuration value; a secret one is shown as `{MASK}`.",
    id={**ID, "description": "the same for a key at every instance"},
    name=TEXT,
    key=TEXT,
    description=TEXT,
    propertyValue=maybe(TEXT),
    active=BOOLEAN,
    hideFromConsole=BOOLEAN,
    required=BOOLEAN,
    type=one_of(*FieldKind),
)

FIELD = {
    "description": "A configuration value as a connector declares it; `propertyValue` is null.",
    "allOf": [
        ref("Property"),
        shape(
            "What it is besides.",
            defaultValue=maybe(
                {**TEXT, "description": "what holds where it is not given; null: nothing does"}
            ),
        ),
    ],
}

POLLABLE = shape(
    "A resource that can be polled.",
    eventTypes=list_of(one_of(*EventType)),
    pollUrl=TEXT,
    description=TEXT,
    strategies=list_of(one_of(*Strategy)),
    deletionsSeenBy=list_of(one_of(*Strategy)),
)

POLLABLES = shape(
    "What can be polled, by the resource's name.",
    supported=BOOLEAN,
    methods=list_of(TEXT),
    leastIntervalSeconds=NUMBER,
    polling={"type": "object", "additionalProperties": POLLABLE},
)

ELEMENT_WHOLE = {
    "description": "A connector with the fields of its configuration and what can be polled.",
    "allOf": [
        ref("Element"),
        shape(
            "What it takes.",
            configuration=list_of(ref("Field")),
            events=POLLABLES,
        ),
    ],
}

INSTANCE = shape(
    "An instance; fields with the same value always are the original's.",
    id=ID,
    name=TEXT,
    createdDate=TIME,
    token={"type": "string", "description": "the instance token: a secret"},
    element=ref("Element"),
    elementId=ID,
    tags=list_of(TEXT, maxItems=50),
    provisionInteractions=list_of(OBJECT),
    valid={"type": "boolean", "description": "false: somebody must authorise it again"},
    disabled=BOOLEAN,
    maxCacheSize=COUNT,
    cacheTimeToLive=COUNT,
    configuration={
        "type": "object",
        "additionalProperties": TEXT,
        "description": f"values as text, secret ones as `{MASK}`",
    },
    eventsEnabled=BOOLEAN,
    eventsNotificationCallbackUrl=maybe(TEXT),
    traceLoggingEnabled=BOOLEAN,
    cachingEnabled=BOOLEAN,
    externalAuthentication=TEXT,
    user=shape("Who connected it.", id=ID),
)

QUOTA = shape(
    "The calls that the provider allots to the account.",
    callsADay=COUNT,
    used=COUNT,
    leftToPolls=COUNT,
    resetsDate=TIME,
)

POLLED_RESOURCE = shape(
    "How a polled resource stands.",
    resource=TEXT,
    strategy=maybe(one_of(*Strategy)),
    watermark=WATERMARK,
    state=one_of("active", "failing", "disabled"),
    failures=COUNT,
    lastError=maybe(TEXT),
    lastErrorDate=maybe(TIME),
    lastSuccessDate=maybe(TIME),
    retryDate=maybe(TIME),
    disabledDate=maybe(TIME),
    remark=maybe(TEXT),
    remembered=COUNT,
)

POLLING = shape(
    "How polling of an instance stands.",
    state=one_of(*PollingState),
    message={"type": "string", "description": "the same in words, with what to do"},
    intervalSeconds=NUMBER,
    lastPollDate=maybe(TIME),
    lastSuccessDate=maybe(TIME),
    nextPollDate=maybe(TIME),
    throttledUntil=maybe(TIME),
    quota=maybe(ref("Quota")),
    resources=list_of(ref("PolledResource")),
)

POLLER_RECORD = shape(
    "A polled resource, with how far it was read.",
    objectName=TEXT,
    lastPollDate=maybe(TIME),
    lastSuccessDate=maybe(TIME),
    failures=COUNT,
    disabled=BOOLEAN,
    watermark=WATERMARK,
)

STOPPED = shape(
    "An instance with resources that were given up.",
    instanceId=ID,
    instanceName=TEXT,
    resources=list_of(TEXT),
    since=TIME,
    lastError=maybe(TEXT),
)

HEALTH = shape(
    "What was looked at, by its name.",
    status=one_of("alive", "stuck", "ready", "not ready"),
    checks={
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {"ok": BOOLEAN, "reason": TEXT},
            "required": ["ok"],
        },
    },
)
HEALTH["properties"] |= {"requestId": TEXT, "message": TEXT}

SCHEMAS: dict[str, Schema] = {
    **OF_THE_LOG,
    "Error": ERROR,
    "Element": ELEMENT,
    "ElementWhole": ELEMENT_WHOLE,
    "ElementMetadata": shape(
        "What of a connector can be polled.", id=ID, key=TEXT, name=TEXT, description=TEXT, events=POLLABLES
    ),
    "AuthorizationUrl": shape("The provider's consent page.", element=TEXT, oauthUrl=TEXT),
    "Property": PROPERTY,
    "Field": FIELD,
    "Instance": INSTANCE,
    "RotatedKey": {
        **shape("What came of a rotation.", previousKeyUntil=maybe(TIME)),
        "properties": {
            "previousKeyUntil": maybe(TIME),
            "key": {"type": "string", "description": "when it was made here: shown this once"},
        },
    },
    "Quota": QUOTA,
    "PolledResource": POLLED_RESOURCE,
    "Polling": POLLING,
    "PollerRecord": POLLER_RECORD,
    "Stopped": STOPPED,
    "AskedPoll": shape("A poll that was asked for.", instanceId=ID, requestedDate=TIME),
    "Health": HEALTH,
    "SchemaName": shape("A schema.", name=one_of(*Format), contentType=TEXT),
}
