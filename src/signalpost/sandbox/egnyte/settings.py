"""What the sandbox can be told to do otherwise, at the start or by ``PATCH /_sandbox/settings``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.fields import (
    read_choice,
    read_flag,
    read_list,
    read_number,
    read_object,
    read_text,
    read_whole,
    refuse_field,
)

Reader = Callable[[str, Any], Any]

NEVER_EXPIRES = -1
THIRTY_DAYS_SECONDS = 2_592_000


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as a developer registers it. ``redirect_uris`` are all that it may redirect to."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]


def _read_count(name: str, value: Any) -> int:
    return read_whole(name, value, least=1)


def _status(*choices: str) -> Reader:
    return lambda name, value: int(read_choice(name, value, choices))


def _read_over_max_count(name: str, value: Any) -> str:
    return read_choice(name, value, ("clamp", "400"))


def _read_window(name: str, value: Any) -> float:
    if read_number(name, value) < 1:
        raise refuse_field(name, value, "a number of at least 1")
    return float(value)


def _read_expires_in(name: str, value: Any) -> int:
    if value in (NEVER_EXPIRES, str(NEVER_EXPIRES)):
        return NEVER_EXPIRES
    if type(value) is not int or value < 1:
        raise refuse_field(name, value, "a whole number of seconds, or -1 for a token that never expires")
    return value


def _read_keys(name: str, value: Any) -> tuple[Key, ...]:
    keys = []
    for place, item in enumerate(read_list(name, value)):
        where = f"{name}[{place}]"
        given = read_object(where, item, ("client_id", "secret", "redirect_uris"))
        secret = given.get("secret")
        if not isinstance(secret, str) or not secret:
            raise InvalidRequestError(f"{where}.secret must be a text that is not empty")
        uris = read_list(f"{where}.redirect_uris", given.get("redirect_uris", []))
        keys.append(
            Key(
                client_id=read_text(f"{where}.client_id", given.get("client_id")),
                secret=secret,
                redirect_uris=tuple(read_text(f"{where}.redirect_uris", uri) for uri in uris),
            )
        )
    return tuple(keys)


def _setting(default: Any, read: Reader) -> Any:
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. docs/reference/sandbox.md says what each does."""

    retention: int = _setting(500_000, _read_count)
    retention_seconds: float = _setting(float(THIRTY_DAYS_SECONDS), read_number)
    lost_cursor_status: int = _setting(404, _status("404", "400"))
    future_cursor: int = _setting(204, _status("204", "404", "400"))
    over_max_count: str = _setting("clamp", _read_over_max_count)
    lag_seconds: float = _setting(0.0, read_number)
    permission_filtering: bool = _setting(False, read_flag)
    numbers_as_strings: bool = _setting(False, read_flag)
    qps: int = _setting(1_000, _read_count)
    quota_per_day: int = _setting(10_000_000, _read_count)
    throttle_status: int = _setting(403, _status("403", "429"))
    token_calls_per_hour: int = _setting(1_000_000, _read_count)
    expires_in: int = _setting(THIRTY_DAYS_SECONDS, _read_expires_in)
    refresh_rotation: bool = _setting(True, read_flag)
    code_lifetime_seconds: float = _setting(600.0, read_number)
    strict_keys: bool = _setting(False, read_flag)
    keys: tuple[Key, ...] = _setting((), _read_keys)
    quota_reset_header: bool = _setting(True, read_flag)
    shuffle_pages: bool = _setting(False, read_flag)
    audit_page_size: int = _setting(5_000, _read_count)
    audit_window_seconds: float = _setting(1_800.0, _read_window)
    audit_calls_per_minute: int = _setting(1_000_000, _read_count)
    audit_calls_per_hour: int = _setting(1_000_000, _read_count)

    def find_key(self, client_id: str) -> Key | None:
        """Give the key of ``client_id``; None when no such key is known.

        Unless ``strict_keys`` is on, every client is known, with the secret ``secret`` and any redirect
        address.
        """
        if not self.strict_keys:
            return Key(client_id, "secret", ())
        return next((key for key in self.keys if key.client_id == client_id), None)


REALISTIC: Mapping[str, Any] = {
    "qps": 2,
    "quota_per_day": 1_000,
    "token_calls_per_hour": 100,
    "audit_calls_per_minute": 10,
    "audit_calls_per_hour": 100,
}
"""Egnyte's own limits (egnyte-api.md section 6)."""

_READERS: Mapping[str, Reader] = {item.name: item.metadata["read"] for item in fields(Settings)}


def change_settings(settings: Settings, given: Any) -> Settings:
    """Give ``settings`` with the fields of ``given`` (decoded JSON) changed.

    Raises:
        InvalidRequestError: a setting is unknown or its value wrong; it is named.
    """
    known = read_object("settings", given, _READERS)
    return replace(settings, **{name: _READERS[name](name, value) for name, value in known.items()})


def show_settings(settings: Settings, *, with_secrets: bool = False) -> dict[str, Any]:
    """Give the settings as JSON; the keys' secrets only ``with_secrets``, for the state file."""
    shown: dict[str, Any] = {name: getattr(settings, name) for name in _READERS}
    shown["keys"] = [
        {"client_id": key.client_id, "redirect_uris": list(key.redirect_uris)}
        | ({"secret": key.secret} if with_secrets else {})
        for key in cast("tuple[Key, ...]", shown["keys"])
    ]
    return shown
