"""How long healthy endpoints wait while one endpoint is dead and one is slow, beside how long they wait alone."""

from __future__ import annotations

from datetime import UTC, datetime

from bench.ground import Ground, until
from bench.instances import make_due, set_watermark
from bench.measures import Measure, compare, take_value
from signalpost.model.ids import InstanceId

AIM = 0.5
"""The 99th of a hundred waits at most twice as long as alone."""

BACKLOG = 200
"""Events that wait for the slow and for the dead endpoint: twenty notifications each."""


async def measure_fairness(ground: Ground, *, rounds: int) -> list[Measure]:
    """Have all healthy instances find one change at once: alone, and while the troubled ones are worked as well.

    A wait runs from when a page is read to the end of the attempt that delivers it; both stand in the rows.
    """
    alone: list[float] = []
    beside: list[float] = []
    await set_watermark(
        ground.pool, [*ground.healthy, ground.slow, ground.dead], await ground.make_changes(1)
    )
    async with ground.work():
        for number in range(rounds + 1):
            await _rest(ground)
            without = await _time_healthy(ground)
            await _trouble(ground, backlog=BACKLOG if number == 0 else 0)
            with_them = await _time_healthy(ground)
            if number:  # the first round opens connections
                alone.append(without)
                beside.append(with_them)
        await _rest(ground)
    name = f"waits of {len(ground.healthy):,} healthy endpoints, 99th of a hundred"
    return [
        take_value(f"{name}, alone", [1000 * each for each in alone], "ms"),
        compare(
            f"{name}: one a second that fits, beside 1 dead and 1 slow (limit: alone)",
            [1 / each for each in beside],
            [1 / each for each in alone],
            "1/s",
            aim=AIM,
        ),
    ]


async def _rest(ground: Ground) -> None:
    """Leave the troubled endpoints alone."""
    await ground.pool.execute(
        "UPDATE endpoint SET state = 'deactivated', due_at = NULL WHERE instance_id = ANY($1)",
        _troubled(ground),
    )

    async def free() -> bool:
        return not await ground.pool.fetchval(
            "SELECT EXISTS (SELECT FROM endpoint WHERE instance_id = ANY($1) AND leased_by IS NOT NULL)",
            _troubled(ground),
        )

    await until(free, 0.1)


async def _trouble(ground: Ground, *, backlog: int) -> None:
    """Have the troubled endpoints worked: each is in the middle of an attempt when this ends."""
    ids = _troubled(ground)
    if backlog:
        newest = await ground.make_changes(backlog)
        await make_due(ground.pool, ids)

        async def read() -> bool:
            behind = await ground.pool.fetchval(
                "SELECT count(*) FROM resource_poll WHERE instance_id = ANY($1) AND (watermark->>'id')::bigint < $2",
                ids,
                newest,
            )
            return not behind

        await until(read, 0.05)
        await set_watermark(ground.pool, ground.healthy, newest)
    await ground.pool.execute(
        "UPDATE notification SET failures = 0, next_attempt_at = now()"
        " WHERE instance_id = ANY($1) AND state = 'pending'",
        ids,
    )
    await ground.pool.execute(
        "UPDATE endpoint SET state = 'active', due_at = now(), generation = generation + 1"
        " WHERE instance_id = ANY($1)",
        ids,
    )

    async def leased() -> bool:
        count = await ground.pool.fetchval(
            "SELECT count(*) FROM endpoint WHERE instance_id = ANY($1) AND leased_by IS NOT NULL", ids
        )
        return bool(count == len(ids))

    await until(leased, 0.05)


async def _time_healthy(ground: Ground) -> float:
    """Have each healthy instance find one change; give the 99th of a hundred waits, in seconds."""
    began_at = datetime.now(UTC)
    await ground.make_changes(1)
    await make_due(ground.pool, ground.healthy)

    async def delivered() -> bool:
        count = await ground.pool.fetchval(
            "SELECT count(*) FROM notification WHERE instance_id = ANY($1) AND delivered_at >= $2",
            ground.healthy,
            began_at,
        )
        return bool(count >= len(ground.healthy))

    await until(delivered, 0.2)
    return float(
        await ground.pool.fetchval(
            "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM delivered_at - created_at))"
            " FROM notification WHERE instance_id = ANY($1) AND delivered_at >= $2",
            ground.healthy,
            began_at,
        )
    )


def _troubled(ground: Ground) -> list[InstanceId]:
    return [ground.slow, ground.dead]
