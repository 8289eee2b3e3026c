"""The running API: ``/{authorisation}/{pagination}/{collection}``, the OAuth2 endpoints, and the controls."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from signalpost.model.errors import ConfigurationError, InvalidRequestError, explain_bind
from signalpost.sandbox.rest import access, pages
from signalpost.sandbox.rest.control import Controls
from signalpost.sandbox.rest.state import State

MOST_BODY_BYTES = 64 * 1024 * 1024
SHUTDOWN_SECONDS = 2.0


def build_app(state: State, clock: Callable[[], float] = time.time) -> web.Application:
    """Give the web application."""

    async def answer_list(request: web.Request) -> web.StreamResponse:
        state.calls += 1
        kind, pagination = request.match_info["kind"], request.match_info["pagination"]
        if not access.may_call(request, kind, state, clock()):
            return web.json_response({"error": f"not authorised by {kind}"}, status=401)
        try:
            asked = pages.read_asked(request, await request.read())
        except InvalidRequestError as error:
            return web.json_response({"error": str(error)}, status=400)
        return pages.answer_list(request, asked, state, pagination)

    async def answer_account(request: web.Request) -> web.StreamResponse:
        state.calls += 1
        if not access.may_call(request, request.match_info["kind"], state, clock()):
            return web.json_response({"error": "not authorised"}, status=401)
        return web.json_response({"user": {"id": 7, "email": "ada@example.com"}})

    async def consent(request: web.Request) -> web.StreamResponse:
        return access.show_consent(request, state)

    async def answer_token(request: web.Request) -> web.StreamResponse:
        return await access.answer_token(request, state, clock())

    kinds, paginations = "|".join(access.KINDS), "|".join(pages.KINDS)
    app = web.Application(client_max_size=MOST_BODY_BYTES)
    app.add_routes(Controls(state).list_routes())
    app.add_routes(
        [
            web.get("/oauth/authorize", consent),
            web.post("/oauth/token", answer_token),
            *_read_by_both(f"/{{kind:{kinds}}}/me", answer_account),
            *_read_by_both(f"/{{kind:{kinds}}}/{{pagination:{paginations}}}/{{collection:.+}}", answer_list),
        ]
    )
    return app


def _read_by_both(
    path: str, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> list[web.RouteDef]:
    """Have a place answer GET, and POST with the same in the body."""
    return [web.get(path, answer), web.post(path, answer)]


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers at ``url``. Tests may look into its ``state``, and change it."""

    url: str
    state: State


@asynccontextmanager
async def run_sandbox(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[RunningSandbox]:
    """Run a sandbox while the context is open. Port 0 takes a free one.

    Raises:
        ConfigurationError: the address cannot be taken.
    """
    state = State()
    runner = web.AppRunner(build_app(state), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, UnicodeError) as error:  # a name of a host may be none that can be looked up
            message = f"the sandbox cannot listen on {host}:{port}: {explain_bind(error)}"
            raise ConfigurationError(message) from error
        shown_host = f"[{host}]" if ":" in host else host
        yield RunningSandbox(f"http://{shown_host}:{runner.addresses[0][1]}", state)
    finally:
        await runner.cleanup()


async def serve(host: str, port: int, *, on_ready: Callable[[str], None]) -> None:
    """Run a sandbox until SIGTERM or SIGINT. ``on_ready`` gets its URL once it accepts.

    Raises:
        ConfigurationError: as ``run_sandbox``.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with run_sandbox(host, port) as sandbox:
        on_ready(sandbox.url)
        await stop.wait()
