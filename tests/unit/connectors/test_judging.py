"""What a connector declares is judged before anything relies on it: each thing that can be wrong is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signalpost.connectors.authorising import Grant
from signalpost.connectors.base import EVENT_FIELDS, Field
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.egnyte.resources import EVENTS
from signalpost.connectors.judging import judge

WRONG = {
    "takes Egnyte's key": ({"key": "egnyte"}, "key: 'egnyte' is that of another connector, Egnyte"),
    "takes Egnyte's number": ({"id": 4016}, "id: 4016 is that of another connector, egnyte"),
    "has a key nobody can find": ({"key": "Acme"}, "key: 'Acme' is no key"),
    "has a key with a slash": ({"key": "a/b"}, "key: 'a/b' is no key"),
    "has a key that is no text": ({"key": 7}, "key: 7 is no key"),
    "has a number that is none": ({"id": True}, "id: True is no number"),
    "has a number too large": ({"id": 2**31}, "id: 2147483648 is no number"),
    "has no name": ({"name": " "}, "name: ' ' is no text"),
    "has no hub": ({"hub": None}, "hub: None is no text"),
    "has a hub for people": ({"hub": "Help Desk"}, "hub: 'Help Desk' is no part of a path"),
    "calls never": ({"calls_per_second": 0}, "calls_per_second: 0 is no number over 0"),
    "calls backwards": ({"calls_per_second": -1.0}, "calls_per_second: -1.0 is no number over 0"),
    "calls at no rate": ({"calls_per_second": float("nan")}, "calls_per_second: nan is no number"),
    "calls without end": ({"calls_per_second": float("inf")}, "calls_per_second: inf is no number"),
    "has no calls": ({"calls_a_day": 0}, "calls_a_day: 0 is neither None nor a whole number"),
    "polls at once": ({"least_interval_seconds": -1}, "least_interval_seconds: -1 is no number from 0"),
    "polls never": ({"least_interval_seconds": None}, "least_interval_seconds: None is no number from 0"),
    "polls once a year": (
        {"least_interval_seconds": 1e9},
        "least_interval_seconds: 1000000000.0 is no number",
    ),
    "hides what its feed leaves out": (
        {"resources": (replace(EVENTS, feed_tells_deletions=None),)},
        "resources: events has a feed, and feed_tells_deletions is neither",
    ),
    "is equal to others": ({"__eq__": lambda *_: True, "__hash__": None}, "Made cannot be hashed"),
    "has a method that is none": ({"classify": None}, "classify is no method"),
    "says in a word how it is authorised": (
        {"grant": "configuration", "write_headers": lambda *_: {}},
        "grant: 'configuration' is no Grant",
    ),
    "says half of how it is authorised": (
        {"grant": Grant.CONFIGURATION},
        "grant: it is there without write_headers",
    ),
    "has fields that are none": ({"fields": ("subdomain",)}, "fields: 'subdomain' is no Field"),
    "has a field twice": (
        {"fields": EgnyteConnector.fields * 2},
        "fields: the key 'oauth.api.key' is there already",
    ),
    "has a field without a key": ({"fields": (Field("", "Key"),)}, "fields: '', 'Key' are no key and label"),
    "has a default that is no text": (
        {"fields": (Field("limit", "Limit", required=True, default=15),)},
        "fields: limit: its kind is no FieldKind, or its default neither",
    ),
    "takes a field of events": ({"fields": EVENT_FIELDS[:1]}, "is there already"),
    "has steps that are none": ({"setup_steps": (1,)}, "setup_steps: one of them is no text"),
    "reads nothing": ({"resources": ()}, "resources: there are none"),
    "reads what is none": ({"resources": ("users",)}, "resources: 'users' is no Resource"),
    "has resources in no order": (
        {"resources": frozenset(EgnyteConnector.resources)},
        "is no tuple",
    ),
    "has parameters in a tuple": (
        {"resources": (replace(EVENTS, parameters=("folder",)),)},
        "resources: events: parameters: ('folder',) is no set of texts",
    ),
    "labels by letters": (
        {"resources": (replace(EVENTS, label_fields="path"),)},
        "resources: events: label_fields: 'path' is no tuple of texts",
    ),
    "identifies by nothing": (
        {"resources": (replace(EVENTS, id_field=None),)},
        "resources: events: id_field: None is no text",
    ),
    "has a resource nowhere": (
        {"resources": (replace(EVENTS, path=""),)},
        "resources: events: path: '' is no path",
    ),
    "has a resource at its provider's path": (
        {"resources": (replace(EVENTS, path="/events"),)},
        "resources: events: path: '/events' is no path",
    ),
    "has a path that leads elsewhere": (
        {"resources": (replace(EVENTS, path="../events"),)},
        "resources: events: path: '../events' is no path",
    ),
    "has a resource whose name means something else": (
        {"resources": (replace(EVENTS, name="pollDate"),)},
        "resources: pollDate: that name has another meaning in notifications",
    ),
    "has two resources at one path": (
        {"resources": (EVENTS, replace(EVENTS, name="more"))},
        "resources: more: the path 'events' is that of another",
    ),
    "has a resource twice": ({"resources": EgnyteConnector.resources * 2}, "is empty or there already"),
}


def make(**changed: object) -> EgnyteConnector:
    """Make a connector that is good but for what is changed."""
    return type("Made", (EgnyteConnector,), {"key": "acme", "id": 7, "name": "Acme", **changed})()


def test_what_is_good_is_taken():
    assert judge(make(), [EgnyteConnector()]) == ""
    own = {"grant": Grant.CONFIGURATION, "write_headers": lambda *_: {}}
    assert judge(make(**own), [EgnyteConnector()]) == ""
    assert judge(make(calls_per_second=1, calls_a_day=None, fields=()), [EgnyteConnector()]) == ""


@pytest.mark.parametrize("case", WRONG)
def test_each_thing_that_is_wrong_is_named(case):
    changed, reason = WRONG[case]
    assert reason in judge(make(**changed), [EgnyteConnector()])


@pytest.mark.parametrize("value", [None, "connector", 7, object(), EgnyteConnector.resources])
def test_what_is_no_connector_is_told_by_its_kind(value):
    assert f"{type(value).__name__} has no find_host" in judge(value, [])
