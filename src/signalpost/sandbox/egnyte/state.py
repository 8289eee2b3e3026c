"""Everything the simulated domain remembers, and how it is written as JSON and read again. No HTTP."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import orjson

from signalpost.model.errors import ConfigurationError, InvalidRequestError
from signalpost.sandbox.egnyte.audit_log import AuditLog, tell_change
from signalpost.sandbox.egnyte.changes import SOURCES, Changer
from signalpost.sandbox.egnyte.event_log import EventLog, Row, write_timestamp
from signalpost.sandbox.egnyte.faults import FaultQueue
from signalpost.sandbox.egnyte.kinds import FIRST_AT, FIRST_GROUP, KINDS, make_user
from signalpost.sandbox.egnyte.records import Draft, Record
from signalpost.sandbox.egnyte.settings import Settings, change_settings, show_settings
from signalpost.sandbox.egnyte.tokens import TokenStore
from signalpost.sandbox.egnyte.tree import Tree, make_id
from signalpost.sandbox.egnyte.tree_text import read_tree, write_tree
from signalpost.sandbox.egnyte.users import BY_ID, USERS

FORMAT = 2
FIRST_FOLDERS = ("/Shared/Finance", "/Shared/Legal", "/Shared/Projects/Archive")


class State:
    """One Egnyte domain. What ``reset`` brings back is the state of a fresh start with the same arguments."""

    def __init__(self, *, domain: str, seed: int, settings: Settings) -> None:
        self.domain = domain
        self.seed = seed
        self._first_settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget events, files, records, tokens, faults and counts; settings go back to those of the start."""
        self.settings = self._first_settings
        self.log = EventLog()
        self.tree = Tree()
        self.tokens = TokenStore(self.seed)
        self.faults = FaultQueue()
        self.calls: Counter[tuple[str, int]] = Counter()
        self.token_calls: Counter[tuple[str, int]] = Counter()
        self.audit_log = AuditLog()
        self.audit_calls: Counter[tuple[str, int, int]] = Counter()
        self.records: dict[str, dict[Any, Record]] = {name: {} for name in KINDS}
        self.drafts = 0
        random = Random(self.seed)  # noqa: S311 - must be reproducible
        for path in FIRST_FOLDERS:
            self.tree.ensure_folder(path, random, now=FIRST_AT)
        self.records["users"] = {user.id: make_user(user, FIRST_AT) for user in USERS}
        everybody: Record = {"id": make_id(random), "displayName": FIRST_GROUP, "members": list(BY_ID)}
        self.records["groups"] = {everybody["id"]: everybody}

    def make_changes(
        self,
        *,
        count: int,
        actions: tuple[str, ...],
        folder: str,
        user_id: int | None,
        client_id: str | None,
        now: float,
    ) -> list[Row]:
        """Make ``count`` changes in ``folder`` and give their events.

        Given ``actions`` are done in turn, again and again; without any, they come by their usual weights.
        ``client_id`` is the API key that caused them (for ``suppress``), ``user_id`` who did (None: anybody).

        Raises:
            InvalidRequestError: ``folder`` is a file.
        """
        # Seeded by how far the log is, so that a restart from a state file goes on as if it had not stopped.
        random = Random(f"{self.seed}:{self.log.latest_id}")  # noqa: S311 - must be reproducible
        actors = [user.id for user in USERS] if user_id is None else [user_id]
        try:
            sources = ("PublicAPI",) if client_id else SOURCES
            changer = Changer(self.tree, random, folder=folder, actors=actors, sources=sources, now=now)
        except NotADirectoryError as error:
            raise InvalidRequestError(f"folder is {folder!r}: {error} is a file") from error
        made = []
        for number in range(count):
            action = actions[number % len(actions)] if actions else changer.pick_action()
            row = {
                "id": self.log.latest_id + 1,
                "timestamp": write_timestamp(now),
                **changer.make(action),
            }
            self.log.append(row, now=now, client_id=client_id)
            made.append(row)
            audited = tell_change(row, now)
            if audited is not None:
                self.audit_log.append(audited)
        return made

    def change_settings(self, given: Any, now: float) -> None:
        """Change the settings that ``given`` (decoded JSON) names.

        What the old ones, or the new, no longer keep is gone by then, read or not: later ones do not bring it back.

        Raises:
            InvalidRequestError: as ``settings.change_settings``; nothing is changed.
        """
        changed = change_settings(self.settings, given)
        self.let_go(now)
        self.settings = changed
        self.let_go(now)

    def let_go(self, now: float) -> None:
        """Hide the events that the settings no longer keep, for good."""
        settings = self.settings
        self.log.let_go(retention=settings.retention, retention_seconds=settings.retention_seconds, now=now)

    def draft(self, now: float) -> Draft:
        """Give what the next new record is made from; it follows from the seed and the drafts so far."""
        self.drafts += 1
        random = Random(f"{self.seed}:draft:{self.drafts}")  # noqa: S311 - must be reproducible
        return Draft(self.domain, self.tree, random, now, self.drafts)

    def to_json(self) -> dict[str, Any]:
        """Write what outlives a restart as JSON: all but faults and counts."""
        return {
            "format": FORMAT,
            "settings": show_settings(self.settings, with_secrets=True),
            "events": [[entry.row, entry.made_at, entry.client_id] for entry in self.log],
            "oldest_kept_id": self.log.oldest_kept_id,
            "tree": write_tree(self.tree),
            "tokens": self.tokens.to_json(),
            "audit": self.audit_log.list_all(),
            "records": {name: list(records.values()) for name, records in self.records.items()},
            "drafts": self.drafts,
        }

    def load(self, written: dict[str, Any]) -> None:
        """Take over what ``to_json`` wrote."""
        self.settings = change_settings(self.settings, written["settings"])
        for row, made_at, client_id in written["events"]:
            self.log.append(row, now=made_at, client_id=client_id)
        self.log.hide_before(written["oldest_kept_id"])
        self.tree = read_tree(written["tree"])
        self.tokens.load(written["tokens"])
        for row in written["audit"]:
            self.audit_log.append(row)
        self.records = {name: {record["id"]: record for record in written["records"][name]} for name in KINDS}
        self.drafts = written["drafts"]


def load_state(state: State, path: Path) -> None:
    """Take over the state in the file at ``path``, if there is one.

    Raises:
        ConfigurationError: the file is not one that holds a state.
    """
    try:
        written = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the state file {path} cannot be read: {error}") from error
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        raise ConfigurationError(f"the state file {path} is of another kind: move it away to start afresh")
    state.load(written)
