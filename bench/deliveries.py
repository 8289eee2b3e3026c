"""Notifications a second in strict order by one worker, beside the same requests with no database."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import uuid4

import aiohttp

from bench.ground import LANES, Ground
from bench.instances import SIGNATURE_KEY
from bench.lanes import drain_lanes, fill_lanes
from bench.limits import Request, send_bare, send_outbound, time_lanes
from bench.measures import Measure, compare, take_value
from bench.processes import Process, read_processor_seconds
from signalpost.delivery.formats import write_body
from signalpost.delivery.sign import signature_headers
from signalpost.model.delivery import Format, Notification
from signalpost.model.ids import InstanceId, WorkerId
from signalpost.outbound import Outbound
from signalpost.store.waiting import Waiting

AIM = 0.65


@dataclass(slots=True)
class Rates:
    """What the rounds gave, each list in their order."""

    delivered: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    outbound: list[float] = field(default_factory=list)
    rendered: list[float] = field(default_factory=list)
    body_bytes: list[float] = field(default_factory=list)
    processor: list[Mapping[str, float]] = field(default_factory=list)


async def measure_deliveries(ground: Ground, *, pages: int, rounds: int) -> list[Measure]:
    """Let a worker deliver what waits in 50 lanes, ``pages`` full pages in each; beside it, the requests alone."""
    rates = Rates()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=LANES))
        )
        outbound = await stack.enter_async_context(Outbound(allow_private=True, connections=LANES))
        worker = await stack.enter_async_context(ground.work())
        for number in range(rounds + 1):
            if number < 2:  # the first round opens connections and fills caches on all sides
                rates = Rates()
            await _run_round(ground, worker, rates, session, outbound, pages=pages if number else 1)
    return [
        compare(
            "notifications, one worker, 50 lanes, strict order, 5 kB (limit: the bare client)",
            rates.delivered,
            rates.bare,
            "1/s",
            aim=AIM,
        ),
        compare("the same (limit: the product's client alone)", rates.delivered, rates.outbound, "1/s"),
        compare(
            "the same (limit: written, signed and sent by the product's client, no database)",
            rates.delivered,
            rates.rendered,
            "1/s",
        ),
        take_value("size of a notification's body", rates.body_bytes, "bytes"),
        *(
            take_value(
                f"processor time of {name} for each notification",
                [each[name] for each in rates.processor],
                "us",
            )
            for name in rates.processor[0]
        ),
    ]


async def _run_round(
    ground: Ground,
    worker: Process,
    rates: Rates,
    session: aiohttp.ClientSession,
    outbound: Outbound,
    *,
    pages: int,
) -> None:
    filled = await fill_lanes(ground, pages)
    lanes = [await _load(ground, instance_id) for instance_id in ground.lanes]
    requests = [[_write(url, notification) for url, notification in lane] for lane in lanes]
    sizes = [len(request.body or b"") for lane in requests for request in lane]
    rates.body_bytes.append(sum(sizes) / len(sizes))
    send = send_outbound(outbound)

    async def write_and_send(waiting: tuple[str, Notification]) -> None:
        await send(_write(*waiting))

    rates.bare.append(await time_lanes(send_bare(session), requests))
    rates.outbound.append(await time_lanes(send, requests))
    rates.rendered.append(await time_lanes(write_and_send, lanes))
    parts = {"the worker": worker.pid, "PostgreSQL": ground.postgres_id, "the receiver": ground.sink.pid}
    before = {name: read_processor_seconds(pid) for name, pid in parts.items()}
    rates.delivered.append(await drain_lanes(ground, filled.notifications))
    after = {name: read_processor_seconds(pid) for name, pid in parts.items()}
    rates.processor.append(
        {
            name: 1e6 * (seconds - began) / filled.notifications
            for name, seconds in after.items()
            if seconds is not None and (began := before[name]) is not None
        }
    )


async def _load(ground: Ground, instance_id: InstanceId) -> Sequence[tuple[str, Notification]]:
    """Load what waits in a lane, as the worker will."""
    waiting = Waiting(ground.pool, WorkerId(uuid4()))
    url = await ground.pool.fetchval("SELECT url FROM endpoint WHERE instance_id = $1", instance_id)
    return [(url, each) for each in await waiting.load_pending(instance_id, after_order=0, limit=10_000)]


def _write(url: str, notification: Notification) -> Request:
    """Give the request that the worker will make of a notification."""
    body = write_body(notification, Format.OPEN_CONNECTORS, public_url=None)
    signatures = signature_headers(
        [SIGNATURE_KEY], notification_id=str(notification.id), timestamp=int(time.time()), body=body
    )
    return Request("POST", url, {"Content-Type": "application/json", **signatures}, body)
