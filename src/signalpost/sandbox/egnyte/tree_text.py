"""Writes the tree as JSON, for the state file, and reads it again. Pure."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from signalpost.sandbox.egnyte.tree import Node, Note, Trashed, Tree, Version


def write_tree(tree: Tree) -> dict[str, Any]:
    """Write the whole tree. What was deleted from a folder that is itself gone stays in the trash for good."""
    return {
        "children": [_write_node(child) for child in tree.root.children.values()],
        "notes": [
            [note.id, note.file.path, note.message, note.username, note.creation_time]
            for note in tree.notes
            if note.file.is_inside(tree.root)
        ],
        "trash": [_write_trashed(item, tree) for item in tree.trash],
    }


def read_tree(written: dict[str, Any]) -> Tree:
    """Read what ``write_tree`` wrote."""
    tree = Tree()
    for item in written["children"]:
        tree.attach(_read_node(item), tree.root, item["name"])
    by_path = {node.path: node for node in tree.root.walk()}
    for note_id, path, message, username, creation_time in written["notes"]:
        tree.notes.add(Note(note_id, by_path[path], message, username, creation_time))
    for trash_id, item, path, deleted_at, deleted_by, parent in written["trash"]:
        node = _read_node(item)
        tree.trash.add(Trashed(trash_id, node, path, deleted_at, deleted_by, by_path.get(parent)))
    return tree


def _write_trashed(item: Trashed, tree: Tree) -> list[Any]:
    parent = item.parent.path if item.parent and item.parent.is_inside(tree.root) else None
    return [item.id, _write_node(item.node), item.path, item.deleted_at, item.deleted_by, parent]


def _write_node(node: Node) -> dict[str, Any]:
    written: dict[str, Any] = {"name": node.name, "id": node.id}
    if not node.is_folder:
        return written | {"versions": [astuple(version) for version in node.versions]}
    return written | {
        "created_at": node.created_at,
        "modified_at": node.modified_at,
        "children": [_write_node(child) for child in node.children.values()],
    }


def _read_node(written: dict[str, Any]) -> Node:
    node = Node(
        written["name"], written["id"], written.get("created_at", 0.0), written.get("modified_at", 0.0)
    )
    node.versions = [Version(*version) for version in written.get("versions", ())]
    for item in written.get("children", ()):
        child = _read_node(item)
        child.parent = node
        node.children[child.name] = child
    return node
