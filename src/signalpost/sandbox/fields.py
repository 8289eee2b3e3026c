"""Reads fields of JSON from outside: gives the value, or an error that names what would be right."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from signalpost.model.errors import InvalidRequestError

MOST = 2**63 - 1


def refuse_field(name: str, value: Any, right: str) -> InvalidRequestError:
    """Give the error for a wrong value, to be raised."""
    return InvalidRequestError(f"{name} is {repr(value)[:100]}: it must be {right}")


def read_json(body: bytes) -> Any:
    """Read the body of a control.

    Raises:
        InvalidRequestError: it is no JSON, or nests so deeply that it could not be given back.
    """
    try:
        value = orjson.loads(body)
        orjson.dumps(value)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"the body is not JSON: {error}") from error
    except TypeError as error:
        message = "the body nests arrays and objects too deeply: give at most 250 levels"
        raise InvalidRequestError(message) from error
    return value


def read_whole(name: str, value: Any, *, least: int, most: int = MOST) -> int:
    """Read a whole number between ``least`` and ``most``."""
    if type(value) is not int or not least <= value <= most:
        limits = f"of at least {least}" if most == MOST else f"from {least} to {most}"
        raise refuse_field(name, value, f"a whole number {limits}")
    return value


def read_number(name: str, value: Any) -> float:
    """Read a number that is not negative."""
    if type(value) not in (int, float) or not value >= 0:
        raise refuse_field(name, value, "a number of at least 0")
    return float(value)


def read_flag(name: str, value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise refuse_field(name, value, "true or false")
    return value


def read_text(name: str, value: Any) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise refuse_field(name, value, "a text that is not empty")
    return value


def read_any_text(name: str, value: Any) -> str:
    """Read a text that may be empty."""
    if not isinstance(value, str):
        raise refuse_field(name, value, "a text")
    return value


def read_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Read one of ``choices``; a number stands for its digits."""
    text = str(value)
    if isinstance(value, bool) or text not in choices:
        raise refuse_field(name, value, f"one of {', '.join(choices)}")
    return text


def read_object(name: str, value: Any, allowed: Collection[str]) -> Mapping[str, Any]:
    """Read a JSON object that has no fields but the ``allowed`` ones."""
    if not isinstance(value, dict):
        raise InvalidRequestError(f"{name} must be a JSON object")
    for field in value:
        if field not in allowed:
            raise InvalidRequestError(f"{name} has no field {field[:100]!r}: it takes {', '.join(allowed)}")
    return value


def read_list(name: str, value: Any) -> list[Any]:
    """Read a JSON array."""
    if not isinstance(value, list):
        raise InvalidRequestError(f"{name} must be a JSON array")
    return value
