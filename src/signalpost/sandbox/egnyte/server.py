"""The running sandbox: endpoints and controls on one address, its state kept in a file where one is named."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from signalpost.model.errors import ConfigurationError, explain_bind
from signalpost.sandbox.egnyte import (
    audit,
    events,
    files,
    identity,
    links,
    notes,
    oauth,
    people,
    trash,
    work,
)
from signalpost.sandbox.egnyte.answers import answer_error
from signalpost.sandbox.egnyte.control import list_control_routes
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.gate import Clock, Gate, Sleep
from signalpost.sandbox.egnyte.keeper import keep_state
from signalpost.sandbox.egnyte.scenario import Player, Scenario
from signalpost.sandbox.egnyte.settings import REALISTIC, Settings, change_settings
from signalpost.sandbox.egnyte.state import State

ENDPOINTS: tuple[Endpoint, ...] = (
    *oauth.ENDPOINTS,
    *identity.ENDPOINTS,
    *events.ENDPOINTS,
    *audit.ENDPOINTS,
    *people.ENDPOINTS,
    *links.ENDPOINTS,
    *notes.ENDPOINTS,
    *trash.ENDPOINTS,
    *work.ENDPOINTS,
    *files.ENDPOINTS,
)
"""All that the API answers: to add a resource, add a module and its ``ENDPOINTS`` here."""

PATHS = tuple(re.compile(re.sub(r"\{.*?\}", ".+", endpoint.path)) for endpoint in ENDPOINTS)
MOST_BODY_BYTES = 64 * 1024 * 1024
SHUTDOWN_SECONDS = 2.0


async def _answer_unknown(call: Call) -> web.Response:
    path = call.request.path
    if any(pattern.fullmatch(path) for pattern in PATHS):
        return answer_error(405, f"{call.request.method} is not possible on {path}")
    return answer_error(404, f"There is nothing at {path}")


UNKNOWN = Endpoint("*", "/pubapi/{rest:.*}", _answer_unknown)


def _ignore(*_: object) -> None:
    """Take no notice: without a state file, or a scenario, nobody need be told."""


def build_app(
    state: State,
    *,
    clock: Clock = time.time,
    sleep: Sleep = asyncio.sleep,
    on_change: Callable[[], None] = _ignore,
    on_call: Callable[[], None] = _ignore,
) -> web.Application:
    """Give the web application of one domain.

    ``on_change`` is called after what changes ``state``, ``on_call`` after each call of the API.
    """
    gate = Gate(state, clock=clock, sleep=sleep, on_change=on_change, on_call=on_call)
    app = web.Application(client_max_size=MOST_BODY_BYTES)
    app.add_routes(list_control_routes(state, clock=clock, on_change=on_change))
    app.add_routes([web.route(item.method, item.path, gate.guard(item)) for item in (*ENDPOINTS, UNKNOWN)])
    return app


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers at ``url``. Tests may look into its ``state``, and change it."""

    url: str
    state: State


@asynccontextmanager
async def run_sandbox(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    domain: str = "acme",
    seed: int = 1,
    state_path: Path | None = None,
    realistic: bool = False,
    scenario: Scenario | None = None,
    on_step: Callable[[str], None] = _ignore,
    on_trouble: Callable[[str], None] = _ignore,
    clock: Clock = time.time,
    sleep: Sleep = asyncio.sleep,
    **settings: Any,
) -> AsyncIterator[RunningSandbox]:
    """Run a sandbox while the context is open. Port 0 takes a free one; ``settings`` as in ``Settings``.

    What a state file holds goes before ``settings``; without a file yet, it is made. A ``scenario`` is played from the
    moment that the sandbox answers, its settings over the others; ``on_step`` is told of each step.
    ``on_trouble`` is told once that the file cannot be written, which is tried again, and once that it can.

    Raises:
        ConfigurationError: the address cannot be taken; or the state file cannot be read or written, at the start or in
            the end, or is another sandbox's.
        InvalidRequestError: a setting is unknown or wrong.
    """
    scenario = scenario or Scenario({}, ())
    given = {**(REALISTIC if realistic else {}), **settings, **scenario.settings}
    state = State(domain=domain, seed=seed, settings=change_settings(Settings(), given))
    kept = nullcontext(_ignore) if state_path is None else keep_state(state, state_path, on_trouble)
    with kept as on_change:

        def note_step(text: str) -> None:
            on_change()
            on_step(text)

        player = Player(scenario, state, clock=clock, sleep=sleep, on_step=note_step)
        app = build_app(state, clock=clock, sleep=sleep, on_change=on_change, on_call=player.note_call)
        async with _listen(app, host, port) as url:
            playing = asyncio.create_task(player.play())
            try:
                yield RunningSandbox(url, state)
            finally:
                playing.cancel()
                with suppress(asyncio.CancelledError):
                    await playing


@asynccontextmanager
async def _listen(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, UnicodeError) as error:  # a name of a host may be none that can be looked up
            raise ConfigurationError(
                f"the sandbox cannot listen on {host}:{port}: {explain_bind(error)}"
            ) from error
        real_port = runner.addresses[0][1]
        shown_host = f"[{host}]" if ":" in host else host
        yield f"http://{shown_host}:{real_port}"
    finally:
        await runner.cleanup()


async def serve(
    host: str,
    port: int,
    *,
    domain: str,
    seed: int,
    state_path: Path | None,
    realistic: bool,
    scenario: Scenario | None,
    on_ready: Callable[[str], None],
    on_step: Callable[[str], None],
    on_trouble: Callable[[str], None],
) -> None:
    """Run a sandbox until SIGTERM or SIGINT. ``on_ready`` gets its URL once it accepts, the others as ``run_sandbox``.

    Raises:
        ConfigurationError: as ``run_sandbox``.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with run_sandbox(
        host,
        port,
        domain=domain,
        seed=seed,
        state_path=state_path,
        realistic=realistic,
        scenario=scenario,
        on_step=on_step,
        on_trouble=on_trouble,
    ) as sandbox:
        on_ready(sandbox.url)
        await stop.wait()
