"""The demonstration says in numbers what it saw, and its exit code says whether all was well."""

from __future__ import annotations

import json
import re
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from signalpost.cli.demo import _print_summary
from signalpost.cli.tally import Tally
from tests.processes import run, start

README = Path(__file__).parents[2] / "README.md"


def leave_out_numbers(text):
    """What differs from run to run: ports, counts, seconds."""
    return re.sub(r" *\d[\d,.]*", " 0", text).strip()


async def test_the_demonstration_ends_by_itself_with_a_perfect_summary_as_the_readme_shows_it(
    capsys, tmp_path
):
    """Also where the service of this machine has settings: none of them is used, and no file of its own touched."""
    state = tmp_path / "sandbox.json"
    settings = {
        "database_url": "postgresql://nobody@127.0.0.1:1/none",
        "encryption_keys": "no key",
        "sandbox_state": state,
    }
    code, output, errors = await run(["demo", "--changes", "45", "--json"], settings)
    assert code == 0, errors
    assert not state.exists()
    summary = json.loads(output.splitlines()[-1])
    _print_summary(summary)
    shown = re.search(r"## See it run\n.*?```\n(1  .*?)```", README.read_text(), re.DOTALL)
    assert shown is not None
    assert leave_out_numbers(errors + capsys.readouterr().out) == leave_out_numbers(shown[1])
    assert summary.pop("seconds") > 0
    assert summary == {
        "changesMade": 45,
        "eventsDelivered": 45,
        "duplicates": 0,
        "outOfOrder": 0,
        "invalidSignatures": 0,
    }


def list_processes(word):
    """Give the command lines of processes that name a folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in (line := each.read_bytes()):
                found.append(line)
    return found


async def test_a_demonstration_that_is_told_to_end_leaves_nothing_behind(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    command = await start(["demo", "--changes", "1000"], "   sandbox ", tmp_path / "log")
    sandbox, service = re.findall(r"(?:sandbox|service) (http://\S+)", command.printed)
    assert await command.stop(signal.SIGTERM, seconds=60) == 128 + signal.SIGTERM
    assert list_processes(str(folder)) == []
    assert list(folder.iterdir()) == []
    async with httpx.AsyncClient() as client:
        for url in (sandbox, service):
            with pytest.raises(httpx.ConnectError):
                await client.get(url)


def received(*ids, valid=True):
    records = [{"id": number, "event_object_id": str(number)} for number in ids]
    events = [{"objectId": str(number)} for number in ids]
    return {
        "valid": valid,
        "body": {"message": {"raw": {"objectType": "events", "events": records}, "events": events}},
    }


def tally_of(*notifications):
    tally = Tally()
    tally.expect([1, 2, 3, 4])
    for each in notifications:
        tally.take(each)
    return tally


def test_nothing_short_of_perfect_is_called_perfect():
    assert tally_of(received(1, 2), received(3, 4)).is_perfect(4)
    assert not tally_of(received(1, 2), received(3)).is_perfect(4)
    assert not tally_of(received(1, 2), received(1, 2), received(3, 4)).is_perfect(4)
    assert not tally_of(received(1, 3), received(2, 4)).is_perfect(4)
    assert not tally_of(received(1, 2), received(3, 4, valid=False)).is_perfect(4)
    assert not tally_of(received(1, 2), received(3, 4)).is_perfect(5)
    twisted = tally_of(received(3, 4), received(1, 2), received(1, 2, valid=None)).summarise(4)
    assert (twisted["duplicates"], twisted["outOfOrder"], twisted["invalidSignatures"]) == (2, 1, 1)
