"""How the form that connects an instance is filled: anew, from what is stored, from what a browser sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson

from signalpost.connectors.base import Connector
from signalpost.instances.orders import Order
from signalpost.model.configuration import EVENTS_ENABLED, POLL_START, POLLER_CONFIGURATION
from signalpost.model.instance import Instance
from signalpost.polling.configuration import default_resources
from signalpost.store.tokens import tokens_from_json, tokens_to_json
from signalpost.store.vault import Vault
from signalpost.web.connect_form import PREFIX, ConnectForm
from signalpost.web.filters import write_json
from signalpost.web.resource_rows import make_rows, merge_rows, read_json, read_rows
from signalpost.web.visits import Form, Visit

KEPT_SECONDS = 3600


def fill_new(connector: Connector) -> ConnectForm:
    """Give the form with its defaults: events on, the connector's first resource."""
    form = ConnectForm(connector, connection=str(uuid4()))
    form.values = form.show_values({})
    form.values[EVENTS_ENABLED] = "true"
    _set_resources(form, write_json(default_resources(connector)))
    return form


def fill_order(connector: Connector, order: Order) -> ConnectForm:
    """Give the form as it was when an order was made of it; its secrets are kept, not shown."""
    form = fill_new(connector)
    given = {key: str(text) for key, text in (order.wish.configuration or {}).items()}
    form.name, form.tags = order.wish.name or "", ", ".join(order.wish.tags or ())
    form.save_as, form.look_first, form.tokens = order.application, order.look_first, order.wish.tokens
    form.secrets = {key: text for key, text in given.items() if key in form.secret_keys}
    _set_values(form, given)
    form.consented = form.digest_account(given) if form.tokens else ""
    if order.application_id:
        form.application = str(order.application_id)
        own = {each.key for each in connector.fields if each.application}
        form.secrets = {key: text for key, text in form.secrets.items() if key not in own}
    return form


def fill_instance(connector: Connector, instance: Instance) -> ConnectForm:
    """Give the form with what an instance has."""
    form = fill_new(connector)
    form.instance = instance
    form.name, form.tags = instance.name, ", ".join(instance.tags)
    _set_values(form, instance.configuration)
    form.opened = form.digest_fields()
    return form


def _set_values(form: ConnectForm, given: Mapping[str, str]) -> None:
    form.values |= form.show_values(given)
    start = given.get(POLL_START, "").strip() or "now"
    form.start = start.lower() if start.lower() in {"now", "oldest"} else "instant"
    form.start_at = start if form.start == "instant" else ""
    _set_resources(form, given.get(POLLER_CONFIGURATION, ""))


def _set_resources(form: ConnectForm, text: str) -> None:
    value = read_json(text, form.connector)
    form.rows = make_rows(value or {}, form.connector)
    form.json_text = text if value is None else write_json(value)


def read_form(form: ConnectForm, sent: Form, kept: Mapping[str, Any]) -> None:
    """Take over into ``form`` what was sent, and what ``open_kept`` gave."""
    now = replace(form, values=dict(form.values))
    form.name, form.tags = sent.get("name", ""), sent.get("tags", "")
    form.application, form.save_as = sent.get("application", ""), sent.get("save_as", "")
    form.forgotten = frozenset(sent.lists.get("forget", [])) & form.secret_keys
    form.secrets = {key: text for key, text in kept.get("secrets", {}).items() if key not in form.forgotten}
    for each in (*form.own_fields, *form.event_fields.values()):
        given = sent.get(PREFIX + each.key, "").replace("\r\n", "\n").strip()
        if each.key not in form.secret_keys:
            form.values[each.key] = given
        elif given:
            form.secrets[each.key] = given
            form.forgotten -= {each.key}
    form.values[EVENTS_ENABLED] = "true" if sent.get(PREFIX + EVENTS_ENABLED) == "true" else "false"
    form.start, form.start_at = sent.get("start", "now"), sent.get("start_at", "").strip()
    form.look_first = sent.get("begin") == "look"
    form.pane = "json" if sent.get("pane") == "json" else "form"
    form.json_text = sent.get(PREFIX + POLLER_CONFIGURATION, "").replace("\r\n", "\n")
    value = read_json(form.json_text, form.connector)
    form.rows = make_rows(value or {}, form.connector)
    if form.pane == "form":
        read_rows(sent, form.rows)
        form.json_text = write_json(merge_rows(value or {}, form.rows))
    tokens = kept.get("tokens")
    form.tokens = tokens_from_json(tokens, 0) if tokens else None
    form.consented, form.connection = kept.get("consented", ""), kept.get("connection") or form.connection
    if form.instance is not None:
        _keep_others(form, now, sent.get("opened", ""))


def _keep_others(form: ConnectForm, now: ConnectForm, opened: str) -> None:
    """Give the fields that are as they were opened what the instance has ``now``: others may have changed it since."""
    shown = (opened and read_json(opened, form.connector)) or {}
    left = {name for name, digest in form.digest_fields().items() if shown.get(name) == digest}
    form.values |= {key: text for key, text in now.values.items() if PREFIX + key in left}
    if "name" in left:
        form.name = now.name
    if "tags" in left:
        form.tags = now.tags
    if "start" in left:
        form.start, form.start_at = now.start, now.start_at
    if POLLER_CONFIGURATION in left:
        form.rows, form.json_text = now.rows, now.json_text
    form.opened = shown | {name: now.opened[name] for name in left}


def seal_kept(form: ConnectForm, visit: Visit, vault: Vault, now: datetime) -> str:
    """Seal what is not shown for the form's next round: who typed a secret need not type it again."""
    kept = {
        "secrets": form.secrets,
        "tokens": tokens_to_json(form.tokens) if form.tokens else None,
        "consented": form.consented,
        "connection": form.connection,
    }
    return vault.seal_text(_name_purpose(form, visit), orjson.dumps(kept).decode(), now)


def open_kept(form: ConnectForm, sent: Form, visit: Visit, vault: Vault, now: datetime) -> Mapping[str, Any]:
    """Open what ``seal_kept`` gave to the same member; nothing where it is another's or more than an hour old."""
    text = vault.unseal_text(_name_purpose(form, visit), sent.get("kept", ""), now, seconds=KEPT_SECONDS)
    kept: Mapping[str, Any] = orjson.loads(text) if text else {}
    return kept


def _name_purpose(form: ConnectForm, visit: Visit) -> str:
    place = form.instance.id if form.instance else form.connector.key
    return f"form {place} of {visit.member.id}"
