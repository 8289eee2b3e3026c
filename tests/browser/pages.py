"""Every page of the console, as the seeded service has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """A page: its name (of its screenshots), its path, who looks (none: somebody not signed in), its answer."""

    name: str
    path: str
    role: str | None = "admin"
    status: int = 200

    def locate(self, ids: Mapping[str, Any]) -> str:
        return self.path.format_map(ids)


PAGES = (
    Page("sign-in", "/sign-in", None),
    Page("link-spent", "/invitation/not-a-good-one", None, 404),
    Page("set-up", "/setup/{setup}", None),
    Page("invitation", "/invitation/{invitation}", None),
    Page("overview", "/"),
    Page("overview-first-use", "/", "newcomer"),
    Page("instances", "/instances"),
    Page("instances-none", "/instances", "newcomer"),
    Page("instance", "/instances/{legal}"),
    Page("instance-held", "/instances/{finance}"),
    Page("instance-needs-authorisation", "/instances/{archive}"),
    Page("instance-paused", "/instances/{scans}"),
    Page("instance-events", "/instances/{legal}/events"),
    Page("instance-deliveries", "/instances/{legal}/deliveries"),
    Page("instance-configuration", "/instances/{legal}/configuration"),
    Page("instance-history", "/instances/{legal}/history"),
    Page("instance-edit", "/instances/{legal}/edit"),
    Page("instance-key", "/instances/{legal}/key"),
    Page("instance-delete", "/instances/{legal}/delete"),
    Page("replay-ask", "/instances/{legal}/replay"),
    Page("replay", "/instances/{legal}/replays/{replay}"),
    Page("events", "/events"),
    Page("events-none", "/events", "newcomer"),
    Page("events-none-found", "/events?path=nothing+is+called+so"),
    Page("event", "/events/{event}"),
    Page("deliveries", "/deliveries"),
    Page("deliveries-none", "/deliveries", "newcomer"),
    Page("deliveries-progress", "/deliveries/progress?replays={replay}"),
    Page("delivery", "/deliveries/{delivery}"),
    Page("delivery-dead", "/deliveries/{dead}"),
    Page("connectors", "/connectors"),
    Page("connector", "/connectors/egnyte"),
    Page("connect", "/instances/new?connector=egnyte"),
    Page("connect-again", "/connect/again/{refused}"),
    Page("connect-refused", "/connect/result/{refused}"),
    Page("connect-link", "/connect/{link}", None),
    Page("operations", "/operations"),
    Page("operations-as-viewer", "/operations", "viewer"),
    Page("organization", "/organization"),
    Page("organization-as-viewer", "/organization", "viewer"),
    Page("instance-as-viewer", "/instances/{legal}", "viewer"),
    Page("member", "/organization/members/{member}"),
    Page("secrets", "/organization/secrets"),
    Page("secret-revoke", "/organization/secrets/organization/{secret}/revoke"),
    Page("application-delete", "/organization/applications/{application}/delete", "newcomer"),
    Page("audit", "/organization/audit"),
    Page("me", "/me"),
    Page("not-found", "/nothing-is-here", "admin", 404),
    Page("not-allowed", "/instances/{legal}/edit", "viewer", 403),
)
