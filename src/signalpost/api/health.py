"""Whether the service lives, is ready, and what it counts: no secret needed (metrics: loopback, or a token)."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from fastapi import APIRouter, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from signalpost.api.parts import Parts
from signalpost.model.errors import ForbiddenError

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def check_alive() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "alive"}


@router.get("/readyz")
async def check_ready(parts: Parts) -> dict[str, str]:
    """Say whether the database answers."""
    if not await parts.health.is_ready():
        raise HTTPException(503, "the database does not answer")
    return {"status": "ready"}


@router.get("/metrics")
async def show_metrics(parts: Parts, request: Request) -> Response:
    """Show the counters in Prometheus' text format."""
    host = request.client.host if request.client else ""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = parts.metrics_token is not None and hmac.compare_digest(
        given.encode(), parts.metrics_token.encode()
    )
    if not allowed and not _is_loopback(host):
        message = (
            "metrics are shown to loopback addresses, or with the bearer token of SIGNALPOST_METRICS_TOKEN"
        )
        raise ForbiddenError(message)
    return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
