"""What receivers check bodies by: the JSON Schema of each form of a notification (``/schemas``), open to everybody."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Response

from signalpost.delivery.formats import CONTENT_TYPES
from signalpost.model.delivery import Format
from signalpost.model.errors import NotFoundError

router = APIRouter(prefix="/schemas", tags=["schemas"])


@router.get("")
async def list_schemas() -> list[dict[str, Any]]:
    """List the schemas: each with its name and the content type of the bodies it is for."""
    return [{"name": form.value, "contentType": CONTENT_TYPES[form]} for form in Format]


@router.get("/{name}")
async def read_schema(name: str) -> Response:
    """Give a schema (JSON Schema 2020-12)."""
    if name not in set(Format):
        message = f"there is no schema {name[:50]!r}; known: {', '.join(Format)}"
        raise NotFoundError(message)
    return Response(_read(name), media_type="application/schema+json")


@cache
def _read(name: str) -> bytes:
    return (files("signalpost.delivery") / "schemas" / f"{name}.json").read_bytes()
