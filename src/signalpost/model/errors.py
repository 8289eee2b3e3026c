"""Errors, grouped by what to do next (docs/architecture.md has the table: error -> what we do -> what is seen)."""

from __future__ import annotations

import re
from typing import ClassVar

LONGEST_MESSAGE = 10_000
LONGEST_WAIT_SECONDS = 2 * 86_400.0
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


def replace_unusable(text: str) -> str:
    """Replace what PostgreSQL cannot keep in a text: NUL characters, and halves of a character."""
    if text.isascii() and "\0" not in text:  # nearly all are so, and three of each event are looked at
        return text
    return _UNUSABLE.sub("\ufffd", text)


def explain_bind(error: Exception) -> str:
    """Say why nobody can listen on an address: the system says it, or no host can have that name."""
    return getattr(error, "strerror", None) or "that is no valid host name"


class SignalpostError(Exception):
    """Root of all errors the product raises on purpose. ``str()`` of it may be shown to anybody.

    It can be stored as well, whatever a provider's words or a connector's brought into it, and is not without end.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(replace_unusable(str(message)[:LONGEST_MESSAGE]))


class ConfigurationError(SignalpostError):
    """The installation is set up wrongly: mend what the message names and start again."""


class RequestError(SignalpostError):
    """The caller must change the request.

    ``status`` is the HTTP status of the answer; ``provider_message`` the provider's own words, if it spoke.
    """

    status = 400

    def __init__(self, message: str, *, provider_message: str | None = None) -> None:
        super().__init__(message)
        self.provider_message = provider_message


class InvalidRequestError(RequestError):
    """A value is wrong: the message names the field, the value and what would be right."""


class UnauthenticatedError(RequestError):
    """Secrets are missing or wrong."""

    status = 401


class ForbiddenError(RequestError):
    """The caller is known but may not do this (a disabled instance, say)."""

    status = 403


class NotFoundError(RequestError):
    """There is no such thing, or it is not the caller's."""

    status = 404


class ConflictError(RequestError):
    """The thing's present state does not allow it."""

    status = 409


class InProgressError(ConflictError):
    """The same request, by its idempotency key, still runs: its answer can be had soon."""

    headers: ClassVar = {"Retry-After": "1"}


class ChangedError(RequestError):
    """The thing is not any more as the caller's ``If-Match`` has it: read it again, then decide."""

    status = 412


class KeyReusedError(RequestError):
    """The idempotency key came with another request."""

    status = 422


class TooLargeError(RequestError):
    """The body is larger than allowed."""

    status = 413


class TooSlowError(RequestError):
    """The body does not come: the connection is closed."""

    status = 408
    headers: ClassVar = {"Connection": "close"}


class TooManyError(RequestError):
    """Too many attempts: refused for ``after_seconds``, whether the next one would be right or not."""

    status = 429

    def __init__(self, message: str, *, after_seconds: float) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class ProviderError(SignalpostError):
    """A call to the provider did not give what was asked. Subclasses say what to do."""


class NeedsAuthorisationError(ProviderError):
    """The provider no longer accepts our credentials: polling stops until somebody authorises again."""


class RenewedTokenRefusedError(NeedsAuthorisationError):
    """The provider refuses the very token that it has just given: once, that may pass."""


class RetryLaterError(ProviderError):
    """The provider cannot answer this now: back off, for ``after_seconds`` at least if it named a time.

    The other resources of the instance go on. More than two days count as two, and what is no time as none.
    """

    def __init__(self, message: str, *, after_seconds: float | None = None) -> None:
        super().__init__(message)
        # Others write connectors too.
        is_time = isinstance(after_seconds, (int, float)) and after_seconds >= 0
        self.after_seconds = min(after_seconds or 0.0, LONGEST_WAIT_SECONDS) if is_time else None


class TooFastError(RetryLaterError):
    """The calls come faster than this account is allotted: the session slows down and asks again."""


class QuotaSpentError(RetryLaterError):
    """The account's calls of this day are used up: no fault of anybody's, polling goes on once there are new ones."""


class MissingError(ProviderError):
    """The provider does not know what was asked for (404)."""


class RejectedError(ProviderError):
    """The provider does not take the call as it was made (400)."""


class WatermarkLostError(ProviderError):
    """The provider no longer keeps what follows our watermark: record a gap, go on from the oldest kept."""


class AccessRefusedError(ProviderError):
    """The provider refuses this call to this account: a permission or scope is missing."""


class ConnectorError(ProviderError):
    """The provider's answer breaks its contract, or the connector has a fault: tell, back off."""


class AddressRefusedError(SignalpostError):
    """An outgoing address is not allowed (private network, bad host): nothing was sent."""


class FencedError(SignalpostError):
    """Somebody else has moved the row on since we read it: drop our work, they have it."""


class DatabaseLostError(Exception):
    """The database was lost amid a connector's step; its cause says how. The connector has no part in it."""


class NotNowError(RequestError):
    """The database is in trouble, or too many requests wait already: the same request may be sent again soon."""

    status = 503
    headers: ClassVar = {"Retry-After": "5"}


class UnavailableError(RequestError):
    """What the request needs (the provider, the database) cannot be reached now: nothing was kept, try again."""

    status = 500
