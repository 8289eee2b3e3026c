"""What the pages work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Path, Request

from signalpost.accounts.accounts import Accounts
from signalpost.api.parts import ApiParts
from signalpost.delivery.again import Again
from signalpost.instances.consent import Consents
from signalpost.model.member import Member
from signalpost.store.accounts.audit import Audit
from signalpost.store.accounts.sessions import Sessions
from signalpost.store.applications import Applications
from signalpost.store.connections import Connections
from signalpost.store.vault import Vault
from signalpost.store.views.delivery_list import DeliveryList
from signalpost.store.views.failed import Failed
from signalpost.store.views.insight import Insight
from signalpost.store.views.instance_health import InstanceHealth
from signalpost.store.views.instance_story import InstanceStory
from signalpost.store.views.operations import Operations
from signalpost.store.views.pulse import Pulse
from signalpost.store.views.recent import Recent
from signalpost.store.views.troubles import Troubles
from signalpost.web.streams import Streams


@dataclass(frozen=True, slots=True)
class WebParts:
    """Everything the pages call: what the API calls (``api``), and what the console has besides.

    ``public_url`` is the address under which browsers reach us, where the settings say it.
    """

    api: ApiParts
    accounts: Accounts
    sessions: Sessions
    audit: Audit
    applications: Applications
    connections: Connections
    consents: Consents
    vault: Vault
    instance_health: InstanceHealth
    instance_story: InstanceStory
    insight: Insight
    troubles: Troubles
    operations: Operations
    recent: Recent
    delivery_list: DeliveryList
    failed: Failed
    again: Again
    pulse: Pulse
    streams: Streams
    public_url: str | None

    async def note(self, member: Member, action: str, detail: str, instance_id: int | None = None) -> None:
        """Write to the audit trail what a member did just now. No secret may stand in ``detail``."""
        await self.audit.add(member, action, detail, self.api.clock(), instance_id=instance_id)


def give_parts(request: Request) -> WebParts:
    """Give the parts of the app that answers."""
    return cast("WebParts", request.app.state.parts)


Web = Annotated[WebParts, Depends(give_parts)]
RowId = Annotated[int, Path(ge=1, lt=2**63)]
