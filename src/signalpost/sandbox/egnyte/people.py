"""``/pubapi/v2/users`` and ``groups``: SCIM lists and single records (egnyte-api.md section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from signalpost.model.errors import NotFoundError
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.paging import (
    answer_content,
    arrange,
    read_filter,
    read_path_number,
    read_scim_span,
)
from signalpost.sandbox.egnyte.records import Record
from signalpost.sandbox.egnyte.state import State

MOST_COUNT = 100
SCHEMAS = ["urn:scim:schemas:core:1.0"]


def show_user(state: State, user: Record) -> Record:
    """Give a user with the groups that it is in."""
    groups = [
        {"displayName": group["displayName"], "value": group["id"]}
        for group in state.records["groups"].values()
        if user["id"] in group["members"]
    ]
    return user | {"groups": groups}


def show_group(state: State, group: Record) -> Record:
    """Give a group with its members, those that there still are."""
    users = state.records["users"]
    members = [
        {"username": user["userName"], "value": user["id"], "display": user["name"]["formatted"]}
        for user in (users[user_id] for user_id in group["members"] if user_id in users)
    ]
    return {"schemas": SCHEMAS, **group, "members": members}


async def _list_users(call: Call) -> web.Response:
    rows = list(call.state.records["users"].values())
    wanted = read_filter(call, "eq", ("userName", "email", "externalId"))
    if wanted is not None:
        field, _, value = wanted
        rows = [user for user in rows if (user[field] or "").lower() == value]
    return _answer_page(call, [show_user(call.state, user) for user in rows])


async def _list_groups(call: Call) -> web.Response:
    rows = list(call.state.records["groups"].values())
    wanted = read_filter(call, "eq|co|sw", ("displayName",))
    if wanted is not None:
        _, operator, value = wanted
        rows = [group for group in rows if _matches(group["displayName"].lower(), operator, value)]
    # The list tells no members: only a single group does.
    return _answer_page(call, [{"id": row["id"], "displayName": row["displayName"]} for row in rows])


def _matches(name: str, operator: str, value: str) -> bool:
    return (
        name == value if operator == "eq" else name.startswith(value) if operator == "sw" else value in name
    )


def _answer_page(call: Call, rows: Sequence[Any]) -> web.Response:
    span = read_scim_span(call, most=MOST_COUNT)
    return answer_content(
        call,
        {
            "schemas": SCHEMAS,
            "totalResults": len(rows),
            "itemsPerPage": span.count,
            "startIndex": span.offset + 1,
            "resources": span.cut(arrange(call, rows)),
        },
    )


async def _tell_user(call: Call) -> web.Response:
    user_id = read_path_number(call.request.match_info["id"])
    user = call.state.records["users"].get(user_id)
    if user is None:
        raise NotFoundError(f"There is no user {user_id}")
    return answer_content(call, show_user(call.state, user))


async def _tell_group(call: Call) -> web.Response:
    group_id = call.request.match_info["id"]
    group = call.state.records["groups"].get(group_id)
    if group is None:
        raise NotFoundError(f"There is no group {group_id}")
    return answer_content(call, show_group(call.state, group))


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v2/users", _list_users, scope="Egnyte.user"),
    Endpoint("GET", "/pubapi/v2/users/{id}", _tell_user, scope="Egnyte.user"),
    Endpoint("GET", "/pubapi/v2/groups", _list_groups, scope="Egnyte.group"),
    Endpoint("GET", "/pubapi/v2/groups/{id}", _tell_group, scope="Egnyte.group"),
)
