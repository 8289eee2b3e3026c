"""Egnyte's own clients, Python and JavaScript, take the sandbox for Egnyte."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from egnyte import EgnyteClient, exc  # type: ignore[import-untyped]  # has none
from egnyte.base import get_access_token  # type: ignore[import-untyped]
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from tests.sandbox.conftest import Egnyte

HOST = "https://acme.egnyte.com"


class Detour(HTTPAdapter):
    """Sends to the sandbox what is meant for Egnyte."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        assert request.url is not None
        request.url = request.url.replace(HOST, self.url, 1)
        return super().send(request, *args, **options)


@pytest.fixture
def use_client(egnyte: Egnyte) -> Callable[[Callable[[Any], Any]], Any]:
    """Run something with Egnyte's Python client, which blocks, beside the sandbox."""

    def work(use: Callable[[Any], Any]) -> Any:
        client = EgnyteClient({"domain": "acme", "access_token": egnyte.token})
        client._session.mount(HOST, Detour(egnyte.sandbox.url))
        try:
            return use(client)
        finally:
            client.close()

    async def run(use: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(work, use)

    return run


async def test_python_client_reads_cursor_and_events(egnyte: Egnyte, use_client: Any) -> None:
    made = await egnyte.make_changes(5, "create", "rename", "copy", "delete", "note")

    def use(client: Any) -> None:
        events = client.events
        assert (events.latest_event_id, events.oldest_event_id) == (5, 1)
        assert events.timestamp == "2026-05-28T12:00:00.000Z"
        assert events.list(5) == ()
        found = events.list(1, count=3)
        assert [event.id for event in found] == [2, 3, 4]
        assert [event.data for event in found] == [row["data"] for row in made[1:4]]
        assert found.total_count == 4
        view = events.filter(start_id=3)
        assert [event.id for event in view.poll()] == [4, 5]
        assert (view.poll(), view.start_id) == ((), 5)
        assert client.user_info["username"] == "admin"

    await use_client(use)


async def test_python_client_reads_files_and_folders(egnyte: Egnyte, use_client: Any) -> None:
    await egnyte.make_changes(60, "create", folder="/Shared/R&D #2")

    def use(client: Any) -> None:
        folder = client.folder("/Shared/R&D #2").list()
        assert folder.folders
        file = client.file(folder.files[0].path)
        assert (file.num_versions, file.size, file.checksum) == (
            1,
            folder.files[0].size,
            folder.files[0].checksum,
        )

    await use_client(use)


async def test_python_client_reads_users_groups_links_and_notes(egnyte: Egnyte, use_client: Any) -> None:
    await egnyte.make_changes(1, "update")
    [note] = await egnyte.change_records("notes", create=[{}])
    [link] = await egnyte.change_records("links", create=[{}])

    def use(client: Any) -> None:
        users = client.users.list(count=2)
        assert [user.userName for user in users] == ["admin", "power"]
        assert users.total_count == 3
        assert client.users.by_email("power@example.com").id == 7
        group = client.groups.by_displayName("*very*")
        assert client.groups.get(group.id).members[0]["username"] == "admin"
        [found] = client.links.list(type="File", accessibility="Anyone", created_after="2026-05-01")
        assert (found.id, found.path, found.creation_date) == (link["id"], link["path"], "2026-05-28")
        [shown] = client.file(note["file_path"]).get_notes()
        assert (shown.id, shown.message) == (note["id"], note["message"])

    await use_client(use)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 400}, exc.RequestError),
        ({"kind": "expired_token"}, exc.NotAuthorized),
        ({"kind": "revoked_token"}, exc.NotAuthorized),
        ({"kind": "lost_cursor"}, exc.NotFound),
        ({"kind": "over_rate"}, exc.InsufficientPermissions),
        ({"kind": "truncate"}, exc.JsonParseError),
    ],
)
async def test_python_client_maps_errors(
    egnyte: Egnyte, use_client: Any, fault: dict[str, Any], error: type[Exception]
) -> None:
    await egnyte.make_changes(1)
    await egnyte.control("POST", "faults", fault)

    def use(client: Any) -> None:
        with pytest.raises(error):
            client.events.list(0)

    await use_client(use)


async def test_python_client_waits_and_retries_over_qps(
    egnyte: Egnyte, use_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("egnyte.base.time.sleep", slept.append)
    await egnyte.control("POST", "faults", {"kind": "over_qps", "times": 2})
    assert await use_client(lambda client: client.events.latest_event_id) == 0
    assert slept == [1.0, 1.0]


async def test_python_client_gets_no_token_without_a_client_secret(
    egnyte: Egnyte, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It predates the secret, which Egnyte wants since 2015 (egnyte-api.md 1.2).
    monkeypatch.setattr("egnyte.base.Session.get_url", lambda _self, path: f"{egnyte.sandbox.url}/{path}")
    config = {"domain": "acme", "api_key": "key", "login": "admin", "password": "secret"}
    with pytest.raises(exc.EgnyteError):
        await asyncio.to_thread(get_access_token, config)


SCRIPT = """
const [url, token] = process.argv.slice(1);
const {events} = require("egnyte-js-sdk").init(url, {token, QPS: 100}).API;
(async () => {
  const start = await events.getCursor();
  const update = await events.filter({type: ["file_system", "note"]}).getUpdate({start: 1, count: 2});
  const idle = await events.getUpdate({start});
  const failure = await events.getUpdate({start: 99}).catch((error) => error);
  const ids = update.body.events.map((event) => event.id);
  console.log(JSON.stringify({
    start, ids, latest: update.body.latest_id, idle: idle.response.statusCode, failure: failure.statusCode,
  }));
})();
"""


async def run_node(*arguments: str) -> tuple[int | None, bytes]:
    child = await asyncio.create_subprocess_exec(
        "node", "-e", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await child.communicate()
    return child.returncode, output


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_javascript_client_reads_cursor_and_events(egnyte: Egnyte) -> None:
    if (await run_node('require.resolve("egnyte-js-sdk")'))[0] != 0:
        pytest.skip("egnyte-js-sdk is not where node looks for packages (NODE_PATH)")
    await egnyte.make_changes(4, "create", "permission_change", "note", "rename")
    await egnyte.control("PATCH", "settings", {"future_cursor": 404})
    await egnyte.control("POST", "faults", {"kind": "over_qps"})
    code, output = await run_node(SCRIPT, egnyte.sandbox.url, egnyte.token or "")
    assert code == 0
    told = output.splitlines()[-1]
    assert json.loads(told) == {"start": 4, "ids": [3, 4], "latest": 4, "idle": 204, "failure": 404}
