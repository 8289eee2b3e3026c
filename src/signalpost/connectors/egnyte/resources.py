"""What Egnyte has to be read and polled: each resource's declaration, and the list it comes from."""

from __future__ import annotations

from signalpost.connectors.egnyte.listings import Paging, Source, describe_content
from signalpost.connectors.resource import Resource, Strategy
from signalpost.model.event import EventType

MILLISECONDS_AND_ZONE = "yyyy-MM-dd'T'HH:mm:ss.SSSX"
DATED = (Strategy.TIMESTAMP, Strategy.SNAPSHOT)

EVENTS = Resource(
    name="events",
    path="events",
    description="What happened to files, folders and notes. Scope Egnyte.filesystem.",
    strategies=(Strategy.FEED,),
    id_field="event_object_id",
    updated_field="event_date",
    created_field="event_date",
    date_format=MILLISECONDS_AND_ZONE,
    parameters=frozenset({"type", "folder", "suppress"}),
    label_fields=("data.target_path", "data.source_path"),
    feed_tells_deletions=True,
)
AUDIT = Resource(
    name="audit",
    path="audit",
    description=(
        "The audit log: what was done to files, users, groups, permissions, and who logged in. Scope Egnyte.audit;"
        " administrators, and power users who can run reports."
    ),
    strategies=(Strategy.FEED,),
    id_field="event_object_id",
    updated_field="event_date",
    created_field="event_date",
    date_format=MILLISECONDS_AND_ZONE,
    parameters=frozenset({"auditType", "startDate"}),
    label_fields=("targetPath", "sourcePath", "user", "userId"),
    feed_tells_deletions=True,
)
USERS = Resource(
    name="users",
    path="users",
    description="The people of the domain. Scope Egnyte.user.",
    strategies=DATED,
    id_field="id",
    updated_field="lastModificationDate",
    created_field="createdDate",
    date_format=MILLISECONDS_AND_ZONE,
    filters=frozenset({"userName", "email", "externalId"}),
    label_fields=("userName", "email"),
)
GROUPS = Resource(
    name="groups",
    path="groups",
    description="The groups of the domain, by id and name, without their members. Scope Egnyte.group.",
    strategies=(Strategy.SNAPSHOT,),
    id_field="id",
    filters=frozenset({"displayName"}),
    label_fields=("displayName",),
)
LINKS = Resource(
    name="links",
    path="links",
    description="Links shared: all to administrators, to others their own. Scope Egnyte.link.",
    strategies=DATED,
    id_field="id",
    created_field="creation_date",
    date_format="yyyy-MM-dd'T'HH:mm:ssZ",
    filters=frozenset({"creation_date"}),
    label_fields=("path", "url"),
)
NOTES = Resource(
    name="notes",
    path="notes",
    description=(
        "Comments on files; without a folder or file those of the whole domain, for administrators. Scope"
        " Egnyte.filesystem."
    ),
    strategies=DATED,
    id_field="id",
    created_field="creation_time",
    date_format="yyyy-MM-dd'T'HH:mm:ssX",
    parameters=frozenset({"folder", "file"}),
    filters=frozenset({"creation_time"}),
    label_fields=("file_path", "message"),
)
TRASH = Resource(
    name="trash",
    path="trash",
    description="What was deleted and can be restored. Scope Egnyte.filesystem.",
    # Not by snapshot: what leaves this list was restored, or deleted for good, and no deletion.
    strategies=(Strategy.TIMESTAMP,),
    id_field="id",
    updated_field="delete_date",
    created_field="delete_date",
    date_format="yyyy-MM-dd'T'HH:mm:ssX",
    appears_as=EventType.DELETED,
    label_fields=("path", "name"),
)
TASKS = Resource(
    name="tasks",
    path="tasks",
    description="Tasks of workflows. Scope Egnyte.filesystem.",
    strategies=DATED,
    id_field="id",
    created_field="creationDate",
    date_format="milliseconds",
    label_fields=("name", "title", "file.path"),
)
PROJECT_FOLDERS = Resource(
    name="project-folders",
    path="project-folders",
    description="Folders that are projects. Scope Egnyte.projectfolders.",
    strategies=DATED,
    id_field="id",
    updated_field="lastModifiedTime",
    created_field="creationTime",
    date_format="yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    label_fields=("name",),
)
CONTENTS = Resource(
    name="folders/contents",
    path="folders/contents",
    description="The files and folders in one folder, not those further below. Scope Egnyte.filesystem.",
    strategies=(Strategy.SNAPSHOT, Strategy.TIMESTAMP),
    id_field="event_object_id",
    updated_field="event_date",
    date_format=MILLISECONDS_AND_ZONE,
    parameters=frozenset({"path"}),
    required=frozenset({"path"}),
    label_fields=("path", "name"),
)
PING = Resource(
    name="ping",
    path="ping",
    description="Whether Egnyte answers to this account. Any scope.",
    strategies=(Strategy.TIMESTAMP,),
    id_field="endpoint",
    updated_field="dateTime",
    date_format=MILLISECONDS_AND_ZONE,
    label_fields=("endpoint",),
)

RESOURCES = (
    EVENTS,
    AUDIT,
    USERS,
    GROUPS,
    LINKS,
    NOTES,
    TRASH,
    TASKS,
    PROJECT_FOLDERS,
    CONTENTS,
    PING,
)

SOURCES = {
    "users": Source("/pubapi/v2/users", ("resources",), Paging.SCIM, 100),
    "groups": Source("/pubapi/v2/groups", ("resources",), Paging.SCIM, 100),
    "links": Source(
        "/pubapi/v2/links", ("links",), Paging.OFFSET, 500, dates=("created_after", "created_before")
    ),
    "notes": Source("/pubapi/v1/notes", ("notes",), Paging.OFFSET, 100, dates=("start_time", "end_time")),
    "trash": Source("/pubapi/v1/fs/trash", ("items", "results", "trash"), Paging.OFFSET, 100),
    "tasks": Source("/pubapi/v1/workflows/tasks", ("results", "tasks"), Paging.OFFSET, 50),
    "project-folders": Source("/pubapi/v1/project-folders", ("results", "projects"), Paging.NONE),
    "folders/contents": Source("", ("folders", "files"), Paging.OFFSET, 1000, reshape=describe_content),
}
"""Where each list comes from (egnyte-api.md 5); of the folder's contents the path is that of the folder.

The largest pages are those the reference names, and where it names none, ones that no Egnyte refuses.
"""
