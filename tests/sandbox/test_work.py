"""Tasks and project folders (egnyte-api.md section 5)."""

from __future__ import annotations

from tests.sandbox.conftest import START, Egnyte

TASKS = "/pubapi/v1/workflows/tasks"
PROJECTS = "/pubapi/v1/project-folders"


async def test_task_has_the_shape_of_the_reference(egnyte: Egnyte) -> None:
    [row] = await egnyte.make_changes(1, "update")
    [made] = await egnyte.change_records("tasks", create=[{"assignees": [7, 99]}])
    assert (await egnyte.get(TASKS)).json == {"results": [made], "offset": 0, "count": 1, "totalCount": 1}
    assert (made["creationDate"], made["dueDate"]) == (START * 1000, "2026-06-04")
    assert [user["username"] for user in made["assignees"]] == ["power"]
    assert made["assigner"]["email"] == "admin@example.com"
    details = row["data"]
    assert made["file"] == {
        "path": details["target_path"],
        "groupId": details["target_group_id"],
        "entryId": details["target_id"],
    }


async def test_tasks_are_paged_by_count_or_limit(egnyte: Egnyte) -> None:
    made = [task["id"] for task in await egnyte.change_records("tasks", create=[{}] * 120)]
    for name in ("count", "limit"):
        pages = [(await egnyte.get(TASKS, offset=at, **{name: 80})).json for at in (0, 50, 100, 120)]
        assert [page["count"] for page in pages] == [50, 50, 20, 0]
        assert [task["id"] for page in pages for task in page["results"]] == made
    assert (await egnyte.get(TASKS)).json["count"] == 25


async def test_tasks_are_filtered_by_status(egnyte: Egnyte) -> None:
    _, done = await egnyte.change_records("tasks", create=[{}, {"status": "COMPLETED"}])
    reply = (await egnyte.get(TASKS, status="COMPLETED")).json
    assert (reply["results"], reply["totalCount"]) == ([done], 1)


async def test_projects_are_a_bare_array_with_dates_that_follow_updates(egnyte: Egnyte) -> None:
    assert (await egnyte.get(PROJECTS)).json == []
    first, second = await egnyte.change_records("project-folders", create=[{}, {"status": "on-hold"}])
    assert first["creationTime"] == first["lastModifiedTime"] == "2026-05-28T12:00:00.000+0000"
    assert (first["status"], second["status"]) == ("pending", "on-hold")
    egnyte.clock.now += 1.25
    [changed] = await egnyte.change_records("project-folders", update=[{"id": first["id"], "name": "New"}])
    assert changed == first | {"name": "New", "lastModifiedTime": "2026-05-28T12:00:01.250+0000"}
    assert (await egnyte.get(PROJECTS)).json == [changed, second]
    assert (await egnyte.get(PROJECTS.replace("v1", "v2"))).json == [changed, second]
    folder = await egnyte.get(f"/pubapi/v1/fs/ids/folder/{first['rootFolderId']}")
    assert folder.status == 200
