"""Signature keys: rotated with an overlap (``/instances/{id}/signature-keys``), by id or by instance token."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Body as FromBody
from pydantic import Field

from signalpost.api.bodies import Body
from signalpost.api.conditions import NamedExact, OwnExact, refuse_changed
from signalpost.api.parts import Named, Own, Parts, connector_of
from signalpost.api.reading import JsonRoute
from signalpost.api.shapes import show_time
from signalpost.instances.signature_keys import DEFAULT_OVERLAP_SECONDS, rotate_key

router = APIRouter(prefix="/instances", tags=["instances"], route_class=JsonRoute)


class SignatureKeyBody(Body):
    """The body of ``PUT /instances/{id}/signature-keys``."""

    key: str | None = None
    overlap_seconds: float | None = Field(default=None, alias="overlapSeconds")


Wished = Annotated[SignatureKeyBody | None, FromBody()]


@router.put("/signature-keys")
async def rotate_own_key(parts: Parts, own: Own, exact: OwnExact, body: Wished = None) -> dict[str, Any]:
    """Rotate the signature key of the instance whose token is given (see PUT with an id)."""
    return await rotate_signature_key(parts, own, body, exact=exact)


@router.put("/{instance_id}/signature-keys")
async def rotate_signature_key(
    parts: Parts, instance: Named, body: Wished = None, exact: NamedExact = False
) -> dict[str, Any]:
    """Sign with a new key, and with the one before it until the overlap ends. A key that is made is shown once."""
    wished = body or SignatureKeyBody()
    with refuse_changed(instance):
        rotation = await rotate_key(
            parts.instances,
            instance,
            connector_of(parts, instance),
            key=wished.key,
            overlap_seconds=DEFAULT_OVERLAP_SECONDS
            if wished.overlap_seconds is None
            else wished.overlap_seconds,
            now=parts.clock(),
            make_bytes=os.urandom,
            exact=exact,
        )
    shown = {"previousKeyUntil": show_time(rotation.previous_key_until)}
    return shown if rotation.key is None else {"key": rotation.key, **shown}
