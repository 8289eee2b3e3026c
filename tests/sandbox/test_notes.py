"""Notes: those of the changes, and those that a control makes (egnyte-api.md section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Egnyte

NOTES = "/pubapi/v1/notes"


def ids(reply: Any) -> list[str]:
    assert reply.status == 200, reply.text
    return [note["id"] for note in reply.json["notes"]]


async def test_note_of_a_change_is_told(egnyte: Egnyte) -> None:
    [row] = await egnyte.make_changes(1, "note", username="power")
    details = row["data"]
    reply = (await egnyte.get(NOTES)).json
    [note] = reply.pop("notes")
    assert reply == {"total_results": 1, "count": 1, "offset": 0}
    assert (note["id"], note["file_path"]) == (details["note_id"], details["target_path"])
    assert note.pop("message")
    assert note == {
        "id": details["note_id"],
        "username": "power",
        "can_delete": True,
        "creation_time": "2026-05-28T12:00:00Z",
        "formatted_name": "Sandbox Power",
        "file_path": details["target_path"],
        "group_id": details["target_group_id"],
    }
    assert (await egnyte.get(f"{NOTES}/{note['id']}")).json["id"] == note["id"]
    assert (await egnyte.get(f"{NOTES}/none")).status == 404


async def test_notes_follow_the_changes(egnyte: Egnyte) -> None:
    alive: set[str] = set()
    for row in await egnyte.make_changes(200, "note"):
        if row["action"] == "create":
            alive.add(row["data"]["note_id"])
        else:
            alive.remove(row["data"]["note_id"])
    seen: list[str] = []
    while page := ids(await egnyte.get(NOTES, offset=len(seen), count=30)):
        seen += page
    assert len(seen) == len(alive)
    assert set(seen) == alive
    assert len(ids(await egnyte.get(NOTES))) == 25
    assert len(ids(await egnyte.get(NOTES, count=200))) == min(100, len(alive))


async def test_note_in_the_trash_comes_back_with_its_file(egnyte: Egnyte) -> None:
    await egnyte.make_changes(1, "note")
    [row] = await egnyte.make_changes(1, "delete")
    assert row["data"]["is_folder"] is False
    assert ids(await egnyte.get(NOTES)) == []
    await egnyte.make_changes(1, "restore")
    assert len(ids(await egnyte.get(NOTES))) == 1


async def test_filters(egnyte: Egnyte) -> None:
    paths = []
    for folder in ("/Shared/A", "/Shared/AB"):
        [row] = await egnyte.make_changes(1, "update", folder=folder)
        paths.append(row["data"]["target_path"])
    times = ("2026-05-01T08:00:00Z", "2026-05-02T08:00:00Z")
    given = [{"file_path": path, "creation_time": time} for path, time in zip(paths, times, strict=True)]
    first, second = [note["id"] for note in await egnyte.change_records("notes", create=given)]
    assert ids(await egnyte.get(NOTES)) == [first, second]
    assert ids(await egnyte.get(NOTES, folder="/Shared/A")) == [first]
    assert ids(await egnyte.get(NOTES, folder="/shared/a")) == [first]
    assert ids(await egnyte.get(NOTES, folder="/Shared/")) == [first, second]
    assert ids(await egnyte.get(NOTES, file=paths[1].upper())) == [second]
    assert ids(await egnyte.get(NOTES, start_time=times[1])) == [second]
    assert ids(await egnyte.get(NOTES, end_time="2026-05-01T09:00:00Z")) == [first]
    assert (await egnyte.get(NOTES, start_time="soon")).status == 400


async def test_notes_are_updated_and_deleted(egnyte: Egnyte) -> None:
    await egnyte.make_changes(1, "update")
    made = await egnyte.change_records("notes", create=[{"message": "one"}, {"message": "two"}])
    [changed] = await egnyte.change_records(
        "notes", update=[{"id": made[0]["id"], "message": "three"}], delete=[made[1]["id"]]
    )
    assert changed == made[0] | {"message": "three"}
    assert await egnyte.list_records("notes") == [changed]
    assert (await egnyte.get(NOTES)).json["notes"] == [changed]
    assert (await egnyte.control("GET", "events"))["events"][1:] == []


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"create": [{}]}, "no file"),
        ({"create": [{"file_path": "/Shared/none"}]}, "file_path"),
        ({"create": [{"file_path": "/Shared/Legal"}]}, "file_path"),
        ({"create": [{"group_id": "none"}]}, "group_id"),
        ({"create": [{"message": ""}]}, "message"),
        ({"update": [{"id": "none"}]}, "none"),
        ({"delete": ["none"]}, "none"),
    ],
)
async def test_bad_note_is_refused(egnyte: Egnyte, wish: Any, named: str) -> None:
    assert named in (await egnyte.control("POST", "records/notes", wish, status=400))["message"]


async def test_notes_of_the_whole_domain_are_for_administrators(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.connect(username="power")
    await fresh_egnyte.make_changes(1, "note", username="admin")
    assert (await fresh_egnyte.get(NOTES)).status == 403
    [note] = (await fresh_egnyte.get(NOTES, folder="/Shared")).json["notes"]
    assert note["can_delete"] is False
