"""Running the service: all roles in one process, or apart on one database."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Annotated

import typer
import uvloop

from signalpost.api.server import bind, serve_app
from signalpost.cli.endings import CommandError, Ending
from signalpost.cli.open_files import raise_limit
from signalpost.cli.options import DataDirectory, Host, Port, WorkerHost, WorkerPort
from signalpost.model.errors import ConfigurationError
from signalpost.observe import configure_logging
from signalpost.settings import Settings, load_settings
from signalpost.wiring.service import Service, open_service

ALL_ROLES = frozenset({"poll", "deliver"})


def serve(host: Host = None, port: Port = None, data_dir: DataDirectory = None) -> None:
    """Run everything in one process; PostgreSQL is embedded unless SIGNALPOST_DATABASE_URL is set."""
    settings = load_settings(host=host, port=port, data_dir=data_dir)
    run(settings, ALL_ROLES, with_api=True)


def api(host: Host = None, port: Port = None) -> None:
    """Run the API alone, on SIGNALPOST_DATABASE_URL."""
    run(_require_database(load_settings(host=host, port=port)), frozenset(), with_api=True)


def worker(
    roles: Annotated[
        str, typer.Option(envvar="SIGNALPOST_ROLES", help="What it does: poll, deliver, or both.")
    ] = "poll,deliver",
    host: WorkerHost = None,
    port: WorkerPort = None,
) -> None:
    """Run polls and deliveries alone, on SIGNALPOST_DATABASE_URL; any number of workers may run."""
    wanted = frozenset(role.strip() for role in roles.split(",") if role.strip())
    if not wanted or not wanted <= ALL_ROLES:
        message = f"--roles: {roles[:50]!r} is no list of poll and deliver, as in poll,deliver"
        raise CommandError(message, Ending.MISUSED)
    run(_require_database(load_settings(worker_host=host, worker_port=port)), wanted, with_api=False)


def _require_database(settings: Settings) -> Settings:
    if settings.database_url is None:
        message = (
            "SIGNALPOST_DATABASE_URL is not set: processes apart need a database in common"
            " (or use: signalpost serve)"
        )
        raise ConfigurationError(message)
    return settings


def run(settings: Settings, roles: frozenset[str], *, with_api: bool) -> None:
    """Run until SIGTERM, SIGINT or SIGHUP."""
    configure_logging(level=settings.log_level, json_lines=settings.log_json)
    raise_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, roles, with_api=with_api))


async def _run(settings: Settings, roles: frozenset[str], *, with_api: bool) -> None:
    stop = _Stop()
    trusted = settings.read_trusted_proxies()
    # Bound before anything is started: a port in use is told at once, and nothing is half up.
    listener = (
        bind(settings.host, settings.port)
        if with_api
        else bind(
            settings.worker_host,
            settings.worker_port,
            named="SIGNALPOST_WORKER_HOST, SIGNALPOST_WORKER_PORT",
        )
    )
    with stop.amid_start():
        async with open_service(settings, roles) as service, _watch_database(service, stop):
            try:
                await service.runtime.start()
                if with_api:
                    app = service.app
                    set_up = await service.accounts.joining.make_set_up()
                    say = partial(_say_ready, set_up=set_up, public_url=settings.read_public_url())
                else:
                    app = service.health_app
                    say = partial(_say_worker_ready, roles=roles)
                stop.started()
                await serve_app(app, listener, stop, say, trusted)
            finally:
                await service.runtime.stop()


class _Stop(asyncio.Event):
    """Set by SIGTERM and SIGINT, and as the terminal closes (SIGHUP), unless that is ignored, as below nohup.

    Amid the start they cancel it besides: it may wait long, for others' migrations.
    """

    def __init__(self) -> None:
        super().__init__()
        self._starting = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            asyncio.get_running_loop().add_signal_handler(number, self._ask)

    def started(self) -> None:
        """Cancel nothing from here on."""
        self._starting = None

    @contextmanager
    def amid_start(self) -> Iterator[None]:
        """Take a start that was cancelled for one that has ended."""
        try:
            yield
        except asyncio.CancelledError:
            if not self.is_set():
                raise

    def _ask(self) -> None:
        if self._starting is not None and not self.is_set():
            self._starting.cancel()
        self.set()


@asynccontextmanager
async def _watch_database(service: Service, stop: asyncio.Event) -> AsyncIterator[None]:
    """Stop when the embedded database ended by itself: the next start repairs it.

    Raises:
        ConfigurationError: it did; raised once everything is stopped.
    """
    if service.database.wait is None:
        yield
        return
    ended = asyncio.ensure_future(service.database.wait())
    ended.add_done_callback(lambda _: stop.set())
    try:
        yield
        if ended.done():
            message = "the embedded database ended by itself; its log is in the data directory: start again"
            raise ConfigurationError(message)
    finally:
        ended.cancel()


def _say_worker_ready(url: str, *, roles: frozenset[str]) -> None:
    print(f"signalpost worker shows its health and metrics on {url}", flush=True)
    print(f"signalpost worker ready ({', '.join(sorted(roles))})", flush=True)


def _say_ready(url: str, *, set_up: str | None, public_url: str | None) -> None:
    print(f"signalpost ready on {url}", flush=True)
    if set_up is not None:
        # 0.0.0.0 is where we listen, not where a browser goes.
        reached = (
            public_url or url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
        ).rstrip("/")
        print(
            f"signalpost console: open {reached}/setup/{set_up} to make the first account"
            " (good once, for 24 hours)",
            flush=True,
        )
