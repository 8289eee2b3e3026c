"""What the API knows: collections of records, credentials, tokens given out, faults ordered."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from signalpost.model.errors import InvalidRequestError

FAULTS = ("html", "not_a_list", "no_list", "same_page", "endless", "other_host", "status", "cut_off")
"""Ways of answering wrongly that can be ordered under ``/_sandbox/faults``."""


@dataclass(slots=True)
class Settings:
    """What calls must bring, how long tokens are good, how large pages are."""

    api_key: str = "key-of-the-sandbox"
    username: str = "user"
    password: str = "password"  # noqa: S105 - of the sandbox
    client_id: str = "key"
    client_secret: str = "secret"  # noqa: S105 - of the sandbox
    token_seconds: int = 3600
    page_size: int = 100


@dataclass(slots=True)
class Fault:
    """An answer that is wrong, for the next ``times`` calls."""

    kind: str
    times: int = 1
    status: int = 503
    retry_after: str = ""


@dataclass(slots=True)
class State:
    """Everything, in memory."""

    settings: Settings = field(default_factory=Settings)
    collections: dict[str, list[Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    """The challenge that each code was asked for with, or ""."""
    access_tokens: dict[str, float] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    calls: int = 0
    tokens_given: int = 0

    def change(self, collection: str, given: dict[str, Any]) -> dict[str, Any]:
        """Add a record, or change the one of its ``id``; id and dates are filled in where they are not given."""
        records = self.collections.setdefault(collection, [])
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for record in records:
            if "id" in given and isinstance(record, dict) and record.get("id") == given["id"]:
                record.update({"updated_at": now} | given)
                return record
        numbers = [
            each["id"] for each in records if isinstance(each, dict) and isinstance(each.get("id"), int)
        ]
        record = {"id": max(numbers, default=0) + 1, "created_at": now, "updated_at": now} | given
        records.append(record)
        return record

    def remove(self, collection: str, record_id: str) -> None:
        """Take a record away.

        Raises:
            InvalidRequestError: there is none.
        """
        records = self.collections.get(collection, [])
        kept = [each for each in records if not isinstance(each, dict) or str(each.get("id")) != record_id]
        if len(kept) == len(records):
            message = f"{collection} has no record with the id {record_id[:100]!r}"
            raise InvalidRequestError(message)
        self.collections[collection] = kept

    def give_tokens(self, now: float, *, refresh: bool) -> dict[str, Any]:
        """Give an access token, and where it may be renewed a refresh token, as RFC 6749 has it."""
        seconds = self.settings.token_seconds
        access_token = secrets.token_urlsafe(24)
        self.access_tokens[access_token] = now + seconds
        self.tokens_given += 1
        answer: dict[str, Any] = {"access_token": access_token, "token_type": "bearer", "expires_in": seconds}
        if refresh:
            answer["refresh_token"] = secrets.token_urlsafe(24)
            self.refresh_tokens.add(answer["refresh_token"])
        return answer

    def take_fault(self) -> Fault | None:
        """Take the fault that the next call is to have."""
        if not self.faults:
            return None
        fault = self.faults[0]
        fault.times -= 1
        if fault.times <= 0:
            del self.faults[0]
        return fault
