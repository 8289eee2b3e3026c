"""Files and folders by path and id (egnyte-api.md section 5): they are what the events tell."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.conftest import START, Egnyte

FS = "/pubapi/v1/fs"
EARLIER_MILLISECONDS = (START - 30 * 86_400) * 1000


async def tell(egnyte: Egnyte, path: str, **query: Any) -> Any:
    reply = await egnyte.get(FS + quote(path), **query)
    assert reply.status == 200, reply.text
    return reply.json


async def walk(egnyte: Egnyte, path: str) -> dict[str, Any]:
    """Give all files below ``path``, by path, read as a crawler does."""
    found: dict[str, Any] = {}
    offset, total = 0, 1
    while offset < total:
        page = await tell(egnyte, path, list_content="true", count=7, offset=offset)
        assert page["count"] == len(page["folders"]) + len(page["files"])
        offset, total = offset + page["count"], page["total_count"]
        found |= {file["path"]: file for file in page["files"]}
        for folder in page["folders"]:
            found |= await walk(egnyte, folder["path"])
    return found


async def test_walk_gives_every_file_with_odd_names_too(egnyte: Egnyte) -> None:
    await egnyte.make_changes(300)
    found = await walk(egnyte, "/Shared")
    files = egnyte.sandbox.state.tree.files
    assert {path: file["group_id"] for path, file in found.items()} == {node.path: node.id for node in files}
    assert any("#" in path or "%" in path for path in found)


async def test_links_of_events_lead_to_the_files(egnyte: Egnyte) -> None:
    found = 0
    for row in await egnyte.make_changes(60, "create", "rename"):
        reply = await egnyte.call("GET", row["object_detail"].removeprefix(egnyte.sandbox.url))
        # What was renamed later is no longer there.
        assert reply.status in (200, 404)
        if reply.status == 200:
            assert reply.json["path"] == row["data"]["target_path"]
            found += 1
    assert found >= 10


async def test_new_version_changes_all_but_the_group(egnyte: Egnyte) -> None:
    [row] = await egnyte.make_changes(1, "update", username="power")
    details = row["data"]
    file = await tell(egnyte, details["target_path"])
    [old] = file.pop("versions")
    assert len(file["checksum"]) == 128
    assert old["checksum"] != file["checksum"]
    assert (old["uploaded"], file["uploaded"]) == (EARLIER_MILLISECONDS, START * 1000)
    assert file["last_modified"] == "Thu, 28 May 2026 12:00:00 GMT"
    assert (file["entry_id"], file["group_id"]) == (details["target_id"], details["target_group_id"])
    assert (file["num_versions"], file["uploaded_by"], file["is_folder"]) == (2, "power", False)
    by_id = await egnyte.get(f"{FS}/ids/file/{file['group_id']}")
    assert by_id.json == file | {"versions": [old]}
    folder = await tell(egnyte, details["target_path"].rpartition("/")[0])
    assert (folder["folder_id"], folder["lastModified"]) == (file["parent_id"], START * 1000)
    assert folder["files"] == [file]


async def test_move_keeps_ids_and_dates(egnyte: Egnyte) -> None:
    [created] = await egnyte.make_changes(1, "update")
    before = await tell(egnyte, created["data"]["target_path"])
    egnyte.clock.now += 60
    [moved] = await egnyte.make_changes(1, "move")
    assert moved["data"]["target_group_id"] == before["group_id"]
    after = await tell(egnyte, moved["data"]["target_path"])
    changed = {"path": after["path"], "name": after["name"], "parent_id": after["parent_id"]}
    assert after == before | changed
    assert (await egnyte.get(FS + quote(before["path"]))).status == 404


async def test_copy_has_the_bytes_but_ids_of_its_own(egnyte: Egnyte) -> None:
    [row] = await egnyte.make_changes(1, "copy")
    source, target = [await tell(egnyte, row["data"][name]) for name in ("source_path", "target_path")]
    assert (source["checksum"], source["size"]) == (target["checksum"], target["size"])
    assert source["group_id"] != target["group_id"]
    assert source["uploaded"] < target["uploaded"]


async def test_one_offset_runs_over_folders_and_then_files(egnyte: Egnyte) -> None:
    await egnyte.make_changes(20, "create", folder="/Shared/Flat")
    whole = await tell(egnyte, "/Shared/Flat")
    folders, files = len(whole["folders"]), len(whole["files"])
    assert (whole["total_count"], whole["count"]) == (folders + files, folders + files)
    page = await tell(egnyte, "/Shared/Flat", offset=folders - 1, count=2)
    assert [row["name"] for row in page["folders"]] == [whole["folders"][-1]["name"]]
    assert [row["name"] for row in page["files"]] == [whole["files"][0]["name"]]
    past = await tell(egnyte, "/Shared/Flat", offset=folders + files)
    assert (past["folders"], past["files"], past["total_count"]) == ([], [], folders + files)


@pytest.mark.parametrize("key", ["name", "size", "last_modified", "uploaded_by"])
async def test_sorting(egnyte: Egnyte, key: str) -> None:
    for _ in range(3):
        await egnyte.make_changes(10, "create", folder="/Shared/Flat")
        egnyte.clock.now += 1
    field = "uploaded" if key == "last_modified" else key
    rising = [row[field] for row in (await tell(egnyte, "/Shared/Flat", sort_by=key))["files"]]
    query = {"sort_by": key, "sort_direction": "descending"}
    falling = [row[field] for row in (await tell(egnyte, "/Shared/Flat", **query))["files"]]
    assert rising == sorted(rising)
    assert falling == sorted(rising, reverse=True)


async def test_folder_alone_and_by_id_and_the_root(egnyte: Egnyte) -> None:
    folder = await tell(egnyte, "/Shared/Projects", list_content="false")
    assert "files" not in folder
    by_id = (await egnyte.get(f"{FS}/ids/folder/{folder['folder_id']}")).json
    assert folder.items() <= by_id.items()
    assert [row["path"] for row in by_id["folders"]] == ["/Shared/Projects/Archive"]
    root = (await egnyte.get(f"{FS}/")).json
    assert [row["path"] for row in root["folders"]] == ["/Shared"]
    assert (await egnyte.get(FS)).json == root


async def test_names_are_found_in_any_letter_case_and_kept_as_they_are(egnyte: Egnyte) -> None:
    (made,) = await egnyte.make_changes(1, "update", folder="/Shared/\u00c4mter/Q1")
    path = made["data"]["target_path"]
    assert (await tell(egnyte, path.upper()))["path"] == path
    (other,) = await egnyte.make_changes(1, "update", folder="/Shared/\u00e4mter/q1")
    assert other["data"]["target_path"] == path


@pytest.mark.parametrize(
    "path", ["/Shared/none", "/Shared/Legal/none/deeper", "/ids/file/none", "/ids/folder/none"]
)
async def test_what_is_not_there(egnyte: Egnyte, path: str) -> None:
    assert (await egnyte.get(FS + path)).status == 404
    assert (await egnyte.call("DELETE", FS + path)).status == 405


@pytest.mark.parametrize(
    "query",
    [
        {"count": "x"},
        {"offset": "-1"},
        {"sort_by": "colour"},
        {"sort_direction": "up"},
        {"list_content": "1"},
    ],
)
async def test_bad_query_is_refused_by_name(egnyte: Egnyte, query: dict[str, str]) -> None:
    reply = await egnyte.get(f"{FS}/Shared", **query)
    assert (reply.status, next(iter(query)) in reply.json["errorMessage"]) == (400, True)
