"""``/pubapi/v1/workflows/tasks`` and ``project-folders`` (egnyte-api.md section 5)."""

from __future__ import annotations

from aiohttp import web

from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.paging import answer_content, arrange, read_span
from signalpost.sandbox.egnyte.records import Record
from signalpost.sandbox.egnyte.state import State

USUAL_COUNT = 25
MOST_COUNT = 50


def show_task(state: State, task: Record) -> Record:
    """Give a task with its people, those that there still are."""
    users = state.records["users"]

    def show(user_id: int) -> Record | None:
        user = users.get(user_id)
        return user and {
            "id": user_id,
            "username": user["userName"],
            "firstName": user["name"]["givenName"],
            "lastName": user["name"]["familyName"],
            "email": user["email"],
        }

    assignees = [shown for shown in map(show, task["assignees"]) if shown]
    return task | {"assigner": show(task["assigner"]), "assignees": assignees}


async def _list_tasks(call: Call) -> web.Response:
    query = call.request.query
    # The reference says count, Egnyte's own clients send limit: both are taken.
    count_name = "limit" if "limit" in query else "count"
    span = read_span(call, usual=USUAL_COUNT, most=MOST_COUNT, count_name=count_name)
    tasks = [
        task for task in call.state.records["tasks"].values() if query.get("status") in (None, task["status"])
    ]
    page = [show_task(call.state, task) for task in span.cut(arrange(call, tasks))]
    return answer_content(
        call, {"results": page, "offset": span.offset, "count": len(page), "totalCount": len(tasks)}
    )


async def _list_projects(call: Call) -> web.Response:
    # All at once, as a bare array.
    return answer_content(call, arrange(call, list(call.state.records["project-folders"].values())))


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v1/workflows/tasks", _list_tasks, scope="Egnyte.filesystem"),
    Endpoint("GET", "/pubapi/v1/project-folders", _list_projects, scope="Egnyte.projectfolders"),
    Endpoint("GET", "/pubapi/v2/project-folders", _list_projects, scope="Egnyte.projectfolders"),
)
