"""The domain's files and folders: a consistent tree to make changes to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, TypeVar
from uuid import UUID

T = TypeVar("T")


def make_id(random: Random) -> str:
    """Make an id as Egnyte's: a random UUID."""
    return str(UUID(int=random.getrandbits(128), version=4))


@dataclass(slots=True, eq=False)
class Node:
    """A file or a folder. ``id`` is stable (group id, folder id); a file's ``entry_id`` names its version."""

    name: str
    id: str
    entry_id: str | None = None
    parent: Node | None = field(default=None, repr=False)
    children: dict[str, Node] = field(default_factory=dict, repr=False)

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return self.entry_id is None

    @property
    def path(self) -> str:
        """The absolute path; of the root, the empty text."""
        return "" if self.parent is None else f"{self.parent.path}/{self.name}"

    @property
    def depth(self) -> int:
        """How many folders stand above."""
        return 0 if self.parent is None else self.parent.depth + 1

    def is_inside(self, folder: Node) -> bool:
        """Say whether this lies below ``folder`` (a folder does not lie inside itself)."""
        above = self.parent
        while above is not None and above is not folder:
            above = above.parent
        return above is folder

    def walk(self) -> Iterator[Node]:
        """Give this and all below it."""
        yield self
        for child in self.children.values():
            yield from child.walk()


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """A comment on a file."""

    id: str
    file: Node


@dataclass(frozen=True, slots=True, eq=False)
class Trashed:
    """Something deleted, and the folder it can be restored to."""

    node: Node
    parent: Node


class Bag(Generic[T]):
    """A set that gives a random member without looking at the others."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._places: dict[T, int] = {}

    def add(self, item: T) -> None:
        """Put ``item`` in."""
        self._places[item] = len(self._items)
        self._items.append(item)

    def remove(self, item: T) -> None:
        """Take ``item`` out; the last one moves to its place."""
        place = self._places.pop(item)
        last = self._items.pop()
        if last is not item:
            self._items[place] = last
            self._places[last] = place

    def pick(self, random: Random, accept: Callable[[T], bool]) -> T | None:
        """Give a random member that ``accept`` takes, or None. A few tries by chance, then a look at all."""
        for _ in range(min(8, len(self._items))):
            item = random.choice(self._items)
            if accept(item):
                return item
        accepted = [item for item in self._items if accept(item)]
        return random.choice(accepted) if accepted else None

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items))


class Tree:
    """Files, folders, notes and the trash. What is in ``files`` and ``folders`` hangs on the root.

    A note may be on a file in the trash, and a folder to restore to may itself be there.
    """

    def __init__(self) -> None:
        self.root = Node("", "root")
        self.files: Bag[Node] = Bag()
        self.folders: Bag[Node] = Bag()
        self.notes: Bag[Note] = Bag()
        self.trash: Bag[Trashed] = Bag()

    def attach(self, node: Node, parent: Node, name: str) -> Node:
        """Hang ``node``, with all below it, into ``parent`` under ``name``."""
        node.name, node.parent = name, parent
        parent.children[name] = node
        for member in node.walk():
            (self.folders if member.is_folder else self.files).add(member)
        return node

    def detach(self, node: Node) -> None:
        """Take ``node``, with all below it, off the tree."""
        assert node.parent is not None
        del node.parent.children[node.name]
        for member in node.walk():
            (self.folders if member.is_folder else self.files).remove(member)
        node.parent = None

    def move(self, node: Node, parent: Node, name: str) -> None:
        """Hang ``node`` elsewhere: everything below comes along."""
        self.detach(node)
        self.attach(node, parent, name)

    def throw_away(self, node: Node) -> None:
        """Move ``node`` to the trash. Its notes stay in ``notes``: they come back with it."""
        parent = node.parent
        assert parent is not None
        self.detach(node)
        self.trash.add(Trashed(node, parent))

    def ensure_folder(self, path: str, random: Random) -> Node:
        """Give the folder at ``path``, made with all above it where there is none.

        Raises:
            NotADirectoryError: a file stands in the way.
        """
        node = self.root
        for name in path.strip("/").split("/"):
            child = node.children.get(name)
            node = child or self.attach(Node(name, make_id(random)), node, name)
            if not node.is_folder:
                raise NotADirectoryError(node.path)
        return node


def copy_node(node: Node, random: Random) -> Node:
    """Give a copy with new ids, all below included, that hangs nowhere yet."""
    twin = Node(node.name, make_id(random), None if node.is_folder else make_id(random))
    for name, child in node.children.items():
        twin.children[name] = copy_node(child, random)
        twin.children[name].parent = twin
    return twin


def write_node(node: Node) -> dict[str, Any]:
    """Write ``node`` and all below it as JSON."""
    written: dict[str, Any] = {"name": node.name, "id": node.id}
    if node.entry_id is not None:
        return written | {"entry_id": node.entry_id}
    return written | {"children": [write_node(child) for child in node.children.values()]}


def read_node(written: dict[str, Any]) -> Node:
    """Read what ``write_node`` wrote; the node hangs nowhere yet."""
    node = Node(written["name"], written["id"], written.get("entry_id"))
    for item in written.get("children", ()):
        child = read_node(item)
        child.parent = node
        node.children[child.name] = child
    return node


def write_tree(tree: Tree) -> dict[str, Any]:
    """Write the whole tree as JSON, of the trash what can still be restored."""
    return {
        "children": [write_node(child) for child in tree.root.children.values()],
        "notes": [[note.id, note.file.path] for note in tree.notes if note.file.is_inside(tree.root)],
        "trash": [
            [write_node(item.node), item.parent.path]
            for item in tree.trash
            if item.parent.is_inside(tree.root)
        ],
    }


def read_tree(written: dict[str, Any]) -> Tree:
    """Read what ``write_tree`` wrote."""
    tree = Tree()
    for item in written["children"]:
        tree.attach(read_node(item), tree.root, item["name"])
    by_path = {node.path: node for node in tree.root.walk()}
    for note_id, path in written["notes"]:
        tree.notes.add(Note(note_id, by_path[path]))
    for item, path in written["trash"]:
        tree.trash.add(Trashed(read_node(item), by_path[path]))
    return tree
