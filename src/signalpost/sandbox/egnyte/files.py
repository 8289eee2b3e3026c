"""``/pubapi/v1/fs``: files and folders by path or id, and what a folder holds (egnyte-api.md section 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from signalpost.model.errors import NotFoundError
from signalpost.sandbox.egnyte.dates import write_milliseconds, write_rfc1123
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.paging import answer_content, arrange, read_span
from signalpost.sandbox.egnyte.tree import Node, Version
from signalpost.sandbox.fields import read_choice

SCOPE = "Egnyte.filesystem"
USUAL_COUNT = 100
MOST_COUNT = 1_000

SORTS: dict[str, Callable[[Node], Any]] = {
    "name": lambda node: node.name,
    "last_modified": lambda node: node.modified_at if node.is_folder else node.newest.made_at,
    "uploaded_by": lambda node: "" if node.is_folder else node.newest.made_by,
    "size": lambda node: 0 if node.is_folder else node.newest.size,
}
DIRECTIONS = ("ascending", "descending")
FLAGS = ("true", "false")


def _show_folder(folder: Node) -> dict[str, Any]:
    return {
        "name": folder.name,
        "path": folder.path or "/",
        "folder_id": folder.id,
        "parent_id": folder.parent.id if folder.parent else None,
        "is_folder": True,
        "lastModified": write_milliseconds(folder.modified_at),
        "uploaded": write_milliseconds(folder.created_at),
    }


def _show_file(file: Node) -> dict[str, Any]:
    assert file.parent is not None
    return {
        "name": file.name,
        "path": file.path,
        "is_folder": False,
        "group_id": file.id,
        "parent_id": file.parent.id,
        "locked": False,
        "num_versions": len(file.versions),
        **_show_version(file.newest),
    }


def _show_version(version: Version) -> dict[str, Any]:
    return {
        "entry_id": version.entry_id,
        "checksum": version.checksum,
        "size": version.size,
        "last_modified": write_rfc1123(version.made_at),
        "uploaded": write_milliseconds(version.made_at),
        "uploaded_by": version.made_by,
    }


def _list_content(call: Call, folder: Node) -> dict[str, Any]:
    """Give one page of ``folder``: two arrays, but one offset and count, over folders and then files."""
    query = call.request.query
    sort = SORTS[read_choice("sort_by", query.get("sort_by", "name"), SORTS)]
    direction = read_choice("sort_direction", query.get("sort_direction", DIRECTIONS[0]), DIRECTIONS)
    span = read_span(call, usual=USUAL_COUNT, most=MOST_COUNT)

    def order(nodes: Iterable[Node]) -> list[Node]:
        return arrange(call, sorted(nodes, key=sort, reverse=direction == DIRECTIONS[1]))

    children = folder.children.values()
    rows = order(node for node in children if node.is_folder) + order(
        node for node in children if not node.is_folder
    )
    page = span.cut(rows)
    return {
        "count": len(page),
        "offset": span.offset,
        "total_count": len(rows),
        "public_links": "files_folders",
        "allow_links": True,
        "restrict_move_delete": False,
        "folder_description": "",
        "folders": [_show_folder(node) for node in page if node.is_folder],
        "files": [_show_file(node) for node in page if not node.is_folder],
    }


def _answer_node(call: Call, node: Node) -> web.Response:
    lists = read_choice("list_content", call.request.query.get("list_content", "true"), FLAGS)
    if node.is_folder:
        content = _list_content(call, node) if lists == "true" else {}
        return answer_content(call, _show_folder(node) | content)
    # All versions but the newest, which is told above them.
    versions = [_show_version(version) for version in reversed(node.versions[:-1])]
    return answer_content(call, _show_file(node) | {"versions": versions})


async def _tell_path(call: Call) -> web.Response:
    # aiohttp has undone the percent-encoding, segment by segment: no name holds a slash.
    path = "/" + call.request.match_info.get("path", "")
    node = call.state.tree.find(path)
    if node is None:
        raise NotFoundError(f"There is nothing at {path}")
    return _answer_node(call, node)


async def _tell_file(call: Call) -> web.Response:
    return _answer_node(call, _find_by_id(call, call.state.tree.files))


async def _tell_folder(call: Call) -> web.Response:
    return _answer_node(call, _find_by_id(call, call.state.tree.folders))


def _find_by_id(call: Call, nodes: Iterable[Node]) -> Node:
    node_id = call.request.match_info["id"]
    for node in nodes:
        if node.id == node_id:
            return node
    raise NotFoundError(f"There is nothing with the id {node_id}")


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v1/fs/ids/file/{id}", _tell_file, scope=SCOPE),
    Endpoint("GET", "/pubapi/v1/fs/ids/folder/{id}", _tell_folder, scope=SCOPE),
    Endpoint("GET", "/pubapi/v1/fs", _tell_path, scope=SCOPE),
    Endpoint("GET", "/pubapi/v1/fs/{path:.*}", _tell_path, scope=SCOPE),
)
