"""What all lists have in common: scopes, limits, faults, settings, and their place on the page about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signalpost.sandbox.egnyte.server import ENDPOINTS
from tests.sandbox.conftest import START, Egnyte

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md"
AUDIT = f"/pubapi/v2/audit/stream?startDate={int(START * 1000)}"
PROJECTS = "/pubapi/v1/project-folders"
TASKS = "/pubapi/v1/workflows/tasks"
SCOPES = {
    "/pubapi/v2/users": "Egnyte.user",
    "/pubapi/v2/users/1": "Egnyte.user",
    "/pubapi/v2/groups": "Egnyte.group",
    "/pubapi/v2/links": "Egnyte.link",
    "/pubapi/v1/links": "Egnyte.link",
    "/pubapi/v1/notes": "Egnyte.filesystem",
    "/pubapi/v1/fs/trash": "Egnyte.filesystem",
    "/pubapi/v2/fs/trash": "Egnyte.filesystem",
    "/pubapi/v1/fs/Shared": "Egnyte.filesystem",
    TASKS: "Egnyte.filesystem",
    PROJECTS: "Egnyte.projectfolders",
    AUDIT: "Egnyte.audit",
}
ROWS = {
    "/pubapi/v2/users": "resources",
    "/pubapi/v2/groups": "resources",
    "/pubapi/v2/links": "links",
    "/pubapi/v1/notes": "notes",
    "/pubapi/v1/fs/trash": "items",
    "/pubapi/v1/fs/Shared/Flat": "files",
    TASKS: "results",
}


async def fill(egnyte: Egnyte) -> None:
    """Put at least twelve of each thing in."""
    await egnyte.make_changes(60, "create", folder="/Shared/Flat")
    for kind in ("users", "groups", "links", "notes", "tasks", "project-folders", "audit"):
        await egnyte.change_records(kind, create=[{}] * 12)
    await egnyte.make_changes(12, "delete", folder="/Private/admin")


async def list_ids(egnyte: Egnyte, path: str) -> list[Any]:
    reply = await egnyte.get(path)
    assert reply.status == 200, reply.text
    rows = reply.json[ROWS[path]] if path in ROWS else reply.json
    return [row.get("id") or row["group_id"] for row in rows]


@pytest.mark.parametrize(("path", "scope"), SCOPES.items())
async def test_scope_is_needed_and_enough(fresh_egnyte: Egnyte, path: str, scope: str) -> None:
    await fresh_egnyte.connect(scope=scope)
    reply = await fresh_egnyte.get(path)
    assert reply.status == 200, reply.text
    assert "X-Quota-Reset" in reply.headers
    await fresh_egnyte.connect(scope="Egnyte.permission")
    assert (await fresh_egnyte.get(path)).status == 403
    assert (await fresh_egnyte.call("GET", path, token="garbage")).status == 403


@pytest.mark.parametrize("path", SCOPES)
async def test_faults_go_by_path(egnyte: Egnyte, path: str) -> None:
    plain = path.partition("?")[0]
    for fault, status in (
        ({"kind": "status", "status": 503}, 503),
        ({"kind": "over_qps"}, 403),
        ({"kind": "expired_token"}, 401),
    ):
        await egnyte.control("POST", "faults", {**fault, "path": plain})
        assert (await egnyte.get("/pubapi/v1/userinfo")).status == 200
        assert (await egnyte.get(path)).status == status
    await egnyte.connect()
    await egnyte.control("POST", "faults", {"kind": "truncate", "path": plain})
    cut = await egnyte.get(path)
    assert (cut.status, cut.json) == (200, None)


@pytest.mark.parametrize("path", [*ROWS, PROJECTS])
async def test_shuffled_pages_come_in_another_order_each_time(egnyte: Egnyte, path: str) -> None:
    await fill(egnyte)
    calm = [await list_ids(egnyte, path) for _ in range(2)]
    assert calm[0] == calm[1]
    await egnyte.control("PATCH", "settings", {"shuffle_pages": True})
    wild = [await list_ids(egnyte, path) for _ in range(3)]
    assert len({tuple(ids) for ids in wild}) == 3
    assert all(set(ids) == set(calm[0]) for ids in wild)


def has_numbers(content: Any) -> bool:
    if isinstance(content, dict):
        return any(map(has_numbers, content.values()))
    if isinstance(content, list):
        return any(map(has_numbers, content))
    return type(content) in (int, float)


@pytest.mark.parametrize("path", [*ROWS, AUDIT, "/pubapi/v2/users/1"])
async def test_numbers_as_strings(egnyte: Egnyte, path: str) -> None:
    await fill(egnyte)
    assert has_numbers((await egnyte.get(path)).json)
    await egnyte.control("PATCH", "settings", {"numbers_as_strings": True})
    assert not has_numbers((await egnyte.get(path)).json)


@pytest.mark.parametrize("path", ROWS)
async def test_too_large_a_count_is_clamped_or_refused(egnyte: Egnyte, path: str) -> None:
    await fill(egnyte)
    assert (await egnyte.get(path, count=100_000)).status == 200
    await egnyte.control("PATCH", "settings", {"over_max_count": "400"})
    reply = await egnyte.get(path, count=100_000)
    assert (reply.status, "count" in reply.json["errorMessage"]) == (400, True)


async def test_reset_header_can_be_left_out(egnyte: Egnyte) -> None:
    await egnyte.control("PATCH", "settings", {"quota_reset_header": False})
    headers = (await egnyte.get("/pubapi/v2/users")).headers
    assert "X-Quota-Reset" not in headers
    assert "X-AccessToken-Quota-Current" in headers


def test_page_documents_every_call() -> None:
    page = PAGE.read_text()
    calls = [f"`{item.method} {item.path.replace(':.*', '')}`" for item in ENDPOINTS]
    assert [call for call in calls if call not in page] == []
