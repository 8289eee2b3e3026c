"""The web server around the application: bound first, stopped in order, signals left to the command line."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote
from uuid import uuid4

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signalpost.api.connections import KEEP_ALIVE_SECONDS, PatientProtocol
from signalpost.model.errors import ConfigurationError, explain_bind

ADDRESS = re.compile(rb"https?://[^/]+(?=/|$)", re.IGNORECASE)
"""What stands before the path in a whole address."""

STOP_SECONDS = 2
"""How long requests in hand may go on after a stop was asked for."""


def bind(host: str, port: int, *, named: str = "SIGNALPOST_HOST, SIGNALPOST_PORT") -> socket.socket:
    """Take the address to listen on; the settings it comes from are ``named`` in errors.

    Raises:
        ConfigurationError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio would not switch Nagle's algorithm off: 40 ms for most answers.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, TypeError) as error:  # the latter: a name in other letters that none can have
        listener.close()
        message = f"{named}: cannot listen on {host}:{port} ({explain_bind(error)})"
        raise ConfigurationError(message) from error
    return listener


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Say whether what uvicorn would log tells an operator something.

    An offer of another protocol does not: it may be passed over (RFC 9110, 7.8), and is. Java's own client makes one
    with each connection, and uvicorn warns of each, and that a library is missing.
    """
    return record.funcName != "_unsupported_upgrade_warning"


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: ours stop everything in order. Says when it accepts requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class OneLength:
    """Refuses requests that say twice how long they are, and hangs up (RFC 9112, 6.1).

    A proxy that goes by the other of the two takes what follows for a part of this one, or a part of this one for
    another's request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI)."""
        names = {name for name, _ in scope["headers"]} if scope["type"] == "http" else set()
        if not {b"content-length", b"transfer-encoding"} <= names:
            await self._app(scope, receive, send)
            return
        message = "give Content-Length or Transfer-Encoding, one of the two"
        request_id = uuid4().hex
        headers = {"Connection": "close", "Elements-Request-Id": request_id}
        answer = JSONResponse({"requestId": request_id, "message": message}, 400, headers)
        await answer(scope, receive, send)


class WholeAddress:
    """Has a request that names a whole address answered as one for its path (RFC 9112, 3.2.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI)."""
        if scope["type"] == "http" and (found := ADDRESS.match(scope["raw_path"])):
            raw_path = scope["raw_path"][found.end() :] or b"/"
            scope = {**scope, "raw_path": raw_path, "path": unquote(raw_path.decode("ascii"))}
        await self._app(scope, receive, send)


class HeadAsGet:
    """Has HEAD answered as GET without its body, of whatever can be read (RFC 9110, 9.3.2): routes name GET alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI)."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def send_without_body(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:  # at once, whatever follows: what streams is told that nobody listens any more
                ended = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app({**scope, "method": "GET"}, receive, send_without_body)


async def serve_app(
    app: ASGIApp,
    listener: socket.socket,
    stop: asyncio.Event,
    on_ready: Callable[[str], None],
    trusted_proxies: Sequence[str] = (),
) -> None:
    """Serve until ``stop`` is set; ``on_ready`` is told the URL once requests are accepted.

    The client's address and scheme are those that ``X-Forwarded-For`` and ``X-Forwarded-Proto`` name where it comes
    from one of ``trusted_proxies`` (networks), and those of the connection otherwise.

    Raises:
        ConfigurationError: another process has begun to listen there since the address was bound.
    """
    host, port = listener.getsockname()[:2]
    try:
        listener.listen()  # here, as uvloop says nothing of it where it cannot
    except OSError as error:
        message = f"cannot listen on {host}:{port} ({error.strerror}): another process took it while this one started"
        raise ConfigurationError(message) from error
    logging.getLogger("uvicorn.error").addFilter(_is_worth_telling)
    server = _Server(
        uvicorn.Config(
            OneLength(WholeAddress(HeadAsGet(app))),
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            lifespan="off",
            forwarded_allow_ips=list(trusted_proxies),
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    starting = asyncio.create_task(server.ready.wait())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if server.ready.is_set():
        on_ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    stopping.cancel()
    if callable(close := getattr(app, "close", None)):
        close()  # what streams without an end would be waited for
    server.should_exit = True
    await serving
