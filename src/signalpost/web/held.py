"""What was sent and could not be taken is held: sealed, for an hour, in the page that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from fastapi import Request

from signalpost.model.errors import InvalidRequestError

HELD = "held"
"""The field of a form that brings again what was held."""

HELD_SECONDS = 3600
MOST_HELD = 900_000
"""What is longer, sealed, would be more than a form may hold."""


def hold_form(request: Request, fields: Mapping[str, Sequence[str]]) -> str | None:
    """Seal the fields of a form (each with its values), for the path it was sent to, so that it can be sent again.

    None: it is too long, or nothing the browser says shows that one of our own pages sent it. Who presses the button
    that sends it again vouches for it, and does not see it: another site's form must not come that far.
    """
    # A foreign origin is refused where the form is read.
    own = (
        request.headers.get("sec-fetch-site") == "same-origin"
        or request.headers.get("origin", "null") != "null"
    )
    if not own:
        return None
    # Whoever can send a form has one held: that it was sealed here says nothing of who sends it now.
    if HELD in fields:
        return fields[HELD][-1]
    pairs = [(name, value) for name, values in fields.items() if name != "csrf" for value in values]
    parts = request.app.state.parts
    held: str = parts.vault.seal_text(_name_purpose(request), orjson.dumps(pairs).decode(), parts.api.clock())
    return held if len(held) <= MOST_HELD else None


def open_held(request: Request, held: str) -> list[tuple[str, str]]:
    """Give the names and values of a form that ``hold_form`` sealed.

    Raises:
        InvalidRequestError: it was held for another path, or more than an hour ago.
    """
    parts = request.app.state.parts
    text = parts.vault.unseal_text(_name_purpose(request), held, parts.api.clock(), seconds=HELD_SECONDS)
    if text is None:
        raise InvalidRequestError(
            "what was typed is held for an hour, and that has passed; fill the form in anew"
        )
    return [(name, value) for name, value in orjson.loads(text)]


def _name_purpose(request: Request) -> str:
    return f"form sent to {request.url.path}"
