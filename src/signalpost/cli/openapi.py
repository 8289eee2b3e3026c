"""The API's description."""

from __future__ import annotations

import json

from signalpost.api.app import build_routes


def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    print(json.dumps(build_routes().openapi(), indent=2))
