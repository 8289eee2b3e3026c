"""Checks bodies by the schemas that are published: all that the tests receive, and the examples in the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from signalpost.delivery.formats import CONTENT_TYPES
from signalpost.model.delivery import Format


@cache
def read_validator(form: Format) -> Any:
    """Give what validates bodies of a form."""
    text = (files("signalpost.delivery") / "schemas" / f"{form}.json").read_text()
    return jsonschema_rs.Draft202012Validator(json.loads(text), validate_formats=True)


def tell_form(content_type: str, body: Any) -> Format | None:
    """Tell a body's form by its content type, and where two have the same by its shape; None: a notice."""
    if content_type == CONTENT_TYPES[Format.CLOUDEVENTS]:
        return Format.CLOUDEVENTS
    assert content_type == "application/json", content_type
    if "kind" in body:
        return None
    return Format.OPEN_CONNECTORS if "message" in body else Format.STANDARD_WEBHOOKS


def check_body(headers: Mapping[str, str], body: Any) -> Format | None:
    """Check a body, as bytes or as read from JSON, by the schema of its form; give the form, None for a notice."""
    parsed = json.loads(body) if isinstance(body, bytes) else body
    types = [value for name, value in headers.items() if name.lower() == "content-type"]
    form = tell_form(types[0], parsed)
    if form is not None:
        read_validator(form).validate(parsed)
    if form is Format.OPEN_CONNECTORS:
        raw = parsed["message"]["raw"]
        # What a schema cannot say: the records stand under the name that objectType tells.
        assert isinstance(raw[raw["objectType"]], list)
        assert bool(raw.get("omitted")) == (raw[raw["objectType"]] == [])
    return form


class Checked:
    """Checks what a listener takes. Its answer is not disturbed: what is wrong is raised at the end."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def take(self, received: dict[str, Any]) -> None:
        """Check one notification as the listener gives it."""
        try:
            check_body(received["headers"], received["body"])
        except Exception as error:  # told at the end, whatever it is
            self.errors.append(error)

    def raise_first(self) -> None:
        """Raise the first error, if there was any."""
        if self.errors:
            raise self.errors[0]
