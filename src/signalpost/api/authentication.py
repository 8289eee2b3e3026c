"""Who asks: the ``Authorization`` header of Open Connectors (open-connectors.md 3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from signalpost.model.errors import UnauthenticatedError

PART = re.compile(r"\s*(User|Organization|Element)\s+([^\s,]+)\s*", re.IGNORECASE)

EXPECTED = "Authorization: User <user secret>, Organization <organization secret>[, Element <instance token>]"
MISSING = f"the Authorization header is missing; send {EXPECTED}"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one request; None where not given."""

    user: str | None = None
    organization: str | None = None
    element: str | None = None


def read_authorization(header: str | None) -> Secrets:
    """Read the parts of the header, in any order and letter case.

    Raises:
        UnauthenticatedError: it is missing, malformed, names a part twice, or lacks the user's secret.
    """
    if not header:
        raise UnauthenticatedError(MISSING)
    found: dict[str, str] = {}
    for part in header.split(","):
        match = PART.fullmatch(part)
        if match is None or match[1].lower() in found:
            message = f"the Authorization header is malformed; send {EXPECTED}"
            raise UnauthenticatedError(message)
        found[match[1].lower()] = match[2]
    secrets = Secrets(**found)
    if secrets.user is None or (secrets.organization is None and secrets.element is None):
        message = f"the Authorization header lacks a secret; send {EXPECTED}"
        raise UnauthenticatedError(message)
    return secrets
