"""The routes of the API in their order, and which methods each path takes."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from signalpost.api import (
    analytics,
    deliveries,
    element_instances,
    elements,
    events,
    hubs,
    instances,
    polling,
    records,
    replays,
    schemas,
    signature_keys,
    subscriptions,
)

BASE_PATH = "/elements/api-v2"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ELEMENT = re.compile(r"\bElement\s", re.IGNORECASE)
"""What the ``Authorization`` header has with an instance token."""

ROUTERS = (
    elements.router,
    element_instances.router,
    # These come first: /instances/events and /instances/polling must not be taken for instances of these ids.
    # And /instances/events/analytics not for an event.
    analytics.router,
    events.router,
    records.router,
    polling.router,
    signature_keys.router,
    instances.router,
    deliveries.router,
    replays.router,
    subscriptions.router,
    hubs.router,
    schemas.router,
)


OWN = frozenset({"openapi.json", *(router.prefix.split("/")[1] for router in ROUTERS)})
"""How the paths of the API begin; ``hubs`` among them."""


def complete_path(method: str, path: str, authorization: str) -> str:
    """Give the path that is meant: with an instance token ``/users`` is ``/hubs/documents/users``.

    The original takes a resource at any hub, and without one as well (open-connectors.md 3.2). A slash at the end is as
    none, and several after the base path are as one: so clients write it that join addresses by a slash.
    """
    if path.startswith(f"{BASE_PATH}//"):
        path = f"{BASE_PATH}/{path.removeprefix(BASE_PATH).lstrip('/')}"
    if path.startswith(f"{BASE_PATH}/hubs/"):  # what is below sees to it by itself
        return path
    path = path.rstrip("/") or "/"
    resource = path.removeprefix(f"{BASE_PATH}/")
    if method != "GET" or resource == path or resource.partition("/")[0] in OWN:
        return path
    return f"{BASE_PATH}/hubs/any/{resource}" if ELEMENT.search(authorization) else path


@cache
def join_routers() -> APIRouter:
    """Join the routers of the API, once for all applications of the process: each route is looked into for long."""
    api = APIRouter(prefix=BASE_PATH)
    for router in ROUTERS:
        api.include_router(router)
    return api


@cache
def list_overlapped() -> list[tuple[re.Pattern[str], frozenset[str]]]:
    """List the paths of which another route could take a word for an id, each with its methods."""
    methods: dict[str, frozenset[str]] = {}
    for route in chain.from_iterable(router.routes for router in ROUTERS):
        if isinstance(route, APIRoute) and route.methods:
            methods[route.path] = methods.get(route.path, frozenset()) | route.methods
    patterns = {path: re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))) for path in methods}
    return [
        (re.compile(re.escape(BASE_PATH) + patterns[path].pattern), taken)
        for path, taken in methods.items()
        if any(
            patterns[other].fullmatch(path) and others - taken
            for other, others in methods.items()
            if other != path
        )
    ]


def refuse_method(method: str, path: str) -> None:
    """Refuse a method that a path does not take, before another route takes one of its words for an id.

    Raises:
        HTTPException: 405.
    """
    for pattern, taken in list_overlapped():
        if method not in taken and pattern.fullmatch(path):
            raise refuse(f"{method} {path[:200]}", [each for each in METHODS if each in taken])


def refuse(asked: str, taken: list[str]) -> HTTPException:
    """Say that a path does not take what is ``asked`` of it, and which methods are ``taken`` (with GET, HEAD is)."""
    allowed = ", ".join(taken)
    message = f"{asked} is not possible; the path takes {allowed}"
    return HTTPException(405, message, {"Allow": allowed.replace("GET", "GET, HEAD")})
