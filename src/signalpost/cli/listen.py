"""``signalpost listen``: the far end of the flow, a callback that verifies, shows and writes down what arrives."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import uvloop
from aiohttp import web
from rich.console import Console
from rich.text import Text

from signalpost.cli.options import refuse_empty
from signalpost.cli.printing import print_line, write_line
from signalpost.cli.received_lines import ReceivedLines, open_lines
from signalpost.delivery.sign import verify
from signalpost.model.errors import ConfigurationError, explain_bind
from signalpost.receiver import find_key_fault

LARGEST_BODY_BYTES = 32 * 1024 * 1024
STOP_SECONDS = 2
"""How long answers in hand may take after a stop was asked for."""
MARKS = {
    True: ("signature valid", "green"),
    False: ("SIGNATURE INVALID", "bold red"),
    None: ("not verified", "yellow"),
}


class Listener:
    """A running receiver: ``url`` to POST to, and ``received``, all notifications so far in order of arrival.

    Each is what is also written to the JSONL file, ``{"receivedAt", "valid", "headers", "body"}``: ``valid`` is None
    without a key, ``body`` the parsed JSON, or text if it is none. ``status`` and ``delay_seconds`` may be changed.
    """

    def __init__(
        self,
        *,
        key: str | None,
        status: int,
        delay_seconds: float,
        lines: ReceivedLines | None,
        on_notification: Callable[[dict[str, Any]], None] | None,
        keep: bool,
        clock: Callable[[], float],
    ) -> None:
        self.url = ""
        self.received: list[dict[str, Any]] = []
        self.status = status
        self.delay_seconds = delay_seconds
        self._key = key
        self._lines = lines
        self._on_notification = on_notification
        self._keep = keep
        self._clock = clock

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Take one notification: write it down, then answer. What cannot be written down is a 500: it comes again."""
        if request.method != "POST":
            return web.Response(status=405, text="notifications are sent by POST", headers={"Allow": "POST"})
        body = await request.read()
        now = self._clock()
        # Header names are a kind of text of their own, which JSON does not take; nor does it what is not UTF-8.
        headers = {
            str(name): value.encode(errors="replace").decode() for name, value in request.headers.items()
        }
        received = {
            "receivedAt": _write_time(now),
            "valid": None if self._key is None else verify(headers, body, [self._key], now=now),
            "headers": headers,
            "body": _read_body(body),
        }
        if self._lines is not None and not self._lines.add(_write_line(received, body)):
            return web.Response(status=500, text="it could not be written down: send it again")
        if self._keep:
            self.received.append(received)
        if self._on_notification is not None:
            self._on_notification(received)
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        return web.Response(status=self.status)


@asynccontextmanager
async def run_listener(
    host: str = "127.0.0.1",
    port: int = 0,
    key: str | None = None,
    status: int = 200,
    delay_seconds: float = 0,
    jsonl: Path | None = None,
    on_notification: Callable[[dict[str, Any]], None] | None = None,
    *,
    keep: bool = True,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Listener]:
    """Receive notifications while the context is open; ``port`` 0 takes a free one.

    Without ``keep``, ``received`` stays empty: for a receiver that runs for long. ``clock`` gives Unix seconds.

    Raises:
        ConfigurationError: the address cannot be listened on, the file not be written, or the key be none.

    """
    if key is not None and (fault := find_key_fault(key)) is not None:
        raise ConfigurationError(f"--key {fault}")
    with open_lines(jsonl) as lines:
        listener = Listener(
            key=key,
            status=status,
            delay_seconds=delay_seconds,
            lines=lines,
            on_notification=on_notification,
            keep=keep,
            clock=clock,
        )
        app = web.Application(client_max_size=LARGEST_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", listener.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
        await runner.setup()
        try:
            listener.url = await _bind(runner, host, port)
            yield listener
        finally:
            await runner.cleanup()


async def _bind(runner: web.AppRunner, host: str, port: int) -> str:
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, UnicodeError) as error:  # a name of a host may be none that can be looked up
        message = f"--host, --port: cannot listen on {host}:{port} ({explain_bind(error)}); --port 0 takes a free port"
        raise ConfigurationError(message) from error
    bound_host, bound_port = runner.addresses[0][:2]
    return f"http://[{bound_host}]:{bound_port}" if ":" in bound_host else f"http://{bound_host}:{bound_port}"


def _write_time(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _read_body(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def _write_line(received: dict[str, Any], body: bytes) -> bytes:
    try:
        return orjson.dumps(received, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # nested deeper than the library writes
        return _write_line({**received, "body": body.decode(errors="replace")}, body)


def describe(received: dict[str, Any]) -> Text:
    """Say in a line or two what arrived: when, whether the signature is valid, and what it tells.

    Of a notification, whatever its form, that is how many events it has, with their types and ids; of a notice its kind
    and its words.
    """
    mark, style = MARKS[received["valid"]]
    body = received["body"]
    if _is_notice(body):
        what, lines = f"notice {_show(body['kind'])}", _show(body.get("message"))
    else:
        events = [f"{_show(kind)} {_show(object_id)}" for kind, object_id in _list_events(body)]
        what = "1 event" if len(events) == 1 else f"{len(events)} events"
        lines = ", ".join(events)
    text = Text.assemble(received["receivedAt"], "  ", (mark, style), f"  {what}")
    if lines:
        text.append(f"\n  {lines}")
    return text


def _is_notice(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("kind"), str)


def _list_events(body: Any) -> list[tuple[Any, Any]]:
    """Give type and object of each event, in whichever of the forms (docs/reference/notifications.md) they came."""
    if isinstance(body, list):
        return [(event.get("eventtype"), event.get("subject")) for event in body if isinstance(event, dict)]
    if not isinstance(body, dict):
        return []
    content = body.get("message", body.get("data"))
    events = content.get("events") if isinstance(content, dict) else None
    if not isinstance(events, list):
        return []
    return [(event.get("eventType"), event.get("objectId")) for event in events if isinstance(event, dict)]


def _show(value: Any) -> str:
    # What a stranger sends must not reach a terminal as it is: it could hold escape sequences.
    return repr(str(value))[1:-1][:200]


def listen(
    host: Annotated[
        str,
        typer.Option(envvar="SIGNALPOST_LISTEN_HOST", callback=refuse_empty, help="Address to listen on."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="SIGNALPOST_LISTEN_PORT", min=0, max=65535, help="0 takes a free one.")
    ] = 8099,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="SIGNALPOST_LISTEN_KEY", help="Signature key to verify with; else nothing is verified."
        ),
    ] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(
            envvar="SIGNALPOST_LISTEN_JSONL",
            dir_okay=False,
            help="File to append each notification to, a JSON line each.",
        ),
    ] = None,
    status: Annotated[
        int, typer.Option(envvar="SIGNALPOST_LISTEN_STATUS", min=200, max=599, help="Status to answer with.")
    ] = 200,
    delay: Annotated[
        float, typer.Option(envvar="SIGNALPOST_LISTEN_DELAY", min=0, help="Seconds to wait before answering.")
    ] = 0,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", envvar="SIGNALPOST_LISTEN_QUIET", help="Do not print the notifications."),
    ] = False,
) -> None:
    """Receive notifications: verify their signatures, print them, write them down. Ends on SIGTERM or SIGINT."""
    printer = _Printer()
    running = run_listener(
        host,
        port,
        key=key,
        status=status,
        delay_seconds=delay,
        jsonl=jsonl,
        on_notification=None if quiet else printer.show,
        keep=False,
    )
    uvloop.run(_run_until_stopped(running, printer))


class _Printer:
    """Prints what arrived. Once that cannot be written, ``stop`` is set, and ``failure`` says why."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.failure: OSError | None = None
        self._console = Console(highlight=False, soft_wrap=True)

    def show(self, received: dict[str, Any]) -> None:
        """Print a notification. One that cannot be printed is answered all the same: it was written down."""
        with self._console.capture() as text:
            self._console.print(describe(received))
        try:
            write_line(text.get().rstrip("\n"), sys.stdout)
        except OSError as error:
            self.failure = error
            self.stop.set()


async def _run_until_stopped(
    running: contextlib.AbstractAsyncContextManager[Listener], printer: _Printer
) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, printer.stop.set)
    async with running as listener:
        print_line(f"listening on {listener.url}")
        await printer.stop.wait()
    if printer.failure is not None:
        raise printer.failure
