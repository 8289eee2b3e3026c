"""Makes realistic changes to the tree and tells them as event rows (egnyte-api.md 2.2-2.4). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import quote

from signalpost.sandbox.egnyte.dates import write_zulu
from signalpost.sandbox.egnyte.event_log import Row
from signalpost.sandbox.egnyte.names import make_free, name_file, name_folder, word_note
from signalpost.sandbox.egnyte.tree import Node, Note, Trashed, Tree, Version, copy_node, make_id
from signalpost.sandbox.egnyte.users import BY_ID

USUAL_WEIGHTS: Mapping[str, int] = {
    "create": 40,
    "update": 20,
    "move": 8,
    "copy": 6,
    "rename": 8,
    "delete": 8,
    "restore": 3,
    "permission_change": 3,
    "note": 4,
}
"""What there is to do, and how often it is done when nothing else is asked for."""

SOURCES = ("WebUI", "SyncEngine", "Mobile", "PublicAPI", "System")
FOLDER_SHARE = 0.15
NOTE_DELETED_SHARE = 0.25
DEEPEST = 10
MOST_COPIED = 100
OLDER_SECONDS = 30 * 86_400
"""How much older than the changes is what they had to find already there."""


def locate_object(path: str) -> str:
    """Give the path, percent-encoded, at which the API tells about the file or folder at ``path``."""
    return "/pubapi/v1/fs" + quote(path)


class Changer:
    """Changes things in one folder of a tree; each change gives a row that lacks ``id`` and ``timestamp``.

    Where a change needs something that is not there (a file to delete), the thing is put there first,
    without an event: as if it were older than the log.
    """

    def __init__(
        self,
        tree: Tree,
        random: Random,
        *,
        folder: str,
        actors: Sequence[int],
        now: float,
        sources: Sequence[str] = SOURCES,
    ) -> None:
        """Work in ``folder``, which is made where there is none, as one of ``actors`` by way of ``sources``.

        Raises:
            NotADirectoryError: a file stands where ``folder`` should be.
        """
        self._tree = tree
        self._random = random
        self._actors = actors
        self._actor = actors[0]
        self._now = now
        self._sources = sources
        self._scope = tree.ensure_folder(folder, self._random, now=now - OLDER_SECONDS)
        self._makers: Mapping[str, Callable[[], Row]] = {
            "create": self._create,
            "update": self._update,
            "move": self._move,
            "copy": self._copy,
            "rename": self._rename,
            "delete": self._delete,
            "restore": self._restore,
            "permission_change": self._change_permission,
            "note": self._note,
        }

    def make(self, action: str) -> Row:
        """Do one action of ``USUAL_WEIGHTS``."""
        self._actor = self._random.choice(self._actors)
        return self._makers[action]()

    def pick_action(self) -> str:
        """Choose an action by its usual weight."""
        return self._random.choices(tuple(USUAL_WEIGHTS), tuple(USUAL_WEIGHTS.values()))[0]

    def _create(self) -> Row:
        if self._random.random() < FOLDER_SHARE:
            return self._tell("create", self._add_folder(self._pick_parent(), at=self._now))
        return self._tell("create", self._touch(self._add_file(at=self._now)))

    def _update(self) -> Row:
        # Egnyte has no update: a new version is a create with a new entry id and the same group id (2.4).
        file = self._pick_file()
        file.versions.append(self._make_version(self._now))
        return self._tell("create", self._touch(file))

    def _move(self) -> Row:
        node = self._pick_node()
        parent = self._tree.folders.pick(
            self._random,
            lambda folder: (
                self._is_destination(folder)
                and folder is not node.parent
                and folder is not node
                and not folder.is_inside(node)
            ),
        )
        if parent is None:
            parent = self._add_folder(self._scope, at=self._now - OLDER_SECONDS)
        return self._relocate("move", node, parent, make_free(node.name, parent.children, self._random))

    def _rename(self) -> Row:
        node = self._pick_node()
        assert node.parent is not None
        name = (name_folder if node.is_folder else name_file)(self._random, node.parent.children)
        return self._relocate("rename", node, node.parent, name)

    def _relocate(self, action: str, node: Node, parent: Node, name: str) -> Row:
        source_path = self._touch(node).path
        self._tree.move(node, parent, name)
        return self._tell(action, self._touch(node), {"source_path": source_path})

    def _copy(self) -> Row:
        node = self._pick_node()
        if node.is_folder and sum(1 for _ in node.walk()) > MOST_COPIED:
            node = self._pick_file()
        parent = self._pick_parent()
        twin = copy_node(node, self._random, now=self._now, username=self._username)
        self._touch(self._tree.attach(twin, parent, make_free(node.name, parent.children, self._random)))
        return self._tell("copy", twin, {"source_path": node.path}, copied=node)

    def _delete(self) -> Row:
        node = self._pick_node()
        row = self._tell("delete", self._touch(node))
        del row["object_detail"]
        self._throw_away(node, at=self._now)
        return row

    def _restore(self) -> Row:
        found = self._tree.trash.pick(self._random, self._is_restorable)
        if found is None:
            older_at = self._now - OLDER_SECONDS
            found = self._throw_away(self._add_file(at=older_at), at=older_at)
        self._tree.trash.remove(found)
        assert found.parent is not None
        name = make_free(found.node.name, found.parent.children, self._random)
        return self._tell("restore", self._touch(self._tree.attach(found.node, found.parent, name)))

    def _note(self) -> Row:
        note = None
        if self._random.random() < NOTE_DELETED_SHARE:
            note = self._tree.notes.pick(self._random, lambda note: note.file.is_inside(self._scope))
        if note is not None:
            self._tree.notes.remove(note)
            row = self._tell("delete", note.file, note=note)
            del row["object_detail"]
            return row
        message, written_at = word_note(self._random), write_zulu(self._now)
        note = Note(make_id(self._random), self._pick_file(), message, self._username, written_at)
        self._tree.notes.add(note)
        return self._tell("create", note.file, note=note)

    def _change_permission(self) -> Row:
        folder = self._pick_parent()
        subject = f"/user/{self._random.choice(self._actors)}"
        changed = [
            {"action": "ADD", "entry": {"subject": subject, "priv": "READ"}},
            {"action": "DELETE", "entry": {"subject": subject, "priv": "NONE"}},
        ]
        return {
            "action_source": self._random.choice(self._sources),
            "actor": self._actor,
            "type": "permission_change",
            "action": "permission_change",
            # Egnyte says false here for folders too (2.3): kept, so that nobody trusts it.
            "data": {"target_path": folder.path, "is_folder": False},
            "eventTypeSpecificAttributes": {
                "changeGroupEvents": [],
                "changePermissionEvent": {"changedPermissions": changed},
                "changeContext": None,
                "targetFolderId": folder.id,
                "groupChange": False,
            },
        }

    def _tell(
        self,
        action: str,
        node: Node,
        more: Mapping[str, Any] | None = None,
        *,
        copied: Node | None = None,
        note: Note | None = None,
    ) -> Row:
        path = node.path
        details: dict[str, Any] = {"note_id": note.id} if note else dict(more or {})
        details["target_path"] = path
        if note:
            details["target_group_id"] = node.id
        elif not node.is_folder:
            if copied:
                details["source_id"] = copied.newest.entry_id
            details["target_id"] = node.newest.entry_id
            if copied:
                details["source_group_id"] = copied.id
            details["target_group_id"] = node.id
        details["is_folder"] = node.is_folder
        return {
            "actor": self._actor,
            "type": "note" if note else "file_system",
            "action": action,
            "data": details,
            "action_source": self._random.choice(self._sources),
            "object_detail": locate_object(path),
        }

    def _is_destination(self, folder: Node) -> bool:
        return (folder is self._scope or folder.is_inside(self._scope)) and folder.depth < DEEPEST

    def _is_restorable(self, item: Trashed) -> bool:
        parent = item.parent
        return parent is not None and parent.is_inside(self._tree.root) and self._is_destination(parent)

    def _pick_parent(self) -> Node:
        return self._tree.folders.pick(self._random, self._is_destination) or self._scope

    def _pick_file(self) -> Node:
        found = self._tree.files.pick(self._random, lambda file: file.is_inside(self._scope))
        return found or self._add_file(at=self._now - OLDER_SECONDS)

    def _pick_node(self) -> Node:
        folder = None
        if self._random.random() < FOLDER_SHARE:
            folder = self._tree.folders.pick(self._random, lambda folder: folder.is_inside(self._scope))
        return folder or self._pick_file()

    def _add_file(self, *, at: float) -> Node:
        parent = self._pick_parent()
        name = name_file(self._random, parent.children)
        return self._tree.attach(
            Node(name, make_id(self._random), versions=[self._make_version(at)]), parent, name
        )

    def _add_folder(self, parent: Node, *, at: float) -> Node:
        name = name_folder(self._random, parent.children)
        return self._tree.attach(Node(name, make_id(self._random), at, at), parent, name)

    def _make_version(self, at: float) -> Version:
        entry_id = make_id(self._random)
        return Version(entry_id, entry_id, at, self._username)

    def _throw_away(self, node: Node, *, at: float) -> Trashed:
        return self._tree.throw_away(node, trash_id=make_id(self._random), now=at, username=self._username)

    def _touch(self, node: Node) -> Node:
        # A folder's date tells of the files directly in it, not of folders (egnyte-api.md section 5).
        if not node.is_folder and node.parent is not None:
            node.parent.modified_at = self._now
        return node

    @property
    def _username(self) -> str:
        return BY_ID[self._actor].username
