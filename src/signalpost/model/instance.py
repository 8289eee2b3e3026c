"""Connector instances and who owns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalpost.model.event import Watermark
from signalpost.model.ids import InstanceId, OrganizationId, UserId


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a user of an organization; ``instance_id`` when an instance token came along.

    ``is_bound``: no secret of the organization came, so that the instance of the token is all there is.
    """

    organization_id: OrganizationId
    user_id: UserId
    instance_id: InstanceId | None = None
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """The provider's account that an instance acts as. ``id`` is stable; ``label`` is for people."""

    id: str
    label: str


NO_ACCOUNT = Account("", "")
"""That of an instance which was imported and not authorised yet: the first authorisation says which it is."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One authenticated, configured use of a connector. ``configuration`` has plain text values, secrets included.

    ``changes`` grows with every change of what is shown of it.
    """

    id: InstanceId
    organization_id: OrganizationId
    user_id: UserId
    connector: str
    name: str
    tags: tuple[str, ...]
    configuration: Mapping[str, str]
    token: str
    account: Account
    disabled: bool
    valid: bool
    created_at: datetime
    changes: int = 0

    @property
    def was_authorised(self) -> bool:
        """Whether it ever was; until then, values that its connector needs may be missing."""
        return self.account != NO_ACCOUNT


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave us to act as the account. ``expires_at`` is None when the token does not expire.

    ``version`` counts how often they were replaced: who failed with an old version may try again with the new.
    """

    access_token: str
    refresh_token: str | None
    expires_at: datetime | None
    version: int = 0


@dataclass(frozen=True, slots=True)
class ResourcePoll:
    """One polled resource of an instance: its configuration and how far it was read.

    ``version`` grows with every commit: who holds an old one has been overtaken. ``id`` names its memory of objects,
    which holds ``remembered`` of them; those dated up to ``forgotten_before`` may have been dropped from it.
    ``failures`` counts failed reads in a row; until ``retry_at`` it is not read again. ``source`` names what the
    watermark is one of (None: that is not known yet). Without a watermark it is read from ``starts_at`` on.
    """

    id: int
    resource: str
    configuration: Mapping[str, Any]
    watermark: Watermark | None
    version: int
    failures: int = 0
    retry_at: datetime | None = None
    disabled: bool = False
    remark: str | None = None
    remembered: int = 0
    forgotten_before: datetime | None = None
    source: str | None = None
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PollState:
    """What a poll needs to know of an instance, loaded at its start.

    ``quota`` is what was kept of the account's calls (``quota.Allowance.to_json``); ``wishes`` how often somebody had
    it polled at once by now.
    """

    instance_id: InstanceId
    organization_id: OrganizationId
    user_id: UserId
    connector: str
    name: str
    tags: tuple[str, ...]
    configuration: Mapping[str, str]
    tokens: Tokens
    interval_seconds: float
    last_poll_at: datetime | None
    quota: Mapping[str, Any] | None
    notified: bool
    full_raw: bool
    resources: tuple[ResourcePoll, ...]
    wishes: int = 0

    @property
    def is_failing(self) -> bool:
        """Whether a resource that is still polled failed when it was read last."""
        return any(each.failures and not each.disabled for each in self.resources)
