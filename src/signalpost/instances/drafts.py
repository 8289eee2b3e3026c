"""What is to be written of an instance: a caller's wish, every value of it checked; nobody is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from signalpost.connectors.base import Connector
from signalpost.connectors.containment import find_host
from signalpost.instances.wishes import (
    GIVEN_TOKENS,
    REDIRECT_URI,
    Wish,
    check_required,
    clean_tags,
    clean_text,
    list_secret_keys,
)
from signalpost.model.configuration import POLL_INTERVAL
from signalpost.model.instance import NO_ACCOUNT, Instance
from signalpost.store.instance_rows import InstanceDraft


@dataclass(frozen=True, slots=True)
class EventPlan:
    """The part of a configuration that concerns polling and delivery, read and checked."""

    interval_seconds: float
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    callback_url: str | None = None
    full_raw: bool = False


class ReadPlan(Protocol):
    """Reads and checks the event part of a configuration (wiring gives it: it spans polling and delivery)."""

    async def __call__(self, configuration: Mapping[str, str], connector: Connector) -> EventPlan:
        """Read it; raises InvalidRequestError naming the field."""
        ...


async def write_draft(
    read_plan: ReadPlan,
    connector: Connector,
    wish: Wish,
    configuration: Mapping[str, str],
    before: Instance | None = None,
    *,
    may_lack: bool = False,
) -> InstanceDraft:
    """Write what an instance is to be by a wish and the whole ``configuration`` that follows from it.

    ``before`` is the instance that is changed. With ``may_lack`` secrets that the connector needs may be missing.

    Raises:
        InvalidRequestError: a value is wrong, or missing.
    """
    configuration = {key: value for key, value in configuration.items() if key not in GIVEN_TOKENS}
    # It goes along with a code alone: who brings tokens may have none (open-connectors.md 3.4).
    has_none = wish.external if before is None else REDIRECT_URI not in before.configuration
    check_required(
        configuration, connector, but_secrets=may_lack, but_redirect=has_none and wish.code is None
    )
    find_host(connector, configuration)
    plan = await read_plan(configuration, connector)
    configuration.setdefault(POLL_INTERVAL, f"{plan.interval_seconds / 60:g}")
    name = wish.name if wish.name is not None else (before.name if before else connector.name)
    # One that is made without tags is found by its name as a tag, as the original's is.
    tags = wish.tags if wish.tags is not None else (before.tags if before else (name,))
    return InstanceDraft(
        connector=connector.key,
        name=clean_text("name", name),
        tags=clean_tags(tags),
        configuration=configuration,
        secret_keys=list_secret_keys(connector),
        account=before.account if before else NO_ACCOUNT,
        interval_seconds=plan.interval_seconds,
        resources=plan.resources,
        sources=plan.sources,
        callback_url=plan.callback_url,
        full_raw=plan.full_raw,
    )
