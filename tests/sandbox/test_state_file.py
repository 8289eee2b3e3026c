"""What a state file carries over a restart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.errors import ConfigurationError
from signalpost.sandbox.egnyte import run_sandbox
from signalpost.sandbox.egnyte.settings import Settings
from signalpost.sandbox.egnyte.state import State
from tests.full_disk import full_disk
from tests.sandbox.conftest import REDIRECT_URI, open_egnyte
from tests.support import until


async def test_restart_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with open_egnyte(state_path=path) as egnyte:
        token = await egnyte.connect()
        code = await egnyte.authorize()
        made = await egnyte.make_changes(300)
        key = {"client_id": "mine", "secret": "s3", "redirect_uris": []}
        await egnyte.control("PATCH", "settings", {"retention": 250, "keys": [key]})
        files = {node.path for node in egnyte.sandbox.state.tree.files}
    assert path.stat().st_mode & 0o777 == 0o600
    async with open_egnyte(state_path=path) as egnyte:
        egnyte.token = token["access_token"]
        state = egnyte.sandbox.state
        assert {node.path for node in state.tree.files} == files
        assert state.settings.keys[0].secret == "s3"
        cursor = (await egnyte.get("/pubapi/v1/events/cursor")).json
        assert (cursor["oldest_event_id"], cursor["latest_event_id"]) == (51, 300)
        truth = (await egnyte.control("GET", "events"))["events"]
        assert [row["id"] for row in truth] == [row["id"] for row in made]
        reply = await egnyte.ask_token("authorization_code", code=code, redirect_uri=REDIRECT_URI)
        assert reply.status == 200
        reply = await egnyte.ask_token("refresh_token", refresh_token=token["refresh_token"])
        assert reply.json["access_token"] not in (None, token["access_token"])
        assert (await egnyte.make_changes(1))[0]["id"] == 301
        await egnyte.control("PATCH", "settings", {"retention": 500})
    async with open_egnyte(state_path=path) as egnyte:
        await egnyte.connect()
        assert (await egnyte.get("/pubapi/v1/events/cursor")).json["oldest_event_id"] == 52


async def test_records_and_files_outlive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    kinds = ("users", "groups", "links", "tasks", "project-folders", "notes", "audit")
    calls = ("/pubapi/v1/notes", "/pubapi/v1/fs/trash?count=1000", "/pubapi/v1/fs/Shared")
    async with open_egnyte(state_path=path) as egnyte:
        token = (await egnyte.connect())["access_token"]
        await egnyte.make_changes(300)
        for kind in kinds:
            await egnyte.change_records(kind, create=[{}, {}])
        truth = {kind: await egnyte.list_records(kind) for kind in kinds}
        told = [(await egnyte.get(call)).json for call in calls]
        reply = await egnyte.get("/pubapi/v2/audit/stream", startDate="2026-05-28")
        cursor = reply.json["nextCursor"]
    async with open_egnyte(state_path=path) as egnyte:
        egnyte.token = token
        assert {kind: await egnyte.list_records(kind) for kind in kinds} == truth
        assert [(await egnyte.get(call)).json for call in calls] == told
        assert (await egnyte.get("/pubapi/v2/audit/stream", nextCursor=cursor)).status == 200
        [user] = await egnyte.change_records("users", create=[{}])
        assert user["id"] not in [record["id"] for record in truth["users"]]


async def test_file_follows_a_change_without_a_stop(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with open_egnyte(state_path=path) as egnyte:
        assert b"target_group_id" not in path.read_bytes()
        await egnyte.make_changes(1, "create")
        await until(lambda: b"target_group_id" in path.read_bytes())
    assert [item.name for item in tmp_path.iterdir()] == ["state.json"]


async def test_issued_token_reaches_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with open_egnyte(state_path=path) as egnyte:
        before = path.read_bytes()
        await egnyte.ask_token("password", username="admin", password="secret")
        await until(lambda: path.read_bytes() != before)


async def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "state.json"
    with pytest.raises(ConfigurationError, match=f"{path} cannot be written: No such file"):
        async with run_sandbox(state_path=path):
            pass


async def test_a_second_sandbox_is_refused_while_the_first_has_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for count in (1, 2):
        async with open_egnyte(state_path=path) as egnyte:
            for _ in range(2):
                with pytest.raises(ConfigurationError, match=f"{path} is in use by another sandbox"):
                    async with run_sandbox(state_path=path):
                        pass
                latest = (await egnyte.make_changes(1, "create"))[0]["id"]
                await until(lambda latest=latest: f'"id":{latest},'.encode() in path.read_bytes())
            assert len((await egnyte.control("GET", "events"))["events"]) == 2 * count
    assert list(tmp_path.iterdir()) == [path]


async def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.symlink_to(tmp_path / "nowhere.json")
    async with run_sandbox(state_path=path):
        assert path.is_file()
        assert not path.is_symlink()


@pytest.mark.parametrize("room", [0, 1, 1000])
async def test_what_a_full_disk_does_not_take_is_told_once_and_written_as_soon_as_there_is_room(
    tmp_path: Path, room: int
) -> None:
    path = tmp_path / "state.json"
    told: list[str] = []
    async with open_egnyte(state_path=path, on_trouble=told.append) as egnyte:
        before = path.read_bytes()
        with full_disk(room):
            await egnyte.make_changes(1, "create")
            await until(lambda: told)
            await egnyte.make_changes(1, "create")
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]
        await until(lambda: len(told) > 1)
        written = path.read_bytes()
    assert told == [
        f"the state file {path} cannot be written: File too large; it is tried again every 2 s",
        f"the state file {path} is written again",
    ]
    assert path.read_bytes() == written != before


async def test_a_folder_that_is_gone_is_told_and_written_to_once_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.json"
    path.parent.mkdir()
    told: list[str] = []
    async with open_egnyte(state_path=path, on_trouble=told.append) as egnyte:
        shutil.rmtree(path.parent)
        await egnyte.make_changes(1, "create")
        await until(lambda: told)
        path.parent.mkdir()
        await until(path.exists)
        with pytest.raises(ConfigurationError, match="is in use by another sandbox"):
            async with run_sandbox(state_path=path):
                pass
    assert told[0].startswith(f"the state file {path} cannot be written: No such file or directory; ")


async def test_a_disk_that_is_full_from_the_start_is_told_and_nothing_left_on_it(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with (
        full_disk(100),
        pytest.raises(ConfigurationError, match=f"{path} cannot be written: File too large$"),
    ):
        async with run_sandbox(state_path=path):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}'])
async def test_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=str(path)):
        async with run_sandbox(state_path=path):
            pass
    assert path.read_text() == content


@given(seed=st.integers(), count=st.integers(1, 200))
def test_state_survives_being_written_and_read(seed: int, count: int) -> None:
    def build() -> State:
        return State(domain="acme", seed=seed, settings=Settings())

    def settle(written: dict[str, Any]) -> State:
        state = build()
        state.load(written)
        return state

    state = build()
    state.make_changes(count=count, actions=(), folder="/Shared", user_id=None, client_id="key", now=1e9)
    written = state.to_json()
    assert settle(written).to_json() == written
