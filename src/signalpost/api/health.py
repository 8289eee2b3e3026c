"""Whether the service lives, is ready, and what it counts: no secret needed (metrics: loopback, or a token)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from signalpost.api.parts import Parts
from signalpost.model.errors import ForbiddenError

router = APIRouter(tags=["health"])

FORWARDED = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)
"""Any of these says that a proxy passed the request on: each proxy has its own (RFC 7239; RFC 9110, 7.6.3)."""


@router.get("/healthz")
async def check_alive(parts: Parts, request: Request, response: Response) -> dict[str, Any]:
    """Say whether the process answers and none of its services hangs: if not, a restart helps."""
    return _tell("alive", "stuck", parts.vitals.find_stuck(), request, response)


@router.get("/readyz")
async def check_ready(parts: Parts, request: Request, response: Response) -> dict[str, Any]:
    """Say whether it does its work: the database is well, and the services of its roles succeed."""
    checks = {"database": await parts.health.find_trouble(), **parts.vitals.find_failing()}
    return _tell("ready", "not ready", checks, request, response)


def _tell(
    well: str, ill: str, checks: Mapping[str, str | None], request: Request, response: Response
) -> dict[str, Any]:
    reasons = {name: reason for name, reason in checks.items() if reason is not None}
    told = {
        "status": ill if reasons else well,
        "checks": {
            name: {"ok": True} if reason is None else {"ok": False, "reason": reason}
            for name, reason in checks.items()
        },
    }
    if reasons:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        told["requestId"] = request.state.request_id
        told["message"] = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return told


@router.get("/metrics")
async def show_metrics(parts: Parts, request: Request) -> Response:
    """Show the counters in Prometheus' text format."""
    host = request.client.host if request.client else ""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = parts.metrics_token is not None and hmac.compare_digest(
        given.encode(), parts.metrics_token.encode()
    )
    # Through a proxy anybody may look like loopback: what was forwarded needs the token.
    is_near = _is_loopback(host) and not any(name in request.headers for name in FORWARDED)
    if not allowed and not is_near:
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
