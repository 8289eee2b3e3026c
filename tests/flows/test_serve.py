"""The commands as an operator runs them: start, stop, a second start, credentials, roles apart."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket

import httpx
import pytest

from signalpost.store.embedded import EmbeddedPostgres
from tests.processes import find_servers, run, running, start
from tests.support import authorize, write_url

READY = "signalpost ready on "


def serve(folder, port="0"):
    return ["serve", "--port", port, "--data-dir", str(folder / "data")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_when_it_is_ready_and_stops_in_order(tmp_path, number):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, hard))  # as of a shell, which gives few
    try:
        service = await start(serve(tmp_path), READY, tmp_path / "log")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE) == (min(hard, 65_536), hard)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{service.url}/healthz")).json()["status"] == "alive"
        assert (await client.get(f"{service.url}/readyz")).json()["status"] == "ready"
        assert "signalpost_polls" in (await client.get(f"{service.url}/metrics")).text
    assert len(find_servers(tmp_path / "data")) >= 1
    assert await service.stop(number) == 0
    assert find_servers(tmp_path / "data") == []


async def test_a_second_serve_on_the_same_directory_is_refused_and_the_first_unharmed(tmp_path):
    async with running(serve(tmp_path), READY, tmp_path / "log") as service:
        code, output, errors = await run(serve(tmp_path))
        assert code == 1
        assert READY not in output
        assert "in use" in errors
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{service.url}/readyz")).status_code == 200


async def test_a_port_in_use_is_told_before_anything_is_started(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, errors = await run(serve(tmp_path, str(taken.getsockname()[1])))
    assert code == 1
    assert "SIGNALPOST_PORT" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "data").exists()


async def test_after_a_kill_the_next_start_takes_over(tmp_path):
    service = await start(serve(tmp_path), READY, tmp_path / "log")
    _, output, _ = await run(["credentials", "create", "--json", "--data-dir", str(tmp_path / "data")])
    secrets = json.loads(output)
    await service.kill()
    async with running(serve(tmp_path), READY, tmp_path / "log") as again, httpx.AsyncClient() as client:
        answer = await client.get(
            f"{again.url}/elements/api-v2/instances", headers={"Authorization": authorize(secrets)}
        )
        assert answer.status_code == 200
        assert answer.json() == []


async def test_credentials_are_made_without_a_running_service_too(tmp_path):
    code, output, errors = await run(
        ["credentials", "create", "--json", "--data-dir", str(tmp_path / "data")]
    )
    assert code == 0, errors
    secrets = json.loads(output)
    assert set(secrets) == {"organizationSecret", "userSecret"}
    assert all(len(secret) > 30 for secret in secrets.values())
    assert find_servers(tmp_path / "data") == []


async def test_a_data_directory_of_another_version_is_told(tmp_path):
    code, _, errors = await run(["migrate", "--data-dir", str(tmp_path / "data")])
    assert code == 0, errors
    version = tmp_path / "data" / "postgres" / "PG_VERSION"
    version.write_text("99\n")
    code, _, errors = await run(serve(tmp_path))
    assert code == 1
    assert "99" in errors
    assert "Traceback" not in errors


async def test_roles_apart_on_a_database_of_yours(tmp_path):
    server = await EmbeddedPostgres.start(tmp_path / "yours")
    settings = {
        "database_url": write_url(server.connect_arguments),
        "encryption_keys": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }
    try:
        async with (
            running(["api", "--port", "0"], READY, tmp_path / "api.log", settings) as api,
            running(["worker"], "signalpost worker ready", tmp_path / "one.log", settings) as worker,
            running(
                ["worker", "--roles", "deliver"], "signalpost worker ready", tmp_path / "two.log", settings
            ),
            httpx.AsyncClient() as client,
        ):
            assert (await client.get(f"{api.url}/readyz")).status_code == 200
            await check_health_of_worker(client, worker.printed)
            code, output, _ = await run(["credentials", "create", "--json"], settings)
            assert code == 0
            headers = {"Authorization": authorize(json.loads(output))}
            assert (
                await client.get(f"{api.url}/elements/api-v2/elements", headers=headers)
            ).status_code == 200
    finally:
        await server.stop()


async def check_health_of_worker(client, printed):
    """A worker answers what watches it, at the address that it prints, and nothing else."""
    found = re.search(
        r"^signalpost worker shows its health and metrics on (http://127\.0\.0\.1:\d+)$",
        printed,
        re.MULTILINE,
    )
    assert found is not None, printed
    alive = await client.get(f"{found[1]}/healthz")
    assert (alive.status_code, alive.json()["status"]) == (200, "alive")
    ready = (await client.get(f"{found[1]}/readyz")).json()
    assert ready["status"] == "ready"
    assert set(ready["checks"]) == {"database", "scheduler", "heartbeat"}
    metrics = (await client.get(f"{found[1]}/metrics")).text
    assert "signalpost_tick_seconds_count" in metrics
    for path in ("/", "/elements/api-v2/elements", "/sign-in"):
        assert (await client.get(found[1] + path)).status_code == 404


async def test_a_workers_port_in_use_is_told_with_its_settings():
    settings = {"database_url": "postgresql://nobody@127.0.0.1:1/none"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, errors = await run(["worker", "--port", str(taken.getsockname()[1])], settings)
    assert code == 1
    assert "SIGNALPOST_WORKER_PORT" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("command", [["api"], ["worker"]])
async def test_roles_apart_need_a_database_in_common(command):
    code, _, errors = await run(command)
    assert code == 1
    assert "SIGNALPOST_DATABASE_URL is not set" in errors


async def test_settings_are_shown_masked_and_wrong_ones_are_named(tmp_path):
    secrets = {
        "database_url": "postgresql://me:hunter2@db.example.com/x",
        "encryption_keys": "a-very-secret-key",
        "metrics_token": "another-secret",
    }
    code, output, _ = await run(["settings"], secrets)
    assert code == 0
    assert "SIGNALPOST_MIN_POLL_INTERVAL_SECONDS=60" in output
    for secret in ("hunter2", "a-very-secret-key", "another-secret"):
        assert secret not in output
    code, _, errors = await run(["settings"], {"min_poll_interval_seconds": "soon"})
    assert code == 1
    assert "SIGNALPOST_MIN_POLL_INTERVAL_SECONDS" in errors
    assert "Traceback" not in errors
    code, output, errors = await run(
        ["doctor", "--data-dir", str(tmp_path / "data")], {"encryption_keys": "short"}
    )
    assert code == 1
    assert "SIGNALPOST_ENCRYPTION_KEYS" in output
    assert "short" not in output + errors


async def test_doctor_and_openapi(tmp_path):
    code, output, errors = await run(["doctor", "--data-dir", str(tmp_path / "data")], {"port": 0})
    assert code == 0, errors
    assert "ok      settings: all can be read\n" in output
    assert "the embedded database is not running" in output
    assert not (tmp_path / "data").exists()
    code, output, _ = await run(["openapi"])
    assert code == 0
    assert "/elements/api-v2/instances/{instance_id}" in json.loads(output)["paths"]


async def test_the_link_to_the_first_account_is_printed_until_there_is_one(tmp_path):
    links = []
    for _ in range(3):
        async with (
            running(serve(tmp_path), READY, tmp_path / "log") as service,
            httpx.AsyncClient(base_url=service.url, headers={"accept": "text/html"}) as client,
        ):
            assert (await client.get("/sign-in")).status_code == 200
            found = re.findall(
                r"^signalpost console: open (http://127\.0\.0\.1:\d+)(/setup/[\w-]{43}) to make the first account"
                r" \(good once, for 24 hours\)$",
                service.printed,
                re.MULTILINE,
            )
            links.append([path for _, path in found])
            if len(found) == 1:  # the first start: it is not used
                continue
            assert (await client.get(links[0][0])).status_code == 404  # replaced by the newer one
            page = await client.get(links[1][1])
            if page.status_code == 200:
                csrf = re.search(r'name="csrf" value="(\w+)"', page.text)
                fields = {
                    "organization": "Acme",
                    "email": "ada@example.com",
                    "password": "four words in a row",
                }
                made = await client.post(links[1][1], data={"csrf": csrf[1], **fields})
                assert made.status_code == 303
    assert [len(printed) for printed in links] == [1, 2, 2]
