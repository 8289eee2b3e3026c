"""``/_sandbox/records/{kind}``: creates, updates and deletes records, and tells the whole truth of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from signalpost.sandbox.egnyte.audit_log import AUDIT
from signalpost.sandbox.egnyte.endpoint import Call
from signalpost.sandbox.egnyte.kinds import KINDS
from signalpost.sandbox.egnyte.notes import change_notes, show_note
from signalpost.sandbox.egnyte.people import show_group, show_user
from signalpost.sandbox.egnyte.records import Record, grant_wish, read_items, read_wish
from signalpost.sandbox.egnyte.state import State
from signalpost.sandbox.egnyte.work import show_task
from signalpost.sandbox.fields import read_choice, read_object

ALL_KINDS = (*KINDS, "notes", "audit")
SHOWS: dict[str, Callable[[State, Record], Record]] = {
    "users": show_user,
    "groups": show_group,
    "tasks": show_task,
}


def change_records(call: Call, body: Any) -> Any:
    """Do what ``body`` asks, all of it or nothing, and give the records created and updated."""
    return {"records": change_kind(call.state, _read_kind(call), body, call.now)}


def change_kind(state: State, name: str, body: Any, now: float) -> list[Record]:
    """Do what ``body`` asks of the records of one kind, all of it or nothing; give those created and updated.

    Raises:
        InvalidRequestError: there is no such kind, or a field is wrong; it is named.
    """
    kind = read_choice("kind", name, ALL_KINDS)
    if kind == "notes":
        return change_notes(state, body, now)
    if kind == "audit":
        return _append_audit(state, body, now)
    fresh, changed = grant_wish(
        KINDS[kind], state.records[kind], read_wish(KINDS[kind], body), lambda: state.draft(now)
    )
    state.records[kind] = fresh
    return [_show(state, kind, record) for record in changed]


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


def _append_audit(state: State, body: Any, now: float) -> list[Record]:
    # The log is only ever written on: there is nothing to update or to delete, and no id to do it by.
    given = read_object("body", body, ("create",))
    rows = [
        AUDIT.fill(state.draft(now)) | item for item in read_items(AUDIT, "create", given.get("create", []))
    ]
    for row in rows:
        state.audit_log.append(row)
    return rows
