"""An export goes on from its file, wherever it was cut; a file of something else is never touched."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.cli.remote.export import open_export
from signalpost.model.errors import ConfigurationError

ENTRIES = [{"sequence": number, "providerData": "é\n\u2028 " * number} for number in (1, 2, 5, 6, 9)]


def write(path, entries):
    with open_export(path, 7, "sequence") as export:
        export.add([each for each in entries if each["sequence"] > export.last])
        return export.last


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "whole.jsonl"
    assert write(path, ENTRIES) == 9
    kept = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    assert kept == [{"instanceId": 7, **each} for each in ENTRIES]
    return path.read_bytes()


@given(st.data())
def test_wherever_it_was_killed_nothing_is_lost_or_repeated(whole, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("export") / "cut.jsonl"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    write(path, ENTRIES)
    assert path.read_bytes() == whole


def test_a_line_longer_than_a_piece_is_found(tmp_path):
    path = tmp_path / "long.jsonl"
    write(path, [{"sequence": 1, "providerData": "x" * 200_000}])
    with path.open("ab") as file:
        file.write(b'{"instanceId": 7, "sequence": 2, "providerData": "' + b"y" * 200_000)
    with open_export(path, 7, "sequence") as export:
        assert export.last == 1
    assert path.stat().st_size < 201_000


@pytest.mark.parametrize(
    "other",
    [
        b"mine",
        b"mine\n",
        b"{}\n",
        b"\n",
        b'{"instanceId": 7, "id": 3}\n',
        b'{"instanceId": 77, "sequence": 3}\n',
        b'{"instanceId": 7, "sequence": "x"}\n',
        b'{"instanceId": 7, "sequence": 3, \n',
        b'{"instanceId": 7, "sequence": 3}\nmine',
        b'{"instanceId": 7, "sequence": ' + b"[" * 100_000 + b"\n",
        b'{"instanceId": 7, "sequence": 3}\n\x00\x00',
    ],
    ids=lambda text: text[:40].decode(),
)
def test_a_file_of_something_else_stays_as_it_is(other, tmp_path):
    path = tmp_path / "mine"
    path.write_bytes(other)
    with pytest.raises(ConfigurationError, match="does not end as an export of the events of instance 7"):
        write(path, ENTRIES)
    assert path.read_bytes() == other


def test_one_export_at_a_time_writes_a_file_and_only_a_file(tmp_path):
    path = tmp_path / "kept.jsonl"
    with (
        open_export(path, 7, "sequence"),
        pytest.raises(ConfigurationError, match="is being written by another"),
    ):
        write(path, ENTRIES)
    os.mkfifo(tmp_path / "pipe")
    for place, words in (
        (tmp_path, "cannot be written"),
        (tmp_path / "pipe", "is no file"),
        (tmp_path / "no" / "folder", "No such file"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            write(place, ENTRIES)
