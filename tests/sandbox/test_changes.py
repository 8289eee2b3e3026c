"""Changes tell one consistent story: replaying their events gives the tree that they were made to."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from signalpost.sandbox.egnyte.changes import USUAL_WEIGHTS
from signalpost.sandbox.egnyte.settings import Settings
from signalpost.sandbox.egnyte.state import State

ACTIONS = st.lists(st.sampled_from(sorted(USUAL_WEIGHTS)), max_size=6).map(tuple)
REFUSED_IN_NAMES = set('":<>|?*\\')


def make(seed: int, actions: tuple[str, ...], count: int = 150) -> tuple[State, list[dict[str, Any]]]:
    state = State(domain="acme", seed=seed, settings=Settings())
    rows = state.make_changes(
        count=count, actions=actions, folder="/Shared", user_id=None, client_id=None, now=1e9
    )
    return state, rows


class Replay:
    """The files that events told of, by path, and the versions seen."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def apply(self, row: dict[str, Any]) -> None:
        details = row["data"]
        path, group_id = details["target_path"], details.get("target_group_id")
        if row["type"] != "file_system":
            assert group_id is None or self.files.get(path, group_id) == group_id
            return
        match row["action"]:
            case "delete":
                self.take(path, details)
            case "move" | "rename":
                for below, known in self.take(details["source_path"], details).items():
                    self.put(path + below, known)
                if group_id:
                    self.files[path] = group_id
            case _ if group_id:
                self.put(path, group_id)

    def take(self, path: str, details: dict[str, Any]) -> dict[str, str]:
        inside = {
            known: self.files.pop(known)
            for known in list(self.files)
            if known == path or known.startswith(path + "/")
        }
        if not details["is_folder"]:
            assert inside in ({}, {path: details["target_group_id"]})
        return {known.removeprefix(path): group_id for known, group_id in inside.items()}

    def put(self, path: str, group_id: str) -> None:
        assert self.files.get(path, group_id) == group_id, "another file is there"
        self.files[path] = group_id


@given(seed=st.integers(), actions=ACTIONS)
def test_events_replayed_give_the_tree(seed: int, actions: tuple[str, ...]) -> None:
    state, rows = make(seed, actions)
    replay = Replay()
    for row in rows:
        replay.apply(row)
    real = {node.path: node.id for node in state.tree.files}
    assert replay.files.items() <= real.items()


@given(seed=st.integers(), actions=ACTIONS)
def test_rows_have_the_shapes_of_the_reference(seed: int, actions: tuple[str, ...]) -> None:
    _, rows = make(seed, actions)
    assert [row["id"] for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        details, keys = row["data"], set(row["data"])
        if row["type"] == "permission_change":
            assert list(row)[-1] == "eventTypeSpecificAttributes"
            assert keys == {"target_path", "is_folder"}
            continue
        assert row["timestamp"] == "2001-09-09T01:46:40.000Z"
        assert ("object_detail" in row) == (row["action"] != "delete")
        if "object_detail" in row:
            assert unquote(row["object_detail"]) == "/pubapi/v1/fs" + details["target_path"]
            assert row["object_detail"].isascii()
        assert not REFUSED_IN_NAMES & set(details["target_path"])
        if row["type"] == "note":
            assert keys == {"note_id", "target_path", "target_group_id", "is_folder"}
            continue
        expected = {"target_path", "is_folder"}
        if row["action"] in ("move", "rename", "copy"):
            expected |= {"source_path"}
        if not details["is_folder"]:
            expected |= {"target_id", "target_group_id"}
            if row["action"] == "copy":
                expected |= {"source_id", "source_group_id"}
        assert keys == expected


def test_update_is_a_create_of_a_new_version() -> None:
    _, rows = make(1, ("update",), count=40)
    versions: dict[str, list[str]] = {}
    for row in rows:
        assert (row["type"], row["action"], row["data"]["is_folder"]) == ("file_system", "create", False)
        versions.setdefault(row["data"]["target_group_id"], []).append(row["data"]["target_id"])
    assert any(len(entry_ids) > 1 for entry_ids in versions.values())
    assert all(len(set(entry_ids)) == len(entry_ids) for entry_ids in versions.values())


def test_long_run_does_everything_and_meets_odd_names() -> None:
    state, rows = make(1, (), count=3_000)
    kinds = {(row["type"], row["action"], row["data"]["is_folder"]) for row in rows}
    for action in ("create", "delete", "move", "rename", "copy", "restore"):
        assert {("file_system", action, True), ("file_system", action, False)} <= kinds
    assert {("note", "create", False), ("note", "delete", False)} <= kinds
    paths = "".join(row["data"]["target_path"] for row in rows)
    assert all(letter in paths for letter in "#%&+[]{};'\u00e9\u0301\u898b\U0001f680")
    assert max(node.depth for node in state.tree.root.walk()) < 40
