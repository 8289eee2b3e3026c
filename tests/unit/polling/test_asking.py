"""What a resource is asked for: found out once where it is the same at any time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.polling.configuration import default_resources, match_resource
from signalpost.polling.strategies.asking import ask, recall_asked

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_what_a_connector_does_with_what_is_asked_changes_no_later_poll():
    connector = EgnyteConnector()
    [(name, configuration)] = default_resources(connector).items()
    polled = match_resource(name, configuration, connector)
    asked = recall_asked(polled)
    assert asked == ask(polled, NOW, NOW)
    asked.parameters["type"] = "note"
    asked.conditions.append("odd")
    assert recall_asked(polled) == ask(polled, NOW, NOW) != asked


@pytest.mark.parametrize(
    ("where", "record", "is_met"),
    [
        ("modified_since = '${gmtDate}'", {}, True),
        ("attributes.modified > '${epoch}'", {}, True),
        ("created >= '${date}' or changed >= '${date}'", {}, True),
        ("(kind = 'a' and changed > '${date}') or kind = 'b'", {"kind": "a"}, True),
        ("(kind = 'a' and changed > '${date}') or kind = 'b'", {"kind": "c"}, False),
        ("not changed < '${date}'", {}, True),
        ("not (kind = 'a' and changed < '${date}')", {"kind": "a"}, True),
        ("changed in ('${date}', 'never')", {}, True),
        ("kind = 'a' and changed > '${date}'", {"kind": "b"}, False),
        ("kind = 'a' and changed > '${date}'", {"kind": "a"}, True),
        ("kind = 'a' and not kind = 'b' and changed > '${date}'", {"kind": "a"}, True),
        ("due < '${nowTimeZone:UTC}' and changed > '${date}'", {"due": "2026-02-28"}, True),
        ("due < '${nowTimeZone:UTC}' and changed > '${date}'", {"due": "2026-03-02"}, False),
        ("lastModificationDate < '${nowTimeZone:UTC}'", {"lastModificationDate": "28 May"}, True),
        ("createdDate > '2026' and changed > '${date}'", {"createdDate": "2025"}, False),
        ("createdDate > '2026' and changed > '${date}'", {"createdDate": "2027"}, True),
    ],
)
def test_the_time_of_the_last_poll_is_for_the_provider_and_all_else_is_compared(where, record, is_met):
    connector = EgnyteConnector()
    polled = match_resource("users", {"url": f"/hubs/documents/users?where={where}"}, connector)
    for last_at in (NOW - timedelta(days=1), NOW):
        assert ask(polled, last_at, NOW).where.matches(record) == is_met
