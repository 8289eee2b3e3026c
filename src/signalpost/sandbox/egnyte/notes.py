"""``/pubapi/v1/notes``: the comments on files, and the change of them by a control (egnyte-api.md section 5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.kinds import NOTES
from signalpost.sandbox.egnyte.paging import (
    answer_content,
    arrange,
    find_caller,
    read_date,
    read_span,
    require_admin,
)
from signalpost.sandbox.egnyte.records import Record, grant_wish, read_wish
from signalpost.sandbox.egnyte.state import State
from signalpost.sandbox.egnyte.tree import Note

SCOPE = "Egnyte.filesystem"
USUAL_COUNT = 25
MOST_COUNT = 100


def show_note(state: State, note: Note) -> Record:
    """Give a note as its writer and administrators see it."""
    users = state.records["users"].values()
    names = {user["userName"]: user["name"]["formatted"] for user in users}
    return {
        "id": note.id,
        "message": note.message,
        "username": note.username,
        "can_delete": True,
        "creation_time": note.creation_time,
        "formatted_name": names.get(note.username, note.username),
        "file_path": note.file.path,
        "group_id": note.file.id,
    }


async def _list_notes(call: Call) -> web.Response:
    query = call.request.query
    folder, file = query.get("folder"), query.get("file")
    if folder is None and file is None:
        require_admin(call, "the notes of the whole domain")
    start, end = read_date(call, "start_time"), read_date(call, "end_time")
    span = read_span(call, usual=USUAL_COUNT, most=MOST_COUNT)
    found = []
    for note in call.state.tree.list_notes():
        path = note.file.path.casefold()
        if folder is not None and not path.startswith(folder.casefold().rstrip("/") + "/"):
            continue
        if file is not None and path != file.casefold():
            continue
        created_at = datetime.fromisoformat(note.creation_time).timestamp()
        if (start is None or created_at >= start) and (end is None or created_at <= end):
            found.append(note)
    page = [_show_to_caller(call, note) for note in span.cut(arrange(call, found))]
    return answer_content(
        call, {"total_results": len(found), "count": len(page), "offset": span.offset, "notes": page}
    )


async def _tell_note(call: Call) -> web.Response:
    note_id = call.request.match_info["id"]
    for note in call.state.tree.list_notes():
        if note.id == note_id:
            return answer_content(call, _show_to_caller(call, note))
    raise NotFoundError(f"There is no note {note_id}")


def _show_to_caller(call: Call, note: Note) -> Record:
    user = find_caller(call)
    return show_note(call.state, note) | {
        "can_delete": user.kind == "admin" or user.username == note.username
    }


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v1/notes", _list_notes, scope=SCOPE),
    Endpoint("GET", "/pubapi/v1/notes/{id}", _tell_note, scope=SCOPE),
)


def change_notes(state: State, body: Any, now: float) -> list[Record]:
    """Do what the control ``records/notes`` asks, without events; give the notes created and updated.

    Raises:
        InvalidRequestError: a field is wrong, or there is no such file or note.
    """
    tree = state.tree
    before = {note.id: note for note in tree.list_notes()}
    files = {file.id: file for file in tree.files}
    known = {note.id: _write(note) for note in before.values()}
    wish = read_wish(NOTES, body)
    for item in (*wish.create, *wish.update):
        if "file_path" in item:
            file = tree.find(item.pop("file_path"))
            item["group_id"] = file.id if file else None
        if "group_id" in item and item["group_id"] not in files:
            raise InvalidRequestError("file_path, or group_id, must be that of a file")
    fresh, changed = grant_wish(NOTES, known, wish, lambda: state.draft(now))
    if any(record["group_id"] not in files for record in changed):
        raise InvalidRequestError(
            "there is no file yet that a note could be on: make a change that creates one"
        )
    for note_id, record in known.items():
        if fresh.get(note_id) is not record:
            tree.notes.remove(before[note_id])
    for note_id, record in fresh.items():
        if known.get(note_id) is not record:
            tree.notes.add(_read(record, files))
    changed_ids = {record["id"] for record in changed}
    return [show_note(state, note) for note in tree.list_notes() if note.id in changed_ids]


def _write(note: Note) -> Record:
    return {
        "id": note.id,
        "message": note.message,
        "username": note.username,
        "creation_time": note.creation_time,
        "group_id": note.file.id,
    }


def _read(record: Record, files: dict[str, Any]) -> Note:
    return Note(
        record["id"],
        files[record["group_id"]],
        record["message"],
        record["username"],
        record["creation_time"],
    )
