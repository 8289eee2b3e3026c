"""The controls under ``/_sandbox/`` and what they refuse."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from signalpost.sandbox.egnyte.changes import USUAL_WEIGHTS
from signalpost.sandbox.egnyte.control import CONTROLS
from signalpost.sandbox.egnyte.faults import KINDS
from signalpost.sandbox.egnyte.settings import Settings
from tests.sandbox.conftest import Egnyte, open_egnyte

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md"


async def test_controls_are_listed(fresh_egnyte: Egnyte) -> None:
    listed = await fresh_egnyte.control("GET", "")
    assert listed["domain"] == "acme"
    assert {"POST /_sandbox/changes", "GET /_sandbox/calls"} < {
        f"{item['method']} {item['path']}" for item in listed["controls"]
    }


def test_page_documents_every_control_setting_fault_and_action() -> None:
    page = PAGE.read_text()
    names = [item.name for item in fields(Settings)] + list(KINDS) + list(USUAL_WEIGHTS)
    names += [f"{item.method} /_sandbox/{item.path}" for item in CONTROLS]
    assert [name for name in names if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("POST", "/_sandbox/changes/", 404, "GET /_sandbox/ lists the controls"),
        ("GET", "/_sandbox", 404, "GET /_sandbox/ lists the controls"),
        ("GET", "/_sandbox/changes", 405, "it takes POST"),
        ("PUT", "/_sandbox/settings", 405, "it takes PATCH, GET"),
        ("DELETE", "/_sandbox/records/users", 405, "it takes POST, GET"),
    ],
)
async def test_what_is_no_control_is_told_in_json_with_what_there_is(
    fresh_egnyte: Egnyte, method: str, path: str, status: int, told: str
) -> None:
    reply = await fresh_egnyte.call(method, path, json={})
    assert (reply.status, reply.json) == (status, {"message": f"there is no control {method} {path}: {told}"})


async def test_same_seed_makes_the_same_changes() -> None:
    made = []
    for seed in (7, 7, 8):
        async with open_egnyte(seed=seed) as egnyte:
            batches = [await egnyte.make_changes(30), await egnyte.make_changes(30, "create", "note")]
            made.append([{**row, "object_detail": None} for batch in batches for row in batch])
    assert made[0] == made[1]
    assert made[0] != made[2]


async def test_given_actions_are_done_in_turn(fresh_egnyte: Egnyte) -> None:
    made = await fresh_egnyte.make_changes(4, "delete", "restore")
    assert [row["action"] for row in made] == ["delete", "restore", "delete", "restore"]


async def test_changes_stay_in_their_folder(fresh_egnyte: Egnyte) -> None:
    folder = "/Private/admin/R&D #2"
    for row in await fresh_egnyte.make_changes(200, folder=folder):
        paths = [row["data"][name] for name in ("source_path", "target_path") if name in row["data"]]
        assert all(path == folder or path.startswith(folder + "/") for path in paths), row


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("changes", {"count": 0}, "count"),
        ("changes", {"count": "3"}, "count"),
        ("changes", {"count": 1_000_000}, "count"),
        ("changes", {"actions": ["explode"]}, "explode"),
        ("changes", {"actions": "create"}, "actions"),
        ("changes", {"folder": "/Elsewhere"}, "folder"),
        ("changes", {"folder": "/Shared/a|b"}, "folder"),
        ("changes", {"username": "nobody"}, "nobody"),
        ("changes", {"client_id": 5}, "client_id"),
        ("revoke", {"client_id": 5}, "client_id"),
        ("changes", {"amount": 5}, "amount"),
        ("changes", [], "object"),
        ("events", {}, "array"),
        ("events", [5], "event 0"),
        ("events", [{"id": 0}], "id"),
        ("events", [{"id": True}], "id"),
        ("events", [{"id": 9}, {"id": 9}], "id"),
        ("authorize", {"redirect_uri": "http://x/"}, "client_id"),
        ("authorize", {"client_id": "key", "redirect_uri": "nowhere"}, "redirect_uri"),
        ("authorize", {"client_id": "key", "redirect_uri": "http://x/", "username": "no"}, "username"),
        ("revoke", {"user": "admin"}, "user"),
        ("reset", {"seed": 1}, "seed"),
    ],
)
async def test_bad_body_is_refused_by_name(fresh_egnyte: Egnyte, path: str, body: Any, named: str) -> None:
    assert named in (await fresh_egnyte.control("POST", path, body, status=400))["message"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("unknown", 1),
        ("retention", 0),
        ("retention", 1.5),
        ("retention_seconds", -1),
        ("lag_seconds", "5"),
        ("lag_seconds", True),
        ("expires_in", 0),
        ("expires_in", "60"),
        ("refresh_rotation", 1),
        ("over_max_count", "cut"),
        ("throttle_status", 500),
        ("future_cursor", None),
        ("keys", [{"client_id": "a"}]),
        ("keys", [{"client_id": "", "secret": "hush"}]),
        ("keys", "all"),
        ("shuffle_pages", 1),
        ("quota_reset_header", "yes"),
        ("audit_page_size", 0),
        ("audit_window_seconds", 0.5),
        ("audit_calls_per_minute", 0),
        ("audit_calls_per_hour", "100"),
    ],
)
async def test_bad_setting_is_refused_by_name(fresh_egnyte: Egnyte, setting: str, value: Any) -> None:
    before = await fresh_egnyte.control("GET", "settings")
    given = {"qps": 5, setting: value}
    message = (await fresh_egnyte.control("PATCH", "settings", given, status=400))["message"]
    assert setting in message
    assert "hush" not in message
    assert await fresh_egnyte.control("GET", "settings") == before


async def test_refused_rows_leave_nothing_behind(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.control("POST", "events", [{"id": 5}])
    await fresh_egnyte.control("POST", "events", [{"id": 6}, {"id": 5}], status=400)
    assert (await fresh_egnyte.control("GET", "events"))["events"] == [{"id": 5}]


async def test_body_that_is_not_json_is_refused(fresh_egnyte: Egnyte) -> None:
    reply = await fresh_egnyte.call("POST", "/_sandbox/changes", data="{")
    assert (reply.status, "JSON" in reply.json["message"]) == (400, True)


async def test_body_that_nests_too_deeply_is_refused(fresh_egnyte: Egnyte) -> None:
    deep = "[" * 900 + "]" * 900
    for path, name in (("faults", '"kind": "status", "status": 500, "body"'), ("changes", '"count"')):
        reply = await fresh_egnyte.call("POST", f"/_sandbox/{path}", data=f"{{{name}: {deep}}}")
        assert (reply.status, "too deeply" in reply.json["message"]) == (400, True)


async def test_file_cannot_be_the_folder_of_changes(fresh_egnyte: Egnyte) -> None:
    rows = await fresh_egnyte.make_changes(3, "update")
    path = rows[0]["data"]["target_path"]
    body = {"folder": path + "/below"}
    assert path in (await fresh_egnyte.control("POST", "changes", body, status=400))["message"]


async def test_bad_event_id_is_refused(fresh_egnyte: Egnyte) -> None:
    assert "after" in (await fresh_egnyte.control("GET", "events?after=x", status=400))["message"]


async def test_calls_are_counted_by_path_and_status(egnyte: Egnyte) -> None:
    await egnyte.control("DELETE", "calls")
    for _ in range(2):
        await egnyte.get("/pubapi/v1/userinfo")
    await egnyte.get("/pubapi/v2/events", id="x")
    assert await egnyte.control("GET", "calls") == {
        "total": 3,
        "paths": {"/pubapi/v1/userinfo": {"200": 2}, "/pubapi/v2/events": {"400": 1}},
    }


async def test_reset_is_a_fresh_start() -> None:
    async with open_egnyte(qps=50) as egnyte:
        await egnyte.connect()
        first = await egnyte.make_changes(10)
        await egnyte.control("PATCH", "settings", {"qps": 5, "retention": 1})
        await egnyte.control("POST", "faults", {"kind": "reset"})
        await egnyte.control("POST", "reset")
        assert (await egnyte.get("/pubapi/v1/userinfo")).status == 403
        assert (await egnyte.control("GET", "calls"))["total"] == 1
        settings = await egnyte.control("GET", "settings")
        assert (settings["qps"], settings["retention"]) == (50, 500_000)
        assert await egnyte.make_changes(10) == first
