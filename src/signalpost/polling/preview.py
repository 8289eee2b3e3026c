"""Tries a poller configuration: one page of each resource is read and judged as a poll would, nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson

from signalpost.connectors.base import Connector
from signalpost.connectors.containment import contain, guard
from signalpost.connectors.registry import Registry
from signalpost.connectors.resource import ListPage, Session, Strategy
from signalpost.model.configuration import POLLER_CONFIGURATION
from signalpost.model.errors import InvalidRequestError, ProviderError, WatermarkLostError
from signalpost.model.event import Gap, Page, Watermark
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Instance
from signalpost.polling.choosing import choose
from signalpost.polling.configuration import PolledResource, match_resource, read_resources
from signalpost.polling.detect import detect, identify
from signalpost.polling.hub import MOST_PAGES, UserCalls
from signalpost.polling.records import RecordReader, read_back, shorten
from signalpost.polling.strategies.asking import Asked, ask
from signalpost.polling.strategies.objects import Seen, is_deleted, judge_new, name_type

MOST_RESOURCES = 50
USUAL_SIZE = 20
"""Records looked at of a resource, where nothing is said."""

LOOK_BACK = timedelta(days=1)
"""A list is read as by a poll whose last one was so long ago."""

FEED_LOOK_BACK = timedelta(hours=1)
"""From when on a feed is read whose watermarks are no numbers: one page may cover little time."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One resource that is tried: read through ``session``, as a poll would that was last made at ``last_at``."""

    session: Session
    connector: Connector
    instance_id: InstanceId
    name: str
    polled: PolledResource
    size: int | None
    last_at: datetime
    now: datetime


@dataclass(slots=True)
class Sample:
    """What was found of a resource; ``error`` says why there is nothing."""

    resource: str
    strategy: str
    url: str
    remarks: list[str]
    records: list[Any] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    diagnosis: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None

    def add_event(self, object_id: str, object_type: str, event_type: str, occurred_at: datetime) -> None:
        """Add an event that would be told."""
        self.events.append(
            {
                "objectId": object_id,
                "objectType": object_type,
                "eventType": event_type,
                "date": occurred_at.isoformat(),
            }
        )


class Previews:
    """Makes previews, with the user's priority."""

    def __init__(self, registry: Registry, calls: UserCalls, clock: Callable[[], datetime]) -> None:
        self._registry = registry
        self._calls = calls
        self._clock = clock

    async def make(self, instance: Instance, configuration: str, size: int | None) -> list[dict[str, Any]]:
        """Try a configuration (JSON text; empty: the connector's default); one sample a resource, in its order.

        A resource that fails says why in its ``error``; the others are read all the same.

        Raises:
            InvalidRequestError: the configuration is wrong; the message names the field.
            ProviderRefusalError: the instance must be authorised again.
        """
        connector = self._registry.find(instance.connector)
        resources = _read(configuration, connector)
        async with self._calls.open(instance, connector) as session:
            return await self._try_all(session, connector, instance.id, resources, size)

    async def make_first(
        self, connector: Connector, session: Session, configuration: str
    ) -> list[dict[str, Any]]:
        """Try a configuration before there is an instance, by a session with a token just given; see ``make``.

        Raises:
            InvalidRequestError: the configuration is wrong; the message names the field.
        """
        resources = _read(configuration, connector)
        return await self._try_all(session, connector, InstanceId(0), resources, None)

    async def _try_all(
        self,
        session: Session,
        connector: Connector,
        instance_id: InstanceId,
        resources: Mapping[str, Mapping[str, Any]],
        size: int | None,
    ) -> list[dict[str, Any]]:
        now = self._clock()
        samples = []
        for name, settings in resources.items():
            polled = match_resource(name, settings, connector)
            trial = Trial(session, connector, instance_id, name, polled, size, now - LOOK_BACK, now)
            samples.append(asdict(await _try(trial)))
        return samples


def _read(configuration: str, connector: Connector) -> Mapping[str, Mapping[str, Any]]:
    resources = read_resources(configuration, connector)
    if len(resources) > MOST_RESOURCES:
        message = (
            f"{POLLER_CONFIGURATION}: it has {len(resources)} resources; at most {MOST_RESOURCES} are tried"
        )
        raise InvalidRequestError(message)
    return resources


async def _try(trial: Trial) -> Sample:
    polled = trial.polled
    location = polled.definition.locate(trial.last_at, trial.now)
    query = f"?{urlencode(location.parameters)}" if location.parameters else ""
    url = f"/hubs/{trial.connector.hub}/{location.path}{query}"
    sample = Sample(trial.name, polled.strategy.value, url, list(polled.definition.remarks))
    asked = ask(polled, trial.last_at, trial.now)
    try:
        if polled.strategy is Strategy.FEED:
            await _try_feed(trial, asked, sample)
        else:
            await _try_list(trial, asked, sample)
    except (ProviderError, InvalidRequestError) as error:
        sample.error = str(error)
    _diagnose(trial, sample)
    sample.records = [_make_showable(record) for record in sample.records]
    return sample


def _make_showable(record: Any) -> Any:
    try:
        orjson.dumps([[[[[[[record]]]]]]])  # as deep as it stands in an answer, and on the page
    except TypeError:
        return shorten(record)
    return record


async def _try_feed(trial: Trial, asked: Asked, sample: Sample) -> None:
    """Read the newest page of a feed."""
    polled = trial.polled
    with contain("open_feed"):
        feed = trial.connector.open_feed(polled.resource, asked.parameters, polled.id_field)
    newest = await guard(feed, "find_start", dict, trial.session, None)
    watermark = _step_back(newest, trial.size or USUAL_SIZE)
    if watermark is None:
        earlier: Watermark = await guard(feed, "find_start", dict, trial.session, trial.now - FEED_LOOK_BACK)
        watermark = earlier
    for _ in range(MOST_PAGES):
        try:
            page = await guard(feed, "read", Page, trial.session, watermark, verify=False)
        except WatermarkLostError:  # there are fewer than we stepped back
            gap = await guard(feed, "recover", Gap, trial.session, watermark)
            page = await guard(feed, "read", Page, trial.session, gap.to_watermark, verify=False)
        if page.records or not page.more or page.watermark is None:
            break
        watermark = page.watermark
    _take_changes(trial, page, sample)


def _step_back(watermark: Watermark, size: int) -> Watermark | None:
    """Give the watermark ``size`` changes earlier, where it is one number; None where it is something else."""
    if len(watermark) == 1 and all(type(each) is int for each in watermark.values()):
        return {name: max(0, number - size) for name, number in watermark.items()}
    return None


def _take_changes(trial: Trial, page: Page, sample: Sample) -> None:
    event_ids = identify(trial.instance_id, trial.name, page.changes)
    found = detect(page, event_ids, known={}, stored_events=(), now=trial.now)
    sample.records = [read_back(text) for text in found.records]
    for event in found.events:
        sample.add_event(event.object_id, event.object_type, event.event_type.value, event.occurred_at)
    if page.remark:
        sample.remarks.append(page.remark)


async def _try_list(trial: Trial, asked: Asked, sample: Sample) -> None:
    """Read the first page of a list."""
    polled = trial.polled
    with contain("open_listing"):
        listing = trial.connector.open_listing(polled.resource, asked.parameters, asked.conditions)
    size = trial.size or polled.definition.page_size or USUAL_SIZE
    page = await guard(listing, "read", ListPage, trial.session, None, size)
    sample.records = await choose(asked.where, page.records)
    if len(sample.records) < len(page.records):
        left_out = len(page.records) - len(sample.records)
        sample.remarks.append(
            f"{left_out} of the {len(page.records)} records of the page do not meet the where"
        )


def _diagnose(trial: Trial, sample: Sample) -> None:
    """Say of each record what identifies and dates it; of a list's, what it would be told as."""
    polled = trial.polled
    reader = RecordReader(polled.id_field, polled.updated, polled.created, trial.now)
    problems: list[str] = []
    for number, raw in enumerate(sample.records):
        sample.diagnosis.append({"record": number, **reader.diagnose(raw)})
        read = reader.read(raw)
        if polled.strategy is Strategy.FEED:
            continue
        problems.extend(read.problems)
        seen = Seen(read, name_type(raw, trial.name), None, is_deleted(raw, polled.resource))
        event_type = judge_new(
            seen,
            polled.resource,
            since=trial.last_at,
            tolerance_seconds=polled.definition.created_tolerance_seconds,
        )
        sample.add_event(read.object_id, seen.object_type, event_type.value, seen.date or trial.now)
    sample.remarks.extend(dict.fromkeys(problems))
