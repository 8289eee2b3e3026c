"""Published poller configurations: all are taken, however written; and doctor judges any file without a fault."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from signalpost.cli import build_app
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.model.delivery import RESERVED_NAMES
from signalpost.model.errors import InvalidRequestError
from signalpost.polling.configuration import read_resources
from signalpost.polling.configuration.definition import read_definition
from signalpost.polling.where import read_where

FILE = Path(__file__).parents[2] / "data" / "poller-configurations.json"
ALL = json.loads(FILE.read_text())
EACH = [
    pytest.param(name, configuration, id=f"{connector}.{name}")
    for connector, resources in ALL.items()
    for name, configuration in resources.items()
]
AT = datetime(2026, 5, 28, 11, 41, 12, tzinfo=UTC)


def doctor(path):
    result = CliRunner().invoke(build_app(), ["doctor", "--poller-configuration", str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr


@pytest.fixture
def judge(tmp_path):
    """Give a function that has doctor judge a value written as JSON, or bytes as they are."""

    def judge_it(value):
        path = tmp_path / "configuration.json"
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
        return doctor(path)

    return judge_it


def test_doctor_accepts_every_published_configuration():
    code, lines, errors = doctor(FILE)
    assert (code, errors) == (0, "")
    assert len(lines) == len(EACH) == 108
    for line, (connector, name) in zip(
        lines, [(key, name) for key, each in ALL.items() for name in each], strict=True
    ):
        assert line == f"{connector}.{name}: accepted" or line.startswith(
            f"{connector}.{name}: accepted with a remark: "
        )
    [egnyte] = [line for line in lines if line.startswith("egnyte.")]
    assert "createdDateFormat: the quote at the end" in egnyte


@pytest.mark.parametrize(("name", "configuration"), EACH)
def test_a_later_poll_asks_from_a_later_time(name, configuration):
    definition = read_definition(name, configuration)
    before, after = (
        definition.locate(AT, AT),
        definition.locate(AT + timedelta(days=40), AT + timedelta(days=40)),
    )
    assert before.path == after.path
    assert definition.varies == (before != after)
    where = read_where(before.parameters.get("where", ""))
    assert read_where(str(where)) == where


def respell(configuration, draw):
    """Write a configuration in another way that means the same."""
    other = {}
    for key, written in configuration.items():
        value = written
        if key == "datesConfiguration":
            stem = draw(st.sampled_from(["Date", "At"]))
            value = {
                each.replace("Date", stem).replace("Timezone", "TimeZone"): text
                for each, text in written.items()
            }
        if isinstance(value, bool):
            value = draw(st.sampled_from([value, str(value), str(value).upper()]))
        other[draw(st.sampled_from([key, key.lower(), key.upper()]))] = value
    return other


@given(st.sampled_from(EACH), st.data())
def test_another_spelling_means_the_same(each, data):
    name, configuration = each.values
    same = read_definition(name, respell(configuration, data.draw))
    told = read_definition(name, configuration)
    assert (same.url, same.id_field, same.filter_by_updated) == (
        told.url,
        told.id_field,
        told.filter_by_updated,
    )
    assert (same.updated, same.created) == (told.updated, told.created)
    assert len(same.remarks) == len(told.remarks)


ODD_TEXTS = "x|yyyy|-8:00|America/Denver|Mars|EEE d MMM|QQ|20|-1|1e5|true|/a?where=a>'${epoch}'|${gmtDate|$yyyy-MM-dd}"
ODD = st.sampled_from([*ODD_TEXTS.split("|"), "", "\0", "é\n", None, True, 0, 7, 1.5, [], {}, ["x"]])


@given(st.sampled_from(EACH), st.data())
def test_a_mutilated_configuration_is_taken_or_refused_by_its_field(each, data):
    name, configuration = deepcopy(each.values)
    places = [configuration, configuration.setdefault("datesConfiguration", {})]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places))
        known = [*place, "pageSize", "pollDelay", "createdCheckTolerance", "filterByUpdateDate", "strategy"]
        place[data.draw(st.sampled_from(known))] = data.draw(ODD | st.text(max_size=8))
    try:
        assert read_definition(name, configuration).locate(AT, AT).path
    except InvalidRequestError as error:
        refusal = str(error)
    else:
        return
    assert refusal.startswith(f"event.poller.configuration.{name}")


@pytest.mark.parametrize(
    ("value", "code", "lines"),
    [
        ({"url": "/hubs/documents/users"}, 0, ["egnyte.resource: accepted"]),
        ({"people": {"url": "/hubs/documents/users"}}, 0, ["egnyte.people: accepted"]),
        ({"egnyte": {"people": {"url": "/users"}}}, 0, ["egnyte.people: accepted"]),
        (
            {"EGNYTE": {"x": {"url": "/planets"}}},
            1,
            ["egnyte.x: refused: event.poller.configuration.x.url: "],
        ),
        ({"other": {"x": {"url": "/planets"}}}, 0, ["other.x: accepted"]),
        ({"x": {"url": "/planets"}}, 0, ["x: accepted with a remark: no connector that is installed"]),
        ({"other": {"x": {"url": "/a?where=b gt 5"}}}, 0, ["other.x: accepted with a remark: url: where: "]),
        ({"egnyte": {"x": {"url": "/users?where=b gt 5"}}}, 1, ["egnyte.x: refused: "]),
        (
            {"x": {"url": "/hubs/documents/events?where=action = 'delete'"}},
            0,
            ["egnyte.x: accepted with a remark: url: where is not used in a feed, all of it is told; "],
        ),
        (
            {"other": {"x": {"url": "/a?b=${c}"}, "y": {"url": "/a"}}},
            1,
            ["other.x: refused: ", "other.y: accepted"],
        ),
        ({"a": 1, "b": {}, "c": {"d": None}}, 1, ["a: refused: ", "b: refused: ", "c.d: refused: "]),
        ({"": {"": {}}}, 1, ["(no name): refused: "]),
        ({"o": {"a\nb": {"url": "/\x07?where="}}}, 0, ["o.a\\nb: accepted with a remark: "]),
    ],
)
def test_doctor_tells_each_resource_on_a_line(judge, value, code, lines):
    found_code, found, errors = judge(value)
    assert (found_code, errors) == (code, "")
    assert len(found) == len(lines)
    for line, start in zip(found, lines, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("hh:mm", "but reads that as"),
        ("yyyy-MM", "one day from the next"),
        ("'x'", "one day"),
        ("yyyy-MM-dd", ""),
    ],
)
@pytest.mark.parametrize("zone", ["", "Pacific/Auckland"])
def test_doctor_tries_the_date_patterns(judge, pattern, words, zone):
    dates = {"updatedAtField": "d", "updatedAtFormat": pattern, "updatedAtTimezone": zone}
    code, [line], _ = judge({"other": {"x": {"url": "/a", "datesConfiguration": dates}}})
    assert code == 0
    assert words in line
    assert (line == "other.x: accepted") == (not words)


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"\xff", b"[" * 5_000, b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", [], {}, 5, None, "x", [{}]],
)
def test_doctor_says_plainly_what_is_no_configuration(judge, value):
    code, lines, errors = judge(value)
    assert (code, lines) == (2, [])
    assert "configuration.json: " in errors


def test_doctor_says_plainly_what_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        code, lines, errors = doctor(path)
        assert (code, lines) == (2, [])
        assert "it cannot be read" in errors


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["egnyte", "x", "url", "idField", "datesConfiguration", "é\n", ""]), inner
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_doctor_judges_any_json(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("any") / "any.json"
    path.write_text(json.dumps(value))
    assert doctor(path)[0] in {0, 1, 2}


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_names_that_mean_something_else_in_notifications_are_refused(name):
    text = json.dumps({name: {"url": "/hubs/documents/events"}})
    with pytest.raises(InvalidRequestError, match=f"{name}.*another one"):
        read_resources(text, EgnyteConnector())
