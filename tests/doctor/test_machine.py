"""Doctor on this machine and its settings, without a database."""

from __future__ import annotations

import errno
import json
import os
import resource
import socket
import subprocess
import sys
import zoneinfo
from pathlib import Path

import pytest

from signalpost.cli.doctor.configured import check_connectors
from signalpost.cli.doctor.examination import _find_limit_seconds
from signalpost.connectors.registry import load_registry
from tests.doctor.looking import KEY, PASSWORD, look
from tests.ports import hold_ports
from tests.processes import run

NO_DATABASE = f"postgresql://me:{PASSWORD}@127.0.0.1:1/x"


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("given", "verdict", "words"),
    [
        ({"retry_schedule_seconds": "soon"}, "failure", "'soon' is no list of seconds"),
        ({"allowed_networks": "10.0.0.1/8"}, "failure", "right would be 10.0.0.0/8"),
        ({"proxy_url": f"ftp://me:{PASSWORD}@proxy:21"}, "failure", "SIGNALPOST_PROXY_URL"),
        ({"public_url": "https://x.example.com/?a=b"}, "failure", "SIGNALPOST_PUBLIC_URL"),
        ({"egnyte_url": "acme"}, "failure", "right would be https://{subdomain}.egnyte.com"),
        ({"database_direct_url": NO_DATABASE}, "failure", "SIGNALPOST_DATABASE_URL, which is not set"),
        ({"connect_timeout_seconds": 31}, "warning", "SIGNALPOST_TOTAL_TIMEOUT_SECONDS, which ends it"),
        ({}, "ok", "all can be read"),
    ],
)
async def test_settings(data, given, verdict, words):
    found = await look("settings", data_dir=data, **given)
    assert found.verdict == verdict
    assert words in f"{found.message}; {found.remedy}"
    assert bool(found.remedy) == (verdict != "ok")


async def test_what_rests_on_settings_that_cannot_be_read_is_skipped(data):
    found = await look("database", data_dir=data, retry_schedule_seconds="soon", database_url=NO_DATABASE)
    assert (found.verdict, found.message) == ("skipped", "the settings cannot be read")


async def test_a_variable_that_is_misspelt(data, monkeypatch):
    monkeypatch.setenv("SIGNALPOST_DATABSE_URL", PASSWORD)
    monkeypatch.setenv("SIGNALPOST_VERSION", "1")
    found = await look("names", data_dir=data)
    assert found.verdict == "warning"
    assert found.message == "SIGNALPOST_DATABSE_URL looks like SIGNALPOST_DATABASE_URL; it sets nothing"


async def look_at_key(data, text, mode=0o600, **given):
    if text is not None:
        data.mkdir()
        (data / "encryption-key").write_text(text)
        (data / "encryption-key").chmod(mode)
    found = await look("encryption-key", data_dir=data, **given)
    return found.verdict, found.message


async def test_keys(data):
    verdict, message = await look_at_key(data, None, encryption_keys=f"{KEY},{PASSWORD}")
    assert (verdict, message[:45]) == ("failure", "SIGNALPOST_ENCRYPTION_KEYS: key 2 is not 32 b")
    assert (await look_at_key(data, None, encryption_keys=KEY))[0] == "ok"
    assert await look_at_key(data, None) == ("ok", "none yet: the first start makes it")
    assert not data.exists()


async def test_a_kept_key_that_cannot_be_used(data):
    verdict, message = await look_at_key(data, PASSWORD)
    assert verdict == "failure"
    assert "it is no key" in message


async def test_a_kept_key_that_others_can_read(data):
    verdict, message = await look_at_key(data, KEY, 0o644)
    assert verdict == "warning"
    assert "open to other users (mode 0644)" in message


async def test_a_key_that_is_lost_beside_its_database(data):
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("18\n")
    verdict, message = await look_at_key(data, None)
    assert verdict == "failure"
    assert "encryption-key is gone" in message


@pytest.mark.parametrize("text", [None, KEY])
async def test_a_key_of_each_machine_s_own(data, text):
    verdict, message = await look_at_key(data, text, database_url=NO_DATABASE)
    assert verdict == "warning"
    assert "each machine makes a key of its own" in message


async def test_a_data_directory_that_is_none(data):
    data.write_text("")
    for folder in (data, data / "below"):
        found = await look("data-directory", data_dir=folder)
        assert found.verdict == "failure"
        assert "is no folder" in found.message or "cannot be written" in found.message


@pytest.mark.parametrize(
    "name", ["data-directory", "disk", "encryption-key", "embedded-database", "database"]
)
async def test_a_directory_that_is_closed_to_this_user(data, monkeypatch, name):
    def close(method):
        as_it_is = getattr(Path, method)

        def act(path, *args, **options):  # as the system does, but to root
            if data in (path, *path.parents):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return as_it_is(path, *args, **options)

        monkeypatch.setattr(Path, method, act)

    for method in ("exists", "read_text", "read_bytes"):
        close(method)
    found = await look(name, data_dir=data)
    assert found.verdict == "failure"
    assert str(data) in found.message
    assert "as the user that runs the service" in found.remedy


async def test_a_disk_with_little_room(data, monkeypatch):
    assert (await look("disk", data_dir=data)).verdict == "ok"
    monkeypatch.setattr("signalpost.cli.doctor.machine.FREE_BYTES_WISHED", 1e18)
    assert (await look("disk", data_dir=data)).verdict == "warning"
    monkeypatch.setattr("signalpost.cli.doctor.machine.LEAST_FREE_BYTES", 1e18)
    found = await look("disk", data_dir=data)
    assert found.verdict == "failure"
    assert "MB are free at" in found.message


@pytest.mark.parametrize(
    ("file", "words"),
    [("PG_VERSION", "was written by PostgreSQL 9, the embedded"), ("x", "it has no PG_VERSION")],
)
async def test_a_database_of_another_postgresql(data, file, words):
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / file).write_text("9\n")
    found = await look("embedded-database", data_dir=data)
    assert found.verdict == "failure"
    assert words in found.message
    assert found.remedy


async def test_a_port_that_another_program_has(data, monkeypatch):
    monkeypatch.setattr("signalpost.cli.doctor.machine.ASK_SECONDS", 0.1)
    with hold_ports(1) as (port,):
        with socket.create_server(("127.0.0.1", port)):
            found = await look("port", data_dir=data, port=port)
        assert found.verdict == "failure"
        assert (
            f"cannot listen on 127.0.0.1:{port} (Address already in use), and no Signalpost answers"
            in found.message
        )
        assert (await look("port", data_dir=data, port=port)).message == f"127.0.0.1:{port} is free"
        other = await look("port", data_dir=data, host="192.0.2.1", port=port)
    assert "Cannot assign requested address" in other.message


@pytest.mark.parametrize(("files", "verdict"), [(250, "failure"), (1024, "warning"), (4096, "ok")])
async def test_few_open_files(data, files, verdict, monkeypatch):
    monkeypatch.setattr(
        resource, "getrlimit", lambda _: (200, files)
    )  # the service raises the first to the second
    found = await look("open-files", data_dir=data)
    assert found.verdict == verdict
    assert f"{files:,} may be open" in found.message


@pytest.mark.parametrize(
    ("asked", "still_to_be_done", "verdict"),
    [
        ("'--enable-shared' '--prefix=/opt/python'", "-fprofile-use", "warning"),
        ("'--enable-optimizations' '--with-lto'", "-fprofile-use", "ok"),
        ("'--with-computed-gotos'", "", "ok"),  # Debian
        (None, None, "ok"),  # a system where nothing is compiled so
    ],
)
async def test_a_python_that_is_slower_than_others(data, monkeypatch, asked, still_to_be_done, verdict):
    built = {"CONFIG_ARGS": asked, "PGO_PROF_USE_FLAG": still_to_be_done}
    monkeypatch.setattr("sysconfig.get_config_var", built.get)
    assert (await look("interpreter", data_dir=data)).verdict == verdict


async def test_no_time_zones(data, monkeypatch):
    for name in [
        each for each in sys.modules if each.startswith("tzdata.")
    ]:  # what was imported is there without it
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        found = await look("time-zones", data_dir=data)
    finally:
        zoneinfo.reset_tzpath()
    assert found.verdict == "failure"
    assert "tzdata" in found.remedy


async def test_a_connector_file_that_is_wrong(data, tmp_path):
    (tmp_path / "helpdesk.toml").write_text('key = "helpdesk"\nresources = 5\n')
    found = await look("connectors", data_dir=data, connector_files=str(tmp_path / "helpdesk.toml"))
    assert found.verdict == "failure"
    assert "helpdesk.toml" in found.message


async def test_a_connector_is_given_as_long_to_load_as_by_the_service(data, tmp_path, monkeypatch):
    info = tmp_path / "slow-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[signalpost.connectors]\nslow = slow_connector:make\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    given = []

    def hang(command, *, timeout, **_):
        given.append(timeout)
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr("signalpost.connectors.registry.subprocess.run", hang)
    in_service = load_registry(egnyte_url=None).left_out["slow"]
    found = await look("connectors", data_dir=data)
    assert found.verdict == "failure"
    assert f"slow ({in_service})" in found.message
    assert given[0] == given[1] < _find_limit_seconds(check_connectors)


@pytest.mark.parametrize(
    ("given", "verdict", "words"),
    [
        ({"host": "0.0.0.0"}, "warning", "is not set, but the service listens on 0.0.0.0"),
        ({"public_url": "http://x.example.com"}, "warning", "is not https"),
        ({"host": "0.0.0.0", "public_url": "https://x.example.com"}, "ok", "https://x.example.com"),
    ],
)
async def test_the_public_url(data, given, verdict, words):
    found = await look("public-url", data_dir=data, **given)
    assert found.verdict == verdict
    assert words in found.message


async def test_private_networks_open_to_all(data):
    found = await look("private-networks", data_dir=data, host="0.0.0.0", allow_private_networks=True)
    assert found.verdict == "warning"
    assert (await look("private-networks", data_dir=data, allow_private_networks=True)).verdict == "ok"


async def test_traces_without_their_packages(data, monkeypatch):
    assert (await look("traces", data_dir=data, traces=True)).verdict == "ok"
    for name in [each for each in sys.modules if each.split(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    found = await look("traces", data_dir=data, traces=True)
    assert found.verdict == "failure"
    assert "pip install" in found.remedy


async def test_a_retention_shorter_than_the_retries(data):
    found = await look("retention", data_dir=data, retention_days=0.3)
    assert found.verdict == "warning"
    assert "retries go on for 0.4 days" in found.message


async def test_it_ends_although_a_file_hangs(data, tmp_path):
    """A file that is never given to read: nobody waits for the thread that reads it."""
    os.mkfifo(tmp_path / "hangs.toml")
    code, output, errors = await run(
        ["doctor", "--json"],
        {"data_dir": data, "port": 0, "connector_files": tmp_path / "hangs.toml"},
    )
    assert (code, errors) == (1, "")
    found = {each["name"]: each for each in json.loads(output)["checks"]}
    assert found["connectors"]["message"] == "it took too long, and was given up"
    assert found["retention"]["verdict"] == "skipped"
    assert found["database"]["verdict"] == "skipped"


async def test_a_setting_of_the_wrong_kind_in_lines():
    code, output, errors = await run(["doctor"], {"port": "many"})
    assert (code, errors) == (1, "")
    assert output.startswith("failure settings: SIGNALPOST_PORT: ")
    assert "\n        to do: set it right, or unset it\nskipped names, encryption-key, " in output
    assert output.endswith("0 ok, 0 warning, 1 failure, 40 skipped\n")
