"""Doctor on instances that are stored, and on what is reached by the network."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from signalpost.cli.interpreter import is_optimised
from tests.doctor.looking import KEY, PASSWORD, look
from tests.processes import run
from tests.support import write_url

WELL = {"event.poller.refresh_interval": 15}


@pytest.fixture
def look_there(database, sandbox):
    """Ask with the settings of the service."""

    def look_at(name, **given):
        ours = {
            "database_url": write_url(database),
            "encryption_keys": KEY,
            "egnyte_url": sandbox.url,
            "allow_private_networks": True,
            "min_poll_interval_seconds": 0.1,
        }
        return look(name, **{**ours, **given})

    return look_at


@pytest.fixture
async def idle(make_world):
    """A service without workers: nothing happens to the rows."""
    async with make_world(roles=frozenset()) as world:
        yield world


async def test_a_healthy_installation(database, world, sandbox, tmp_path):
    """As its users call it, beside the running service; every check is made that can be."""
    await world.connect(**WELL)
    host, port = world.url.removeprefix("http://").split(":")
    settings = {
        "database_url": write_url(database),
        "encryption_keys": KEY,
        "egnyte_url": sandbox.url,
        "allow_private_networks": "true",
        "host": host,
        "port": port,
        "public_url": world.url,
        "data_dir": tmp_path / "data",
    }
    code, output, errors = await run(["doctor", "--online", "--json"], settings)
    assert (code, errors) == (0, "")
    told = json.loads(output)
    by_name = {each["name"]: each for each in told["checks"]}
    of_python = "ok" if is_optimised() else "warning"  # whichever the tests run by
    assert told["verdict"] == by_name["interpreter"]["verdict"] == of_python
    assert len(by_name) == len(told["checks"]) >= 20
    skipped = {name for name, each in by_name.items() if each["verdict"] == "skipped"}
    assert skipped == {"data-directory", "disk", "embedded-database", "callbacks-private", "proxy"}
    others = by_name.keys() - {"interpreter"}
    assert {by_name[name]["verdict"] for name in others} == {"ok", "skipped"}
    assert by_name["port"]["message"] == f"the service answers at {host}:{port}"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "statement", "verdict", "words"),
    [
        (
            "stored-connectors",
            "UPDATE instance SET connector = 'gone'",
            "failure",
            "not there: gone, of instance 1000",
        ),
        (
            "callbacks-stopped",
            "UPDATE endpoint SET state = 'deactivated'",
            "failure",
            "the callback was given up",
        ),
        ("callbacks-stopped", "UPDATE endpoint SET failing_since = now()", "warning", "the callback fails"),
        ("authorisations", "UPDATE instance SET valid = false", "failure", "wants a new authorisation"),
        (
            "pollers-disabled",
            "UPDATE resource_poll SET disabled_at = now()",
            "failure",
            "no longer polled: events",
        ),
        (
            "poll-intervals",
            "UPDATE instance SET interval_seconds = 90",
            "warning",
            "do not last for polls so often",
        ),
        ("poll-intervals", "UPDATE instance SET interval_seconds = 100", "ok", "last for them"),
    ],
)
async def test_an_instance_in_trouble(idle, look_there, name, statement, verdict, words):
    instance = await idle.connect(**WELL)
    await idle.pool.execute(statement)
    found = await look_there(name)
    assert found.verdict == verdict
    assert words in found.message
    if verdict != "ok":
        assert f"instance {instance['id']}" in found.message
        assert found.remedy


async def test_no_callback_an_inner_one_and_no_signature(idle, look_there):
    unsent = await idle.connect(**WELL, **{"event.notification.callback.url": ""})
    unsigned = await idle.connect(**WELL, **{"event.notification.signature.key": ""})
    signed = await idle.connect(**WELL)
    off = await idle.connect(
        **WELL, **{"event.notification.enabled": False, "event.notification.callback.url": ""}
    )
    found = await look_there("callbacks-missing")
    assert (found.verdict, found.message.partition(":")[0]) == ("warning", f"instance {unsent['id']}")
    found = await look_there("signatures")
    assert (found.verdict, found.message.partition(":")[0]) == ("warning", f"instance {unsigned['id']}")
    found = await look_there("callbacks-private", allow_private_networks=False)
    assert found.verdict == "failure"
    assert found.message.startswith(f"instances {unsigned['id']}, {signed['id']}: the callback is an inner")
    assert str(off["id"]) not in found.message
    allowed = {"allow_private_networks": False, "allowed_networks": "127.0.0.0/8"}
    assert (await look_there("callbacks-private", **allowed)).verdict == "ok"


async def test_many_instances_are_not_all_named(idle, look_there):
    for _ in range(7):
        await idle.connect(**WELL, **{"event.notification.callback.url": ""})
    assert " and 2 more: notifications" in (await look_there("callbacks-missing")).message


async def test_what_cannot_be_reached(idle, look_there):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody listens
        nowhere = f"http://127.0.0.1:{silent.getsockname()[1]}"
        url = f"{nowhere}/{PASSWORD}?secret={PASSWORD}"
        instance = await idle.connect(**WELL, **{"event.notification.callback.url": url})
        found = await look_there("callbacks", online=True)
        assert found.verdict == "failure"
        assert f"instance {instance['id']}: nobody listens at 127.0.0.1 on port" in found.message
        refused = await look_there("callbacks", online=True, allow_private_networks=False)
        assert "is not a public address" in refused.message
        for name, setting in (
            ("providers", "egnyte_url"),
            ("public-address", "public_url"),
            ("proxy", "proxy_url"),
        ):
            found = await look_there(name, online=True, **{setting: nowhere})
            assert found.verdict == "failure", name
            assert "nobody" in found.message
            assert found.remedy
    found = await look_there("public-address", online=True, public_url=idle.sandbox.url)
    assert "but not as Signalpost does" in found.message


@pytest.mark.parametrize("host", ["a" * 64, "a..b", ".a"])
@pytest.mark.parametrize(
    ("name", "setting"), [("proxy", "SIGNALPOST_PROXY_URL"), ("public-address", "SIGNALPOST_PUBLIC_URL")]
)
async def test_a_name_that_no_host_can_have(look_there, name, setting, host):
    url = f"http://me:{PASSWORD}@{host}:1" if name == "proxy" else f"http://{host}:1"
    given = {setting.removeprefix("SIGNALPOST_").lower(): url}
    found = await look_there(name, online=True, **given)
    assert found.verdict == "failure"
    assert host in found.message
    assert "could not be looked at" not in found.message
    assert setting in found.remedy


async def test_a_provider_s_clock(idle, look_there):
    """Its answers tell another time; a HEAD is all that it is asked."""
    asked = []

    async def answer(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 401 No\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    provider = await asyncio.start_server(answer, "127.0.0.1", 0)
    await idle.connect(**WELL)
    url = f"http://127.0.0.1:{provider.sockets[0].getsockname()[1]}"
    found = await look_there("provider-clock", online=True, egnyte_url=url)
    assert found.verdict == "warning"
    assert "s behind this machine" in found.message
    assert {each.split(b" ", 1)[0] for each in asked} == {b"HEAD"}
    provider.close()
