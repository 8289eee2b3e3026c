"""Events a second from the provider's pages into committed rows, beside COPY of the same rows."""

from __future__ import annotations

from bench.copying import ALL_TABLES, LOG_TABLES, time_copy
from bench.ground import Ground
from bench.lanes import NOTIFICATIONS_A_PAGE, PAGE, drain_lanes, fill_lanes
from bench.measures import Measure, compare
from bench.spent import Spent

AIM = 0.35


async def measure_commits(ground: Ground, *, pages: int, rounds: int) -> list[Measure]:
    """Let a worker poll ``pages`` full pages for each of 50 instances, all new; then copy the rows that this wrote."""
    committed: list[float] = []
    copied: list[float] = []
    log_copied: list[float] = []
    async with ground.work() as worker:
        spent = Spent(ground, worker)
        for number in range(rounds + 1):
            spent.begin()
            filled = await fill_lanes(ground, pages if number else 1)
            spent.end(filled.notifications * PAGE // NOTIFICATIONS_A_PAGE)
            rates = [await time_copy(ground, filled, tables) for tables in (ALL_TABLES, LOG_TABLES)]
            await drain_lanes(ground, filled.notifications)
            if number:  # the first round opens connections and fills caches
                committed.append(filled.events_per_second)
                copied.append(rates[0])
                log_copied.append(rates[1])
    return [
        compare(
            "events, from provider pages to committed rows (limit: COPY of the same rows)",
            committed,
            copied,
            "1/s",
            aim=AIM,
        ),
        compare("the same (limit: COPY without the memory of objects)", committed, log_copied, "1/s"),
        *spent.list_measures("event committed"),
    ]
