"""What the pages of one instance share: which instance it is, how it stands, and the parts that are drawn of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends

from signalpost.api.parts import connector_of, find_instance
from signalpost.api.polling import POLLED, find_last_success, name_strategy
from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.base import Connector
from signalpost.connectors.missing import MissingConnector
from signalpost.model.errors import NotFoundError
from signalpost.model.instance import Instance
from signalpost.model.quota import Allowance, read_allowance
from signalpost.polling.status import judge_polling
from signalpost.store.polling_status import PollingRow
from signalpost.store.views.instance_health import Health
from signalpost.web.charts import BarChart, LineChart, make_lines
from signalpost.web.hours import load_hours
from signalpost.web.parts import Web, WebParts
from signalpost.web.standing import Told, tell_resource, tell_states, write_watermark
from signalpost.web.visits import Viewer

TABS = (
    ("", "Health"),
    ("/events", "Events"),
    ("/deliveries", "Deliveries"),
    ("/configuration", "Configuration"),
    ("/history", "History"),
)
"""The pages of an instance: the end of the path, and the word."""


async def find_shown(parts: Web, visit: Viewer, instance_id: str) -> Instance:
    """Find the instance that the path names (raises as ``find_instance``)."""
    return await find_instance(parts.api, visit.caller, instance_id)


Shown = Annotated[Instance, Depends(find_shown)]
"""The instance that the path names."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an instance stands: what the head of each of its pages says."""

    instance: Instance
    connector: Connector
    health: Health
    told: tuple[Told, ...]
    allowance: Allowance | None
    pollable: bool
    pulse: str

    @property
    def place(self) -> str:
        """The path of its pages."""
        return f"/instances/{self.instance.id}"

    @property
    def installed(self) -> bool:
        """Whether its connector is."""
        return not isinstance(self.connector, MissingConnector)

    @property
    def by_consent(self) -> bool:
        """Whether a person consents at the provider, and can."""
        return self.installed and asks_consent(self.connector)


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """A polled resource as a row of the table."""

    row: PollingRow
    strategy: str | None
    watermark: str
    last_read_at: datetime | None
    told: Told


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of an instance, with what they say in numbers."""

    hours: BarChart
    latency: LineChart
    latency_said: str
    today: int


async def load_standing(parts: WebParts, instance: Instance) -> Standing:
    """Load how an instance stands: four statements. The pulse comes first: what changes after it is told live.

    Raises:
        NotFoundError: it was deleted meanwhile.
    """
    pulse = await parts.pulse.feel(instance.organization_id, instance.id)
    health = await parts.instance_health.read(instance.id)
    if health is None:
        message = f"there is no instance {instance.id}"
        raise NotFoundError(message)
    now = parts.api.clock()
    connector = connector_of(parts.api, instance)
    return Standing(
        instance,
        connector,
        health,
        tuple(tell_states(instance, connector, health, now)),
        read_allowance(health.schedule.quota, connector.calls_a_day, now),
        judge_polling(instance, connector, health.schedule, now)[0] in POLLED,
        pulse or "",
    )


def list_resources(standing: Standing) -> list[ResourceLine]:
    """List the polled resources as they are shown."""
    return [
        ResourceLine(
            row,
            name_strategy(row, standing.connector),
            write_watermark(row.watermark),
            find_last_success(row, standing.health.schedule),
            tell_resource(row),
        )
        for row in standing.health.schedule.resources
    ]


async def load_charts(parts: WebParts, instance: Instance) -> Charts:
    """Draw the events of each of the last hours, and how long deliveries took: two statements."""
    hours, today = await load_hours(parts, instance.organization_id, instance.id, parts.api.clock())
    latency = await parts.insight.measure_latency(instance.id)
    said = ""
    if latency.deliveries:
        said = (
            f"p50 {latency.p50_milliseconds:,.0f} ms, p99 {latency.p99_milliseconds:,.0f} ms"
            f" of the last {latency.deliveries:,}"
        )
    return Charts(
        hours,
        make_lines(latency.points),
        said or "nothing was delivered yet",
        today,
    )
