"""The body of a notification, in each of the forms it can have. Pure."""

from __future__ import annotations

from signalpost.delivery.formats.cloudevents import write_cloudevents
from signalpost.delivery.formats.open_connectors import write_open_connectors
from signalpost.delivery.formats.standard_webhooks import write_standard_webhooks
from signalpost.model.delivery import Format, Notification

CONTENT_TYPES = {
    Format.OPEN_CONNECTORS: "application/json",
    Format.CLOUDEVENTS: "application/cloudevents-batch+json",
    Format.STANDARD_WEBHOOKS: "application/json",
}

_WRITERS = {
    Format.OPEN_CONNECTORS: write_open_connectors,
    Format.CLOUDEVENTS: write_cloudevents,
    Format.STANDARD_WEBHOOKS: write_standard_webhooks,
}


def write_body(notification: Notification, form: Format, *, public_url: str | None) -> bytes:
    """Write the body (docs/reference/notifications.md): the same notification in the same form, the same bytes.

    ``public_url`` stands in front of addresses of this API; without it they are paths.
    """
    return _WRITERS[form](notification, public_url=public_url)
