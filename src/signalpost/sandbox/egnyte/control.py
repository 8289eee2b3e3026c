"""``/_sandbox/``: what a test or a person does to the simulated domain (docs/reference/sandbox.md)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from signalpost.model.errors import InvalidRequestError, RequestError
from signalpost.sandbox.egnyte.answers import answer_json
from signalpost.sandbox.egnyte.changes import USUAL_WEIGHTS
from signalpost.sandbox.egnyte.endpoint import Call
from signalpost.sandbox.egnyte.event_log import Row
from signalpost.sandbox.egnyte.events import show_row
from signalpost.sandbox.egnyte.faults import read_fault
from signalpost.sandbox.egnyte.gate import Clock
from signalpost.sandbox.egnyte.oauth import check_client, issue_code, read_scopes
from signalpost.sandbox.egnyte.record_control import change_records, list_records
from signalpost.sandbox.egnyte.settings import show_settings
from signalpost.sandbox.egnyte.state import State
from signalpost.sandbox.egnyte.tokens import Grant, Token
from signalpost.sandbox.egnyte.users import USERS, find_user
from signalpost.sandbox.fields import (
    read_choice,
    read_json,
    read_list,
    read_object,
    read_text,
    read_whole,
    refuse_field,
)

MOST_CHANGES = 100_000
MOST_DIGITS = 20
"""Of the number of an event: more is none, and could make ``int`` work hard or refuse."""
# Roots are /Shared and /Private/{user}; the characters are those that Egnyte refuses in names (section 7).
FOLDER = re.compile(r'/(Shared|Private/[^/":<>|?*\\]+)(/[^/":<>|?*\\]+)*')

Act = Callable[[Call, Any], Any]


@dataclass(frozen=True, slots=True)
class Control:
    """One control. ``act`` gets the call and the decoded body ({} where none came), and gives JSON."""

    method: str
    path: str
    does: str
    act: Act


def _make_changes(call: Call, body: Any) -> Any:
    return {"events": [show_row(row, call) for row in make_changes(call.state, body, call.now)]}


def make_changes(state: State, body: Any, now: float) -> list[Row]:
    """Make the changes that ``body`` asks for; give their events.

    Raises:
        InvalidRequestError: a field is wrong; it is named.
    """
    given = read_object("body", body, ("count", "actions", "folder", "username", "client_id"))
    actions = read_list("actions", given.get("actions", []))
    folder = given.get("folder", "/Shared")
    if not isinstance(folder, str) or not FOLDER.fullmatch(folder):
        raise refuse_field("folder", folder, "an absolute path in /Shared or /Private/{username}")
    return state.make_changes(
        count=read_whole("count", given.get("count", 1), least=1, most=MOST_CHANGES),
        actions=tuple(read_choice("actions", action, USUAL_WEIGHTS) for action in actions),
        folder=folder,
        user_id=find_user(read_text("username", given["username"])).id if "username" in given else None,
        client_id=read_text("client_id", given["client_id"]) if "client_id" in given else None,
        now=now,
    )


def _append_events(call: Call, body: Any) -> Any:
    rows = read_list("body", body)
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InvalidRequestError(f"event {place} must be a JSON object")
    numbered = call.state.log.number(rows)
    for row in numbered:
        call.state.log.append(row, now=call.now)
    return {"events": numbered}


def _tell_truth(call: Call, _body: Any) -> Any:
    after = call.request.query.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) <= MOST_DIGITS):
        raise refuse_field("after", after, "the whole number of an event")
    return {"events": [show_row(row, call) for row in call.state.log.list_after(int(after))]}


def _list_faults(call: Call, _body: Any) -> Any:
    return {"faults": [asdict(fault) for fault in call.state.faults.list_waiting()]}


def _order_fault(call: Call, body: Any) -> Any:
    call.state.faults.add(read_fault(body))
    return _list_faults(call, body)


def _clear_faults(call: Call, body: Any) -> Any:
    call.state.faults.clear()
    return _list_faults(call, body)


def _show_settings(call: Call, _body: Any) -> Any:
    return show_settings(call.state.settings)


def _change_settings(call: Call, body: Any) -> Any:
    call.state.change_settings(body, call.now)
    return _show_settings(call, body)


def _authorize(call: Call, body: Any) -> Any:
    given = read_object("body", body, ("client_id", "redirect_uri", "username", "scope"))
    client_id = read_text("client_id", given.get("client_id"))
    redirect_uri = read_text("redirect_uri", given.get("redirect_uri"))
    check_client(call.state.settings, client_id, redirect_uri)
    user = find_user(read_text("username", given.get("username", USERS[0].username)))
    scopes = read_scopes(read_text("scope", given["scope"])) if "scope" in given else ()
    return {"code": issue_code(call, Grant(client_id, user.id, scopes), redirect_uri)}


def _revoke(call: Call, body: Any) -> Any:
    return {"revoked": revoke_tokens(call.state, body)}


def revoke_tokens(state: State, body: Any) -> int:
    """Kill the tokens that ``body`` names, all of them without; give how many they were.

    Raises:
        InvalidRequestError: a field is wrong; it is named.
    """
    given = read_object("body", body, ("username", "client_id"))
    client_id = read_text("client_id", given["client_id"]) if "client_id" in given else None
    user_id = find_user(read_text("username", given["username"])).id if "username" in given else None

    def is_meant(token: Token) -> bool:
        return client_id in (None, token.grant.client_id) and user_id in (None, token.grant.user_id)

    return state.tokens.revoke(is_meant)


def _reset(call: Call, body: Any) -> Any:
    read_object("body", body, ())
    call.state.reset()
    return {}


def _count_calls(call: Call, _body: Any) -> Any:
    paths: dict[str, dict[str, int]] = {}
    for (path, status), number in sorted(call.state.calls.items()):
        paths.setdefault(path, {})[str(status)] = number
    return {"total": call.state.calls.total(), "paths": paths}


def _forget_calls(call: Call, body: Any) -> Any:
    call.state.calls.clear()
    return _count_calls(call, body)


def _list_controls(call: Call, _body: Any) -> Any:
    controls = [
        {"method": item.method, "path": f"/_sandbox/{item.path}", "does": item.does} for item in CONTROLS
    ]
    return {"domain": call.state.domain, "controls": controls}


CONTROLS = (
    Control("GET", "", "list the controls", _list_controls),
    Control("POST", "changes", "make changes, give their events", _make_changes),
    Control("POST", "events", "append exactly these rows", _append_events),
    Control("GET", "events", "give all events after an id, kept or not", _tell_truth),
    Control("POST", "records/{kind}", "create, update and delete records of a kind", change_records),
    Control("GET", "records/{kind}", "give all records of a kind", list_records),
    Control("POST", "faults", "order a fault for the next calls", _order_fault),
    Control("GET", "faults", "list the faults that wait", _list_faults),
    Control("DELETE", "faults", "forget the faults that wait", _clear_faults),
    Control("PATCH", "settings", "change settings", _change_settings),
    Control("GET", "settings", "show the settings", _show_settings),
    Control("POST", "authorize", "allow an application without a browser, give the code", _authorize),
    Control("POST", "revoke", "kill tokens, as a changed password or a removed application does", _revoke),
    Control("POST", "reset", "forget everything: a fresh start", _reset),
    Control("GET", "calls", "count the calls so far, by path and status (0: cut off)", _count_calls),
    Control("DELETE", "calls", "count calls from zero", _forget_calls),
)


PATHS = {item.path: re.compile(re.sub(r"\{.*?\}", "[^/]+", f"/_sandbox/{item.path}")) for item in CONTROLS}


def list_control_routes(
    state: State, *, clock: Clock, on_change: Callable[[], None]
) -> list[web.AbstractRouteDef]:
    """Give the routes of all controls. ``on_change`` is called after each that may have changed ``state``."""

    def wrap(control: Control) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                given = await request.read()
                body = read_json(given) if given else {}
                content = control.act(Call(state, request, clock()), body)
            except RequestError as error:
                return answer_json({"message": str(error)}, status=error.status)
            if control.method != "GET":
                on_change()
            return answer_json(content)

        return answer

    routes = [web.route(item.method, f"/_sandbox/{item.path}", wrap(item)) for item in CONTROLS]
    return [*routes, web.route("*", "/_sandbox{rest:(/.*)?}", _answer_unknown)]


async def _answer_unknown(request: web.Request) -> web.Response:
    """Say in JSON as well that there is no such control; of a path that is one, by which methods."""
    methods = [item.method for item in CONTROLS if PATHS[item.path].fullmatch(request.path)]
    known = f"it takes {', '.join(methods)}" if methods else "GET /_sandbox/ lists the controls"
    message = f"there is no control {request.method} {request.path}: {known}"
    return answer_json({"message": message}, status=405 if methods else 404)
