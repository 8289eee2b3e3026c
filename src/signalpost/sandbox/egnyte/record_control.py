"""``/_sandbox/records/{kind}``: creates, updates and deletes records, and tells the whole truth of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from signalpost.sandbox.egnyte.audit_log import AUDIT
from signalpost.sandbox.egnyte.endpoint import Call
from signalpost.sandbox.egnyte.fields import read_choice, read_object
from signalpost.sandbox.egnyte.kinds import KINDS
from signalpost.sandbox.egnyte.notes import change_notes, show_note
from signalpost.sandbox.egnyte.people import show_group, show_user
from signalpost.sandbox.egnyte.records import Record, grant_wish, read_items, read_wish
from signalpost.sandbox.egnyte.state import State
from signalpost.sandbox.egnyte.work import show_task

ALL_KINDS = (*KINDS, "notes", "audit")
SHOWS: dict[str, Callable[[State, Record], Record]] = {
    "users": show_user,
    "groups": show_group,
    "tasks": show_task,
}


def change_records(call: Call, body: Any) -> Any:
    """Do what ``body`` asks, all of it or nothing, and give the records created and updated."""
    name = _read_kind(call)
    if name == "notes":
        return {"records": change_notes(call.state, body, call.now)}
    if name == "audit":
        return {"records": _append_audit(call, body)}
    fresh, changed = grant_wish(
        KINDS[name],
        call.state.records[name],
        read_wish(KINDS[name], body),
        lambda: call.state.draft(call.now),
    )
    call.state.records[name] = fresh
    return {"records": [_show(call.state, name, record) for record in changed]}


def list_records(call: Call, _body: Any) -> Any:
    """Give all records of one kind."""
    name, state = _read_kind(call), call.state
    if name == "notes":
        return {"records": [show_note(state, note) for note in state.tree.list_notes()]}
    if name == "audit":
        return {"records": state.audit_log.list_all()}
    return {"records": [_show(state, name, record) for record in state.records[name].values()]}


def _read_kind(call: Call) -> str:
    return read_choice("kind", call.request.match_info["kind"], ALL_KINDS)


def _show(state: State, name: str, record: Record) -> Record:
    show = SHOWS.get(name)
    return show(state, record) if show else record


def _append_audit(call: Call, body: Any) -> list[Record]:
    # The log is only ever written on: there is nothing to update or to delete, and no id to do it by.
    given = read_object("body", body, ("create",))
    rows = [
        AUDIT.fill(call.state.draft(call.now)) | item
        for item in read_items(AUDIT, "create", given.get("create", []))
    ]
    for row in rows:
        call.state.audit_log.append(row)
    return rows
