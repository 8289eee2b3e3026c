"""The OpenAPI document: the schemas, limits and examples of everything that the API takes and answers."""

from __future__ import annotations

from signalpost.api.described.document import describe, list_operations

__all__ = ["describe", "list_operations"]
