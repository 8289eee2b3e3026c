"""The domain's files and folders: a consistent tree to make changes to. Pure. ``tree_text`` writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha512
from random import Random
from typing import Generic, TypeVar
from uuid import UUID

T = TypeVar("T")


def make_id(random: Random) -> str:
    """Make an id as Egnyte's: a random UUID."""
    return str(UUID(int=random.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a file, uploaded at ``made_at`` by the user ``made_by``.

    There are no bytes: ``content`` stands for them, and is the same where they are.
    """

    entry_id: str
    content: str
    made_at: float
    made_by: str

    @property
    def checksum(self) -> str:
        """SHA-512 of the bytes, as 128 hex digits."""
        return sha512(self.content.encode()).hexdigest()

    @property
    def size(self) -> int:
        """How many bytes: up to 1 MiB."""
        return int(self.checksum[:5], 16) + 1


@dataclass(slots=True, eq=False)
class Node:
    """A file or a folder. ``id`` is stable (group id, folder id); the newest of a file's ``versions`` is last.

    A folder was made at ``created_at`` and has no versions; ``modified_at`` is when a file directly in it was.
    """

    name: str
    id: str
    created_at: float = 0.0
    modified_at: float = 0.0
    versions: list[Version] = field(default_factory=list, repr=False)
    parent: Node | None = field(default=None, repr=False)
    children: dict[str, Node] = field(default_factory=dict, repr=False)

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return not self.versions

    @property
    def newest(self) -> Version:
        """The version of a file that is shown."""
        return self.versions[-1]

    @property
    def path(self) -> str:
        """The absolute path; of the root, the empty text."""
        return "" if self.parent is None else f"{self.parent.path}/{self.name}"

    @property
    def depth(self) -> int:
        """How many folders stand above."""
        return 0 if self.parent is None else self.parent.depth + 1

    def find_child(self, name: str) -> Node | None:
        """Give what is called ``name`` in this folder, in any letter case: Egnyte keeps it, and does not mind it."""
        child = self.children.get(name)
        if child is None:
            folded = name.casefold()
            child = next((each for each in self.children.values() if each.name.casefold() == folded), None)
        return child

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
    """A comment on a file. ``creation_time`` is as the API writes it."""

    id: str
    file: Node
    message: str
    username: str
    creation_time: str


@dataclass(frozen=True, slots=True, eq=False)
class Trashed:
    """Something deleted, where it was, and the folder it can be restored to, if that is still known."""

    id: str
    node: Node
    path: str
    deleted_at: float
    deleted_by: str
    parent: Node | None


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

    def find(self, path: str) -> Node | None:
        """Give what is at the absolute ``path``; None where there is nothing."""
        node: Node | None = self.root
        for name in filter(None, path.split("/")):
            node = node.find_child(name) if node else None
        return node

    def list_notes(self) -> list[Note]:
        """Give the notes on what is not in the trash, oldest first."""
        notes = (note for note in self.notes if note.file.is_inside(self.root))
        return sorted(notes, key=lambda note: (note.creation_time, note.id))

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

    def throw_away(self, node: Node, *, trash_id: str, now: float, username: str) -> Trashed:
        """Move ``node`` to the trash. Its notes stay in ``notes``: they come back with it."""
        parent, path = node.parent, node.path
        self.detach(node)
        item = Trashed(trash_id, node, path, now, username, parent)
        self.trash.add(item)
        return item

    def ensure_folder(self, path: str, random: Random, *, now: float = 0.0) -> Node:
        """Give the folder at ``path``, made with all above it where there is none.

        Raises:
            NotADirectoryError: a file stands in the way.
        """
        node = self.root
        for name in path.strip("/").split("/"):
            child = node.find_child(name)
            node = child or self.attach(Node(name, make_id(random), now, now), node, name)
            if not node.is_folder:
                raise NotADirectoryError(node.path)
        return node


def copy_node(node: Node, random: Random, *, now: float, username: str) -> Node:
    """Give a copy with new ids, all below included, that hangs nowhere yet: same bytes, one version."""
    twin = Node(node.name, make_id(random), now, now)
    if not node.is_folder:
        twin.versions.append(Version(make_id(random), node.newest.content, now, username))
    for name, child in node.children.items():
        twin.children[name] = copy_node(child, random, now=now, username=username)
        twin.children[name].parent = twin
    return twin
