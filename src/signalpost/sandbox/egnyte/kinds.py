"""The kinds of records beside files: their fields, and what a new one looks like (egnyte-api.md section 5). Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from signalpost.sandbox.egnyte.dates import (
    read_moment,
    write_day,
    write_milliseconds,
    write_offset,
    write_offset_milliseconds,
    write_zulu,
    write_zulu_milliseconds,
)
from signalpost.sandbox.egnyte.names import FOLDERS, word_note
from signalpost.sandbox.egnyte.records import Draft, Kind, Reader, Record
from signalpost.sandbox.egnyte.tree import Node, make_id
from signalpost.sandbox.egnyte.users import USERS, User
from signalpost.sandbox.fields import (
    read_any_text,
    read_choice,
    read_flag,
    read_list,
    read_object,
    read_text,
    read_whole,
)

FIRST_AT = 1_736_416_800.0  # 2025-01-09T10:00:00Z: when the domain and its first users were made
FIRST_GROUP = "Everybody"
PERSON = ("givenName", "familyName", "formatted")
FILE = ("path", "groupId", "entryId")
STATUSES = ("NOT_STARTED", "IN_PROGRESS", "APPROVED", "REJECTED", "COMPLETED", "CANCELLED")
PROJECT_STATUSES = ("pending", "in-progress", "on-hold", "completed", "canceled")


def _or_null(read: Reader) -> Reader:
    return lambda name, value: None if value is None else read(name, value)


def _one_of(*choices: str) -> Reader:
    return lambda name, value: read_choice(name, value, choices)


def _date(write: Callable[[float], Any]) -> Reader:
    return lambda name, value: write(read_moment(name, value))


def _texts(parts: Collection[str]) -> Reader:
    def read(name: str, value: Any) -> Record:
        given = read_object(name, value, parts)
        return {part: read_text(f"{name}.{part}", text) for part, text in given.items()}

    return read


def _read_user_id(name: str, value: Any) -> int:
    return read_whole(name, value, least=1)


def _read_user_ids(name: str, value: Any) -> list[int]:
    return [_read_user_id(name, item) for item in read_list(name, value)]


def _read_recipients(name: str, value: Any) -> list[str]:
    return [read_text(name, item) for item in read_list(name, value)]


def make_user(user: User, at: float) -> Record:
    """Give the record of an account made at ``at``."""
    given_name, family_name = user.full_name.split(" ")
    return {
        "id": user.id,
        "userName": user.username,
        "externalId": None,
        "email": user.email,
        "name": {
            "familyName": family_name,
            "givenName": given_name,
            "formatted": user.full_name,
        },
        "active": True,
        "locked": False,
        "authType": "egnyte",
        "userType": user.kind,
        "role": None,
        "language": "en",
        "idpUserId": None,
        "userPrincipalName": None,
        "isServiceAccount": False,
        "createdDate": write_zulu_milliseconds(at),
        "lastModificationDate": write_zulu_milliseconds(at),
        "lastActiveDate": write_zulu_milliseconds(at),
        "expiryDate": None,
        "deleteOnExpiry": None,
        "emailChangePending": False,
    }


def _fill_user(draft: Draft) -> Record:
    user_id = draft.random.randrange(10**10, 10**11)
    return make_user(User(user_id, f"user{draft.number}", "standard"), draft.now)


def _fill_group(draft: Draft) -> Record:
    return {"id": make_id(draft.random), "displayName": f"Group {draft.number}", "members": []}


def _fill_link(draft: Draft) -> Record:
    link_id = make_id(draft.random).replace("-", "")[:10]
    target = _pick_target(draft)
    return {
        "id": link_id,
        "url": f"https://{draft.domain}.egnyte.com/dl/{link_id}",
        "path": target.path or "/Shared",
        "type": "folder" if target.is_folder else "file",
        "accessibility": "anyone",
        "protection": "NONE",
        "recipients": [],
        "notify": False,
        "link_to_current": False,
        "creation_date": write_offset(draft.now),
        "created_by": USERS[0].username,
        "resource_id": target.id,
    }


def _fill_note(draft: Draft) -> Record:
    return {
        "id": make_id(draft.random),
        "message": word_note(draft.random),
        "username": USERS[0].username,
        "creation_time": write_zulu(draft.now),
        "group_id": _pick_target(draft).id,
    }


def _fill_task(draft: Draft) -> Record:
    target = _pick_target(draft)
    return {
        "id": make_id(draft.random),
        "name": f"Review {target.name}",
        "description": "",
        "taskType": "REVIEW",
        "status": "IN_PROGRESS",
        "creationDate": write_milliseconds(draft.now),
        "dueDate": write_day(draft.now + 7 * 86_400),
        "completionDate": None,
        "assigner": USERS[0].id,
        "assignees": [USERS[1].id],
        "file": {
            "path": target.path or "/Shared",
            "groupId": target.id,
            "entryId": target.id if target.is_folder else target.newest.entry_id,
        },
    }


def _fill_project(draft: Draft) -> Record:
    folder = draft.tree.folders.pick(draft.random, lambda _: True) or draft.tree.root
    return {
        "id": make_id(draft.random),
        "rootFolderId": folder.id,
        "name": f"{draft.random.choice(FOLDERS)} project {draft.number}",
        "description": "",
        "status": "pending",
        "startDate": None,
        "completionDate": None,
        "createdBy": USERS[0].id,
        "lastUpdatedBy": USERS[0].id,
        "creationTime": write_offset_milliseconds(draft.now),
        "lastModifiedTime": write_offset_milliseconds(draft.now),
    }


def _pick_target(draft: Draft) -> Node:
    """Give a file; where there is none, a folder; where there is none either, the root."""
    tree, random = draft.tree, draft.random
    return tree.files.pick(random, lambda _: True) or tree.folders.pick(random, lambda _: True) or tree.root


_USER_DATE = _date(write_zulu_milliseconds)
_PROJECT_DATE = _date(write_offset_milliseconds)

NOTES = Kind(
    readers={
        "id": read_text,
        "message": read_text,
        "username": read_text,
        "creation_time": _date(write_zulu),
        "group_id": read_text,
        "file_path": read_text,
    },
    fill=_fill_note,
)
"""Kept in the tree, with their files; ``file_path`` may stand for ``group_id``."""

KINDS = {
    "users": Kind(
        readers={
            "id": _read_user_id,
            "userName": read_text,
            "externalId": _or_null(read_text),
            "email": read_text,
            "name": _texts(PERSON),
            "active": read_flag,
            "locked": read_flag,
            "authType": read_text,
            "userType": _one_of("admin", "power", "standard"),
            "role": _or_null(read_text),
            "language": read_text,
            "idpUserId": _or_null(read_text),
            "userPrincipalName": _or_null(read_text),
            "isServiceAccount": read_flag,
            "createdDate": _USER_DATE,
            "lastModificationDate": _USER_DATE,
            "lastActiveDate": _or_null(_USER_DATE),
            "expiryDate": _or_null(_USER_DATE),
            "deleteOnExpiry": _or_null(read_flag),
            "emailChangePending": read_flag,
        },
        fill=_fill_user,
        touched={"lastModificationDate": write_zulu_milliseconds},
    ),
    "groups": Kind(
        readers={"id": read_text, "displayName": read_text, "members": _read_user_ids},
        fill=_fill_group,
    ),
    "links": Kind(
        readers={
            "id": read_text,
            "url": read_text,
            "path": read_text,
            "type": _one_of("file", "folder", "upload"),
            "accessibility": _one_of("anyone", "password", "domain", "recipients"),
            "protection": read_text,
            "recipients": _read_recipients,
            "notify": read_flag,
            "link_to_current": read_flag,
            "creation_date": _date(write_offset),
            "created_by": read_text,
            "resource_id": read_text,
        },
        fill=_fill_link,
    ),
    "tasks": Kind(
        readers={
            "id": read_text,
            "name": read_text,
            "description": read_any_text,
            "taskType": _one_of("TODO", "REVIEW", "APPROVAL"),
            "status": _one_of(*STATUSES),
            "creationDate": _date(write_milliseconds),
            "dueDate": _or_null(_date(write_day)),
            "completionDate": _or_null(_date(write_milliseconds)),
            "assigner": _read_user_id,
            "assignees": _read_user_ids,
            "file": _texts(FILE),
        },
        fill=_fill_task,
    ),
    "project-folders": Kind(
        readers={
            "id": read_text,
            "rootFolderId": read_text,
            "name": read_text,
            "description": read_any_text,
            "status": _one_of(*PROJECT_STATUSES),
            "startDate": _or_null(_date(write_day)),
            "completionDate": _or_null(_date(write_day)),
            "createdBy": _read_user_id,
            "lastUpdatedBy": _read_user_id,
            "creationTime": _PROJECT_DATE,
            "lastModifiedTime": _PROJECT_DATE,
        },
        fill=_fill_project,
        touched={"lastModifiedTime": write_offset_milliseconds},
    ),
}
"""The kinds that are kept by id alone."""
