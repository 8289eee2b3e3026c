"""One module for each family of pages."""

from __future__ import annotations

from signalpost.web.routes import (
    actions,
    connect,
    connectors,
    consent,
    deliveries,
    events,
    instances,
    live,
    me,
    operations,
    organization,
    overview,
    replays,
    signin,
)

ROUTERS = (
    overview.router,
    signin.router,
    me.router,
    organization.router,
    connectors.router,
    # /instances/new comes before /instances/{id}.
    connect.router,
    consent.router,
    actions.router,
    replays.router,
    instances.router,
    # /events/live comes before /events/{id}.
    live.router,
    events.router,
    deliveries.router,
    operations.router,
)
"""The routers of all pages."""
