"""A line of the log: one line, whatever is in it, and nothing that makes writing it fail."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import structlog
import structlog.testing

from signalpost.observe import configure_logging, get_logger
from signalpost.observe.logs import Lines, write_json, write_plain

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


class Stream(io.StringIO):
    """A string that may be a terminal."""

    is_terminal = False

    def isatty(self):
        return self.is_terminal


@pytest.fixture
def written():
    """Log into a string; give what configures logging for it."""
    stream = Stream()

    def configure(**options):
        configure_logging(stream=stream, **options)
        return stream

    return configure


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


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_text_from_elsewhere_does_not_steer_a_terminal(written, monkeypatch, is_terminal):
    monkeypatch.setattr(Stream, "is_terminal", is_terminal)
    stream = written(level="info", json_lines=False)
    steering = "\x1b[2J\x1b]0;title\x07\x9b31m"
    get_logger("web").info("consent.refused", error=steering)
    logging.getLogger("uvicorn.error").error("of a library: %s\n", steering)
    try:
        raise ValueError(steering)
    except ValueError:
        get_logger("web").exception("page.failed")
    text = re.sub(r"\x1b\[\d+m", "", stream.getvalue())  # the colours are ours
    assert text.count("\\x1b[2J\\x1b]0;title\\x07\\x9b31m") >= 3
    assert text.replace("\n", "").isprintable()


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


@pytest.mark.parametrize("json_lines", [True, False])
def test_the_quick_way_of_a_line_writes_what_the_library_would(written, json_lines):
    facts = {"part_of": "x", "no": None, "text": "a b", "at": AT, "n": 2, "exc_info": None}
    stream = written(level="info", json_lines=json_lines)
    get_logger("part").bind(instance=1).info("a.b", **facts)
    quick = stream.getvalue()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"))
    get_logger("part").bind(instance=1).info("a.b", **facts)
    usual = stream.getvalue().removeprefix(quick)

    def leave_out_the_time(line):
        if json_lines:
            return list({**json.loads(line), "timestamp": None}.items())
        return line.partition(" ")[2]

    assert leave_out_the_time(quick) == leave_out_the_time(usual)


def test_a_processor_may_drop_a_quick_line(written):
    stream = written(level="info", json_lines=False)
    with structlog.testing.capture_logs() as told:
        get_logger("part").info("a.b", n=1)
    assert told == [{"event": "a.b", "n": 1, "part": "part", "log_level": "info"}]
    assert stream.getvalue() == ""


def names(stream):
    return [json.loads(line)["event"] for line in stream.getvalue().splitlines()]


async def test_lines_of_one_moment_are_written_together_and_an_error_at_once_after_them(written):
    stream = written(level="info", json_lines=True)
    log = get_logger("part").bind()
    log.info("one")
    log.info("two")
    assert names(stream) == []
    await asyncio.sleep(0)
    assert names(stream) == ["one", "two"]
    log.info("three")
    log.error("four")
    assert names(stream) == ["one", "two", "three", "four"]
    log.info("five")
    await asyncio.sleep(0)
    assert names(stream)[4:] == ["five"]


def test_what_a_loop_left_behind_is_written_with_the_next_line(written):
    stream = written(level="info", json_lines=True)
    log = get_logger("part").bind()
    for name in ("one", "two"):
        loop = asyncio.new_event_loop()

        async def tell(name=name, loop=loop):
            log.info(name)
            loop.stop()

        told = loop.create_task(tell())
        loop.run_forever()
        loop.close()
        assert told.done()
    log.info("three")
    assert names(stream) == ["one", "two", "three"]


def test_lines_of_threads_are_all_written(written):
    stream = written(level="info", json_lines=True)
    log = get_logger("part").bind()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: log.info(str(number)), range(200)))
    assert sorted(map(int, names(stream))) == list(range(200))


@pytest.mark.parametrize("reason", [OSError(28, "No space left on device"), ValueError("closed file")])
def test_what_cannot_be_written_hinders_nobody_and_is_not_kept(reason):
    class Full(io.StringIO):
        full = True

        def write(self, text):
            if self.full:
                raise reason
            return super().write(text)

    stream = Full()
    lines = Lines(stream)
    lines.info("one")
    lines.error("two")
    stream.full = False
    lines.flush()
    assert stream.getvalue() == ""
    lines.error("three")
    assert stream.getvalue() == "three\n"
