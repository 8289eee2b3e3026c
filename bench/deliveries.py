"""Notifications a second in strict order, beside the client alone; and events a second into the rows, beside COPY."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp

from bench.copying import time_copy
from bench.ground import LANES, Ground, until
from bench.instances import SIGNATURE_KEY, make_due, set_watermark
from bench.limits import send_bare, send_outbound, time_requests
from bench.measures import Measure, compare, take_value
from signalpost.delivery.formats import write_body
from signalpost.delivery.sign import signature_headers
from signalpost.model.delivery import Format
from signalpost.model.ids import InstanceId, WorkerId
from signalpost.outbound import Outbound
from signalpost.store.queue import Queue
from signalpost.store.waiting import Waiting

PAGE = 100
NOTIFICATIONS_A_PAGE = 10
AIM = 0.6

Lane = Sequence[tuple[str, Mapping[str, str], bytes | None]]


@dataclass(slots=True)
class Rates:
    """What the rounds gave, each list in their order."""

    delivered: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    outbound: list[float] = field(default_factory=list)
    committed: list[float] = field(default_factory=list)
    copied: list[float] = field(default_factory=list)
    body_bytes: list[float] = field(default_factory=list)


async def measure_deliveries(ground: Ground, *, pages: int, rounds: int) -> list[Measure]:
    """Let the worker poll ``pages`` full pages for each of 50 instances, then deliver what came of them."""
    await set_watermark(ground.pool, ground.lanes, await ground.make_changes(1))
    rates = Rates()
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=LANES)) as session,
        Outbound(allow_private=True, connections=LANES) as outbound,
    ):
        for number in range(rounds + 1):
            await _run_round(ground, rates, session, outbound, pages=1 if number == 0 else pages)
            if number == 0:  # the first round opens connections and fills caches on all sides
                rates = Rates()
    return [
        compare(
            "notifications of 10 events, one worker, 50 lanes, strict order (limit: the bare client)",
            rates.delivered,
            rates.bare,
            "1/s",
            aim=AIM,
        ),
        compare("the same (limit: the product's client alone)", rates.delivered, rates.outbound, "1/s"),
        take_value("size of a notification", rates.body_bytes, "bytes"),
        compare(
            "events, from provider pages to committed rows (limit: COPY of the same rows)",
            rates.committed,
            rates.copied,
            "1/s",
        ),
    ]


async def _run_round(
    ground: Ground,
    rates: Rates,
    session: aiohttp.ClientSession,
    outbound: Outbound,
    *,
    pages: int,
) -> None:
    since = await _read_last_page(ground)
    rates.committed.append(await _commit(ground, pages))
    rates.copied.append(await time_copy(ground.pool, since))
    lanes = [await _render(ground, instance_id) for instance_id in ground.lanes]
    rates.body_bytes.append(
        sum(len(body or b"") for lane in lanes for *_, body in lane) / sum(map(len, lanes))
    )
    rates.bare.append(await time_requests(send_bare(session), "POST", lanes))
    rates.outbound.append(await time_requests(send_outbound(outbound), "POST", lanes))
    rates.delivered.append(await _deliver(ground, pages * NOTIFICATIONS_A_PAGE * LANES))


async def _read_last_page(ground: Ground) -> int:
    return int(await ground.pool.fetchval("SELECT coalesce(max(id), 0) FROM page"))


async def _commit(ground: Ground, pages: int) -> float:
    """Have the worker read new changes; the lanes are closed meanwhile, so that all of it waits."""
    await ground.pool.execute(
        "UPDATE endpoint SET state = 'deactivated' WHERE instance_id = ANY($1)", ground.lanes
    )
    newest = await ground.make_changes(pages * PAGE)

    async def done() -> bool:
        behind = await ground.pool.fetchval(
            "SELECT count(*) FROM resource_poll WHERE instance_id = ANY($1) AND (watermark->>'id')::bigint < $2",
            ground.lanes,
            newest,
        )
        return not behind

    began_at = datetime.now(UTC)
    await make_due(ground.pool, ground.lanes)
    await until(done, 0.01)
    finished = time.time()
    first = await ground.pool.fetchval("SELECT min(polled_at) FROM page WHERE polled_at >= $1", began_at)
    return pages * PAGE * LANES / (finished - first.timestamp())


async def _render(ground: Ground, instance_id: InstanceId) -> Lane:
    """Give the requests that the worker will make of this lane, ready to be sent."""
    waiting = Waiting(ground.pool, WorkerId(uuid4()))
    url = await ground.pool.fetchval("SELECT url FROM endpoint WHERE instance_id = $1", instance_id)
    requests: list[tuple[str, Mapping[str, str], bytes | None]] = []
    for notification in await waiting.load_pending(instance_id, after_order=0, limit=10_000):
        body = write_body(notification, Format.OPEN_CONNECTORS, public_url=None)
        signatures = signature_headers(
            [SIGNATURE_KEY], notification_id=str(notification.id), timestamp=int(time.time()), body=body
        )
        requests.append((url, {"Content-Type": "application/json", **signatures}, body))
    return requests


async def _deliver(ground: Ground, expected: int) -> float:
    """Open the lanes, and hand out their jobs as a commit does; the time runs until the last attempt is recorded.

    Raises:
        RuntimeError: not every notification arrived once and in order.
    """
    queue = Queue(ground.pool)
    await ground.pool.execute("TRUNCATE pgqueuer")
    await ground.pool.execute(
        "UPDATE endpoint SET state = 'active' WHERE instance_id = ANY($1)", ground.lanes
    )
    await ground.read_sink("reset")

    async def arrived() -> bool:
        return bool((await ground.read_sink())["received"] >= expected)

    async def recorded() -> bool:
        return not await ground.pool.fetchval(
            "SELECT EXISTS (SELECT FROM notification WHERE instance_id = ANY($1) AND state = 'pending')",
            ground.lanes,
        )

    began = time.monotonic()
    await queue.enqueue_deliveries(ground.lanes)
    await until(arrived, 0.05)
    await until(recorded, 0.005)
    summary = await ground.read_sink()
    if summary["out_of_order"] or not summary["received"] == summary["distinct"] == expected:
        message = f"{expected:,} notifications were to arrive once and in order: {summary}"
        raise RuntimeError(message)
    return expected / (time.monotonic() - began)
