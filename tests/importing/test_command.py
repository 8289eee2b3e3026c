"""``signalpost import open-connectors``: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
import structlog
from typer.testing import CliRunner

from signalpost.cli import build_app
from signalpost.model.errors import SignalpostError
from tests.importing.originals import VALUES, write_original
from tests.importing.test_fetching import give_pages, run_original
from tests.support import write_url

SECRET_VALUES = {"egnyte": {"oauth.api.key": "our-own-key", "oauth.api.secret": "our-own-secret"}}


@pytest.fixture
def command(acme, database, tmp_path):
    """Give a function that runs the command as a process would, with a file of originals, and gives what came of it."""
    app = build_app()

    async def run(*options, given=None, content=None, url=None, values=None, **environment):
        arguments = [
            "import",
            "open-connectors",
            "--organization",
            "Acme",
            "--email",
            "ada@example.com",
            *options,
        ]
        if given is not None or content is not None:
            file = tmp_path / "instances.json"
            file.write_text(json.dumps(given) if content is None else content)
            arguments.append(str(file))
        if url is not None:
            arguments += ["--url", url]
        if values is not None:
            (tmp_path / "values.json").write_text(values if isinstance(values, str) else json.dumps(values))
            arguments += ["--values", str(tmp_path / "values.json")]
        settings = {
            "SIGNALPOST_DATABASE_URL": write_url(database),
            "SIGNALPOST_ALLOW_PRIVATE_NETWORKS": "true",
            "SIGNALPOST_MIN_POLL_INTERVAL_SECONDS": "0.1",
            "SIGNALPOST_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            **environment,
        }
        return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=settings)

    yield run
    structlog.reset_defaults()


async def refuse(command, **given):
    """Run it; it must refuse, before anything is written. Give what it says."""
    done = await command(**given)
    assert isinstance(done.exception, SignalpostError), done.output
    return str(done.exception)


async def test_lines_say_what_would_be_and_what_was_done(command, acme):
    given = [write_original(1), {**write_original(2, key="sfdc"), "name": "Sales\x1b[2J"}]
    tried = await command(given=given)
    assert tried.exit_code == 1
    assert "1 Acme Legal, egnyte: would be imported" in tried.output
    assert "missing: oauth.api.key, oauth.api.secret; give them by --values" in tried.output
    assert r"2 Sales\x1b[2J, sfdc: left out: no connector for sfdc here" in tried.output
    assert "2 instances: 1 new, 1 left out. Nothing was written: --apply imports." in tried.output
    assert await acme.fetchval("SELECT count(*) FROM instance") == 0

    given, public = given[:1], "https://console.example.com"
    done = await command("--apply", given=given, values=SECRET_VALUES, SIGNALPOST_PUBLIC_URL=public)
    assert done.exit_code == 0, done.output
    assert "1 Acme Legal, egnyte: imported (instance 100001)" in done.output
    assert f"    connect link: {public}/connect/" in done.output
    again = await command("--apply", given=given)
    assert again.exit_code == 0
    assert "imported before, nothing was changed (instance 100001)" in again.output
    assert "it needs consent at the provider: authorise it in the console" in again.output
    for each in (tried, done, again):
        assert "our-own" not in each.output


async def test_json_is_one_object_a_line(command):
    given = [write_original(1), {**write_original(2), "disabled": True}]
    done = await command("--apply", "--json", given=given, values={**SECRET_VALUES, "egnite": {}})
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert first == {
        "id": "1",
        "name": "Acme Legal",
        "connector": "egnyte",
        "result": "imported",
        "reason": None,
        "instanceId": 100001,
        "missing": [],
        "remarks": [],
        "needsConsent": True,
        "needsEnabling": False,
        "connectLink": None,
    }
    assert second["needsEnabling"]
    assert "--values: 'egnite' is no connector and no id of these instances" in done.stderr


async def test_the_original_itself_is_asked(command, tmp_path):
    async with run_original(give_pages(2)) as (url, asked):
        done = await command(url=url, SIGNALPOST_IMPORT_AUTHORIZATION="Authorization: User a, Organization b")
        assert "4 instances: 4 new" in done.output, done.output
        (tmp_path / "secrets").write_text("User c, Organization d\n")
        done = await command("--authorization-file", str(tmp_path / "secrets"), url=url)
        assert "4 instances: 4 new" in done.output, done.output
    assert [each.headers["Authorization"] for each in asked[::2]] == [
        "User a, Organization b",
        "User c, Organization d",
    ]


async def test_a_file_that_is_cut_short_imports_nothing(command, acme):
    content = json.dumps([write_original(number) for number in range(300)])[:-200]
    told = await refuse(command, content=content, values=VALUES)
    assert "instances.json: after entry 299: what follows is cut short" in told
    assert await acme.fetchval("SELECT count(*) FROM instance") == 0


async def test_a_pipe_is_read_as_a_file(command, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    running = asyncio.create_task(command(str(pipe), "--json"))
    await asyncio.to_thread(pipe.write_text, json.dumps([write_original(1), write_original(2)]))
    done = await running
    assert done.exception is None, done.output
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["1", "2"]


async def test_what_is_given_wrongly_is_named(command, tmp_path):
    assert "give a FILE or --url" in await refuse(command)
    assert "give a FILE or --url" in await refuse(command, given=[], url="http://127.0.0.1:1")
    assert "SIGNALPOST_IMPORT_AUTHORIZATION: give one line" in await refuse(command, url="http://127.0.0.1:1")
    for header in ("a\nb", "é"):
        told = await refuse(command, url="http://127.0.0.1:1", SIGNALPOST_IMPORT_AUTHORIZATION=header)
        assert "give one line" in told
        assert header not in told
    told = await refuse(command, url="file:///etc/passwd", SIGNALPOST_IMPORT_AUTHORIZATION="User a")
    assert "--url" in told
    assert "is not JSON" in await refuse(command, given=[], values="{")
    assert "give values by connector" in await refuse(command, given=[], values=["secret-thing"])
    told = await refuse(command, given=[], values={"egnyte": "secret-thing"})
    assert "give values by connector" in told
    assert "secret-thing" not in told
