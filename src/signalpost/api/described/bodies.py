"""The schemas of what is sent. Fields that are not named here are ignored."""

from __future__ import annotations

from signalpost.api.described.kinds import OBJECT, Schema, list_of, maybe, wish

WORD: Schema = {"type": ["string", "number", "null"]}
"""Text; a number is taken for it."""

GIVEN: Schema = {"type": ["string", "number"], "minLength": 1}

INSTANT: Schema = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}

FIELDS_OF_INSTANCE: dict[str, Schema] = {
    "element": maybe(wish("The connector.", key=WORD, id=WORD)),
    "providerData": maybe(wish("What the provider's consent page gave.", code=WORD, state=WORD)),
    "configuration": {
        "type": ["object", "null"],
        "description": "values as text, or as what they are; null removes one, `********` leaves it as it was",
        "additionalProperties": True,
    },
    "tags": {
        **list_of({"type": ["string", "number"], "maxLength": 255}, maxItems=50),
        "type": ["array", "null"],
    },
    "name": {"type": ["string", "number", "null"], "maxLength": 255},
    "externalAuthentication": {**WORD, "description": "`initial`: tokens are given in the configuration"},
}

BODIES: dict[str, Schema] = {
    "NewInstance": wish(
        "An instance to connect, with a code or with tokens.",
        "element",
        "configuration",
        **{**FIELDS_OF_INSTANCE, "configuration": OBJECT},
    ),
    "InstanceOfElement": wish(
        "An instance to connect of the connector that the path names.",
        "configuration",
        **{**FIELDS_OF_INSTANCE, "configuration": OBJECT},
    ),
    "ChangedInstance": wish("What is to be changed of an instance.", **FIELDS_OF_INSTANCE),
    "ChangedProperty": wish(
        "A configuration value.",
        "propertyValue",
        propertyValue={"description": "null or empty removes it"},
    ),
    "AuthorizationWish": wish(
        "What the consent page is asked with.",
        "apiKey",
        "callbackUrl",
        apiKey=GIVEN,
        callbackUrl=GIVEN,
        **dict.fromkeys(("scope", "state", "siteAddress", "subdomain"), WORD),
    ),
    "TrialWish": wish(
        "A callback to try, and of a configuration what concerns delivery.",
        "url",
        url={"type": "string", "format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"},
        configuration=maybe(OBJECT),
    ),
    "ReplayWish": {
        **wish(
            "From when on what was made is sent again: one of the two; to another URL, where one is given.",
            **{
                "from": INSTANT,
                "sequence": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**62 - 1},
                "url": {"type": ["string", "null"], "format": "uri"},
            },
        )
    },
    "FailedWish": wish(
        "Which dead letters: those that died since an instant; all if not given.", since=INSTANT
    ),
    "PreviewWish": {
        **wish(
            "A poller configuration, as it is or as `configuration`; the instance's own if not given.",
            pageSize={"type": ["integer", "null"], "minimum": 1, "maximum": 200},
            configuration={"type": ["object", "string", "null"]},
        ),
    },
    "KeyWish": wish(
        "The new signature key; one is made if not given.",
        key={"type": ["string", "number", "null"]},
        overlapSeconds={
            "type": ["number", "string", "null"],
            "minimum": 0,
            "maximum": 2_592_000,
            "default": 86_400,
        },
    ),
}
