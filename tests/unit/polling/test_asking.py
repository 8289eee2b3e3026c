"""What a resource is asked for: found out once where it is the same at any time."""

from __future__ import annotations

from datetime import UTC, datetime

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
