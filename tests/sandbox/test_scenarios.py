"""Scenarios: what happens by itself, in its order; what a file says wrongly is told with its place."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from signalpost.model.errors import ConfigurationError
from signalpost.sandbox.egnyte.scenario import ACTS, load_scenario
from tests.processes import run, running
from tests.sandbox.conftest import open_egnyte
from tests.support import until

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "examples" / "scenarios").glob("*.toml"))
FAULTS_SHIPPED = {"status", "truncate", "reset", "latency", "over_qps", "expired_token"}

EVERYTHING = """
[settings]
retention = 7

[[steps]]
at_seconds = 5
revoke = {username = "power"}
changes = {count = 2, actions = ["create"]}
records = {kind = "links", create = [{}]}
fault = {kind = "status", status = 503}
settings = {lag_seconds = 0}

[[steps]]
at_seconds = 7.5
changes = {count = 1}
"""


def write(folder, text):
    path = folder / "scenario.toml"
    path.write_text(text)
    return path


async def test_steps_are_done_at_their_time_in_their_order(tmp_path):
    told: asyncio.Queue[str] = asyncio.Queue()
    scenario = load_scenario(write(tmp_path, EVERYTHING))
    async with open_egnyte(scenario=scenario, on_step=told.put_nowait, retention=3) as egnyte:
        assert await told.get() == "steps[0] is done: settings, records, changes, fault, revoke"
        assert await told.get() == "steps[1] is done: changes"
        assert egnyte.slept == [5, 7.5]
        state = egnyte.sandbox.state
        assert state.settings.retention == 7
        assert len(list(state.log)) == 3
        assert len(state.records["links"]) == 1
        assert [fault.status for fault in state.faults.list_waiting()] == [503]


async def test_steps_wait_for_calls_since_the_step_before(tmp_path):
    told: asyncio.Queue[str] = asyncio.Queue()
    text = "[[steps]]\nafter_calls = 2\nchanges = {}\n" * 2
    async with open_egnyte(scenario=load_scenario(write(tmp_path, text)), on_step=told.put_nowait) as egnyte:
        for number in range(1, 5):
            await egnyte.call("GET", "/pubapi/v1/userinfo")
            if number % 2 == 0:
                await told.get()
            assert len(list(egnyte.sandbox.state.log)) == number // 2


async def test_a_step_that_cannot_be_done_any_more_is_told_and_the_next_goes_on(tmp_path):
    told: asyncio.Queue[str] = asyncio.Queue()
    text = """
    [[steps]]
    after_calls = 1
    records = {kind = "users", delete = [7]}
    [[steps]]
    after_calls = 1
    changes = {}
    """
    scenario = load_scenario(write(tmp_path, text))
    async with open_egnyte(scenario=scenario, on_step=told.put_nowait) as egnyte:
        egnyte.sandbox.state.records["users"].pop(7)
        await egnyte.call("GET", "/pubapi/v1/userinfo")
        assert (await told.get()).startswith("steps[0] could not be done: records: ")
        await egnyte.call("GET", "/pubapi/v1/userinfo")
        assert await told.get() == "steps[1] is done: changes"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps = [", "cannot be read"),
        pytest.param("steps = " + "[" * 100_000, "cannot be read", id="deep"),
        ("stepps = []", "the file: scenario has no field 'stepps': it takes settings, steps"),
        ("steps = {}", "steps: steps must be a JSON array"),
        ("[settings]\nretension = 1", "settings: settings has no field 'retension': it takes retention, "),
        ("[settings]\nqps = 0", "settings: qps is 0: it must be a whole number of at least 1"),
        ("[[steps]]\nchanges = {}", "steps[0]: it must say when: at_seconds or after_calls, one of them"),
        (
            "[[steps]]\nat_seconds = 1\nafter_calls = 1\nchanges = {}",
            "at_seconds or after_calls, one of them",
        ),
        ("[[steps]]\nat_seconds = 1", "steps[0]: it does nothing: it takes settings, records, changes"),
        ("[[steps]]\nat_seconds = -1\nchanges = {}", "at_seconds is -1: it must be a number of at least 0"),
        ("[[steps]]\nat_seconds = nan\nchanges = {}", "at_seconds is nan"),
        ("[[steps]]\nat_seconds = inf\nchanges = {}", "at_seconds is inf"),
        (
            "[[steps]]\nafter_calls = 0\nchanges = {}",
            "after_calls is 0: it must be a whole number of at least 1",
        ),
        ("[[steps]]\nat_second = 1\nchanges = {}", "step has no field 'at_second': it takes at_seconds, "),
        ("[[steps]]\nat_seconds = 1\nchanges = {count = 0}", "steps[0]: changes: count is 0: it must be"),
        (
            "[[steps]]\nat_seconds = 1\nchanges = {count = 2026-01-01}",
            "changes: count is datetime.date(2026, 1, 1)",
        ),
        ("[[steps]]\nat_seconds = 1\nfault = {kind = 'status'}", "fault: status is missing"),
        (
            "[[steps]]\nat_seconds = 1\nrecords = {create = [{}]}",
            "records: kind is '': it must be one of users, ",
        ),
        ("[[steps]]\nat_seconds = 1\nrevoke = {who = 'a'}", "revoke: body has no field 'who'"),
        (
            "[[steps]]\nat_seconds = 2\nchanges = {}\n[[steps]]\nat_seconds = 1\nchanges = {}",
            "steps[1]: at_seconds is 1, but a step before is at 2: steps stand in the order of time",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, told):
    with pytest.raises(ConfigurationError, match=re.escape(told)) as raised:
        load_scenario(write(tmp_path, text))
    assert str(raised.value).startswith(f"the scenario {tmp_path / 'scenario.toml'}")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_ones_are_right_and_are_listed(path):
    assert load_scenario(path).steps
    assert f"]({path.parent.name}/{path.name})" in (ROOT / "examples" / "README.md").read_text()


def test_the_rough_provider_fails_in_the_ways_that_a_service_gets_over():
    steps = load_scenario(ROOT / "examples" / "scenarios" / "rough-provider.toml").steps
    assert {step.acts["fault"]["kind"] for step in steps} == FAULTS_SHIPPED


def test_the_page_says_what_a_step_may_do(tmp_path):
    page = (ROOT / "docs" / "reference" / "sandbox.md").read_text()
    assert " ".join(f"`{name}`," for name in ACTS)[:-1] in page
    code = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert code is not None
    assert len(load_scenario(write(tmp_path, code[1])).steps) == 2


async def test_the_command_plays_it_and_refuses_a_wrong_one(tmp_path):
    path = write(tmp_path, "[[steps]]\nat_seconds = 0\nchanges = {count = 3}")
    arguments = ["sandbox", "egnyte", "--port", "0", "--scenario", str(path)]
    async with running(arguments, "sandbox ready on ", tmp_path / "log") as command:
        await until(lambda: "scenario: steps[0] is done: changes\n" in command.printed)
        assert await command.stop() == 0
    path.write_text("[[steps]]\nat_seconds = 0")
    code, output, errors = await run(arguments)
    assert (code, output) == (1, "")
    assert errors.startswith(f"signalpost: the scenario {path}, steps[0]: it does nothing")
