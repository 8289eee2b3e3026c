"""A line of the log: one line, whatever is in it, and nothing that makes writing it fail."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime

import pytest
import structlog

from signalpost.observe import configure_logging, get_logger
from signalpost.observe.logs import write_json, write_plain

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ODD = {
    "timestamp": AT,
    "level": "info",
    "event": "a.b",
    "half": "\ud83d",
    "huge": 2**70,
    "at": AT,
    "kind": ValueError("no"),
}


@pytest.fixture
def written():
    """Log into a string; give what configures logging for it, and put logging back."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()

    def configure(**options):
        configure_logging(stream=stream, **options)
        return stream

    yield configure
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def test_json_takes_what_the_fast_writer_does_not():
    told = json.loads(write_json(None, "info", dict(ODD)))
    assert told["half"] == "\ud83d"
    assert told["huge"] == 2**70
    assert told["kind"] == "no"
    assert json.loads(write_json(None, "info", {"at": AT, "n": 1})) == {
        "at": "2026-01-02T03:04:05Z",
        "n": 1,
    }


def test_a_plain_line_is_one_line_whatever_a_value_holds():
    facts = {
        "timestamp": AT,
        "level": "info",
        "event": "a.b",
        "reason": "one\ntwo",
        "name": "x y",
        "n": 3,
        "no": "",
    }
    assert (
        write_plain(None, "info", facts)
        == "2026-01-02T03:04:05.000Z [info] a.b reason='one\\ntwo' name='x y' n=3 no=''"
    )
    assert "\n" not in write_plain(None, "info", dict(ODD))
    assert "\n" not in write_plain(None, "info", {**ODD, "event": "of a library:\nmore"})


def test_a_traceback_follows_a_plain_line():
    line = write_plain(None, "error", {**ODD, "exception": "Traceback\n  end"})
    assert line.split("\n")[1:] == ["Traceback", "  end"]


@pytest.mark.parametrize("json_lines", [True, False])
def test_what_is_below_the_level_is_not_written(written, json_lines):
    stream = written(level="info", json_lines=json_lines)
    log = get_logger("part").bind()
    log.debug("not.told", instance=1)
    log.info("was.told", instance=1)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert "was.told" in lines[0]


def test_lines_of_json_have_time_level_name_and_facts(written):
    stream = written(level="debug", json_lines=True)
    try:
        raise ValueError("oops")
    except ValueError:
        get_logger("part").exception("it.failed", instance=5)
    logging.getLogger("elsewhere").warning("from a library: %s", "x")
    ours, theirs = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (ours["event"], ours["level"], ours["part"], ours["instance"]) == ("it.failed", "error", "part", 5)
    assert datetime.fromisoformat(ours["timestamp"]).tzinfo is not None
    assert "ValueError: oops" in ours["exception"]
    assert (theirs["event"], theirs["level"]) == ("from a library: x", "warning")
