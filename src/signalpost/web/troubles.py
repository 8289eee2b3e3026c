"""What is wrong, as pages show it: on the overview, and in full under Operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from signalpost.connectors.authorising import asks_consent
from signalpost.model.addresses import mask_url
from signalpost.store.views.troubles import MOST_COUNTED, Kind, Trouble
from signalpost.web.parts import WebParts
from signalpost.web.visits import Visit

NEEDS_NOBODY = frozenset({Kind.FAILING})
"""What mends itself, or becomes worse and is told then."""

WITH_URL = frozenset({Kind.HELD, Kind.DEACTIVATED})


@dataclass(frozen=True, slots=True)
class Found:
    """What is wrong; ``more``: there is more of some kind than is shown. The rest is what its words need.

    ``consenting`` has the keys of the connectors to whose accounts a person consents.
    """

    troubles: Sequence[Trouble]
    more: bool
    consenting: frozenset[str]
    most_counted: int
    retention_days: float


async def find_troubles(parts: WebParts, visit: Visit, *, limit: int) -> Found:
    """Find what is wrong with the organization's instances, up to ``limit`` of each kind; URLs are masked."""
    registry = parts.api.registry
    found = await parts.troubles.list_troubles(
        visit.organization_id, parts.api.clock(), limit=limit + 1, installed=[each.key for each in registry]
    )
    kept: list[Trouble] = []
    more = False
    for kind in Kind:
        of_kind = [each for each in found if each.kind is kind]
        more |= len(of_kind) > limit
        kept += [
            replace(each, what=mask_url(each.what or "")) if kind in WITH_URL else each
            for each in of_kind[:limit]
        ]
    consenting = frozenset(each.key for each in registry if asks_consent(each))
    return Found(kept, more, consenting, MOST_COUNTED, parts.operations.retention_days)
