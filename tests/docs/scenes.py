"""What stands ready when a reader comes to a how-to page: an instance, notifications, a database. Gives what they fill in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from signalpost.model.errors import ConfigurationError
from signalpost.store.vault import Vault
from tests import processes
from tests.docs.blocks import ROOT
from tests.support import World, until

RELEASED = ROOT / "tests" / "data" / "release-0.1.0.sql"
OLD_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""What the service of the tests and the pages' shell encrypt with."""


@dataclass
class Scene:
    """Variables of the page's shell, texts of the page that are others here, and what must be true in the end."""

    variables: dict[str, str | None] = field(default_factory=dict)
    filled: dict[str, str] = field(default_factory=dict)
    check: Callable[[str], Awaitable[None]] | None = None


async def connect(world: World, changes: int = 0) -> Scene:
    """An instance as the tutorial makes one, 100001, whose first changes were delivered."""
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    if changes:
        await world.change(changes)
        query = "SELECT bool_and(state = 'delivered') FROM notification"
        await until(lambda: world.pool.fetchval(query))
    return Scene(filled={"<instance token>": instance["token"]})


@asynccontextmanager
async def open_polling(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    scene = await connect(world)

    def list_delivered() -> list[str]:
        return [received["body"]["message"]["raw"]["objectType"] for received in world.listener.received]

    async def check(printed: str) -> None:
        assert "egnyte.links: accepted" in printed
        assert await until(lambda: "people" in list_delivered())

    scene.check = check
    yield scene


@asynccontextmanager
async def open_filtering(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    scene = await connect(world)

    async def check(printed: str) -> None:
        assert printed.count(": accepted") == 3
        await until(world.events)  # in the log it is a moment before it arrives
        told = [event["objectId"] for event in world.events()]
        assert len(told) == 1, "what the filter keeps back was told"

    scene.check = check
    yield scene


@asynccontextmanager
async def open_delivered(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    scene = await connect(world, changes=30)
    notification = await world.pool.fetchval("UPDATE notification SET state = 'dead' RETURNING id")
    scene.filled = {
        "<notification id>": str(notification),
        "https://other.example.com/events": f"{world.listener.url}/other",
    }
    yield scene


@asynccontextmanager
async def open_command_line(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    """Notifications to look at, one of them dead; the reader's profiles are below a folder of the test's."""
    await connect(world, changes=30)
    notification, event = await world.pool.fetchrow(
        "SELECT notification.id, event.id FROM notification JOIN event ON notification_id = notification.id LIMIT 1"
    )
    await world.pool.execute(
        "UPDATE notification SET state = 'dead', dead_at = now() WHERE id = $1", notification
    )

    async def check(printed: str) -> None:
        assert "takes the secrets; profile default is in" in printed
        assert "30 events added to events.jsonl" in printed
        assert "0 events added to events.jsonl" in printed
        assert len((folder / "events.jsonl").read_text().splitlines()) == 30
        assert await world.pool.fetchval("SELECT count(*) FROM replay WHERE state = 'done'") == 3

    yield Scene(
        variables={"XDG_CONFIG_HOME": str(folder)},
        filled={"<event id>": str(event), "<notification id>": str(notification)},
        check=check,
    )


@asynccontextmanager
async def open_rotating(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    scene = await connect(world)
    scene.filled["<new secret>"] = "another secret"

    async def check(printed: str) -> None:
        old = Vault([OLD_KEY])
        for query in ("SELECT secrets FROM instance", "SELECT tokens FROM credential"):
            with pytest.raises(ConfigurationError):
                old.unseal(await world.pool.fetchval(query))

    scene.check = check
    yield scene


@asynccontextmanager
async def open_consent(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    """An application of the sandbox, and two codes, as a browser would bring them."""
    yield Scene(
        filled={
            "<key>": "key",
            '"<secret>"': '"secret"',
            "<code>": await world.authorize(),
            "<new code>": await world.authorize(),
            "<id>": "100001",
            "<a long random text>": "a signature key",
            "https://app.example.com/events": world.listener.url,
        }
    )


@asynccontextmanager
async def open_hardening(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    """A service as it comes, and an instance whose callback is signed but not https."""
    await connect(world)
    (folder / "data").mkdir()
    key = folder / "data" / "encryption-key"
    key.touch(mode=0o600)
    key.write_text(OLD_KEY)
    scene = Scene({"SIGNALPOST_ENCRYPTION_KEYS": None, "SIGNALPOST_ALLOW_PRIVATE_NETWORKS": None})

    async def check(printed: str) -> None:
        assert "100001 callback without TLS" in printed
        assert "without a signature" not in printed
        assert "/encryption-key" not in printed

    scene.check = check
    yield scene


@asynccontextmanager
async def open_database(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    """A database of ours in the place of the reader's, by either address."""
    shown = "postgresql://signalpost:<password>@"
    places = ("127.0.0.1:6432/signalpost", "db.example.com:5432/signalpost")
    yield Scene(filled={**{f"{shown}{place}": f"'{url}'" for place in places}, "--port 8080": "--port 0"})


@asynccontextmanager
async def open_embedded(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    """A running service with a database of its own, and a place to copy to."""
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    settings = {"data_dir": folder / "data", "port": 0}
    serving = await processes.start(["serve"], "signalpost ready on ", folder.parent / "serve.log", settings)
    unset = {"SIGNALPOST_DATABASE_URL": None, "SIGNALPOST_ENCRYPTION_KEYS": None}
    try:
        yield Scene(unset, {"/backup": str(elsewhere), "/another/place": str(elsewhere)})
    finally:
        await serving.stop()


@asynccontextmanager
async def open_older(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    """The database of an earlier release, which nobody works on."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE DATABASE older")
    older = urlsplit(url)._replace(path="/older").geturl()
    try:
        loading = await asyncpg.connect(older)
        await loading.execute(RELEASED.read_text())
        # The sandbox of today does not know the tokens of then.
        await loading.execute("UPDATE public.instance SET disabled = true, next_poll_at = NULL")
        await loading.close()

        async def check(printed: str) -> None:
            assert "the tables (0006) are of an older release" in printed
            assert "the database is up to date" in printed
            assert "1 alive" in printed

        yield Scene({"SIGNALPOST_DATABASE_URL": older}, check=check)
    finally:
        await connection.execute("DROP DATABASE older WITH (FORCE)")
        await connection.close()


@asynccontextmanager
async def open_migration(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    """Open Connectors is played by the service itself, which has nothing yet."""
    secrets = world.secrets

    async def check(printed: str) -> None:
        row = await world.pool.fetchrow("SELECT disabled, imported_id FROM instance")
        assert (row["disabled"], row["imported_id"]) == (True, "1234567")
        assert printed.count("/connect/") == 1

    yield Scene(
        variables={"SIGNALPOST_MIN_POLL_INTERVAL_SECONDS": "60"},
        filled={
            "https://api.openconnectors.us2.ext.hana.ondemand.com": world.url,
            "<their user secret>": secrets["userSecret"],
            "<their organization secret>": secrets["organizationSecret"],
            "<key>": "key",
            '"<secret>"': '"secret"',
            "<a long random text>": "a signature key",
        },
        check=check,
    )


@asynccontextmanager
async def open_nothing(world: World, folder: Path, url: str) -> AsyncIterator[Scene]:
    yield Scene()


SCENES = {
    "back-up-and-restore": open_embedded,
    "connect-egnyte": open_consent,
    "migrate-from-open-connectors": open_migration,
    "filter-events": open_filtering,
    "harden": open_hardening,
    "pgbouncer": open_database,
    "poll-other-resources": open_polling,
    "rotate-keys": open_rotating,
    "send-again-and-replay": open_delivered,
    "upgrade": open_older,
    "use-the-command-line": open_command_line,
    "verify-signatures": open_delivered,
    "your-own-postgresql": open_database,
}
