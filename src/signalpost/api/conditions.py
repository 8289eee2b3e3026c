"""Requests with a condition: an instance's ``ETag``, ``If-Match`` and ``If-None-Match`` (RFC 9110)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Response

from signalpost import __version__
from signalpost.api.parts import ApiParts, ByToken, Named, Own, Parts, connector_of
from signalpost.api.shapes import show_instance
from signalpost.model.errors import ChangedError, FencedError, InvalidRequestError
from signalpost.model.instance import Instance

TAGS = re.compile(r"\s*(?:(?:W/)?\"[!#-~\x80-\xff]*\"\s*(?:,\s*|$))+", re.ASCII)
TAG = re.compile(r"(W/)?(\"[!#-~\x80-\xff]*\")")
MOST_TAGS_CHARACTERS = 2000

IfMatch = Annotated[str | None, Header(alias="If-Match")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]


def make_tag(parts: ApiParts, instance: Instance) -> str:
    """Make the strong tag of an instance: another one after any change of what is kept or shown of it."""
    shown = show_instance(instance, connector_of(parts, instance))
    # What is masked changes the number; what another release shows, the rest.
    text = orjson.dumps([__version__, instance.changes, shown])
    return f'"{hashlib.sha256(text).hexdigest()[:32]}"'


def tag(response: Response, parts: ApiParts, instance: Instance) -> None:
    """Set the ``ETag`` of an answer that shows an instance, or a part of it."""
    response.headers["ETag"] = make_tag(parts, instance)


def find_unchanged(
    response: Response, parts: ApiParts, instance: Instance, if_none_match: str | None
) -> Response | None:
    """Set the ``ETag`` of an answer; give 304 in its place where the caller has the same already."""
    tag(response, parts, instance)
    known = _read("If-None-Match", if_none_match)
    if known is None or not (known == "*" or response.headers["ETag"] in known.values()):
        return None
    return Response(status_code=304, headers={"ETag": response.headers["ETag"]})


def check_known(if_none_match: str | None) -> None:
    """Check ``If-None-Match`` where what is answered has no tag, as a list has none: all of it is sent.

    Raises:
        InvalidRequestError: the header is malformed.
    """
    _read("If-None-Match", if_none_match)


def check_match(parts: ApiParts, instance: Instance, if_match: str | None) -> bool:
    """Check ``If-Match``; True when what follows may be done to exactly this version of the instance.

    Raises:
        ChangedError: the instance has another tag.
        InvalidRequestError: the header is malformed.
    """
    wanted = _read("If-Match", if_match)
    if wanted is None or wanted == "*":
        return False
    if make_tag(parts, instance) not in {quoted for text, quoted in wanted.items() if text == quoted}:
        raise _changed(instance)
    return True


@contextmanager
def refuse_changed(instance: Instance) -> Iterator[None]:
    """Tell that the instance was changed between the check of ``If-Match`` and the transaction.

    Raises:
        ChangedError: it was.
    """
    try:
        yield
    except FencedError as error:
        raise _changed(instance) from error


async def match_named(parts: Parts, instance: Named, if_match: IfMatch = None) -> bool:
    """Check ``If-Match`` for the instance that the path names; raises as ``check_match``."""
    return check_match(parts, instance, if_match)


async def match_own(parts: Parts, own: Own, if_match: IfMatch = None) -> bool:
    """Check ``If-Match`` for the instance whose token is given; raises as ``check_match``."""
    return check_match(parts, own, if_match)


async def match_by_token(parts: Parts, instance: ByToken, if_match: IfMatch = None) -> bool:
    """Check ``If-Match`` for the instance whose token is given, disabled or not; raises as ``check_match``."""
    return check_match(parts, instance, if_match)


NamedExact = Annotated[bool, Depends(match_named)]
OwnExact = Annotated[bool, Depends(match_own)]
ByTokenExact = Annotated[bool, Depends(match_by_token)]
"""Whether the instance must still be as it was read."""


def _changed(instance: Instance) -> ChangedError:
    message = (
        f"If-Match: instance {instance.id} was changed since; read it again (GET /instances/{instance.id}),"
        " and send your change with the ETag it has now"
    )
    return ChangedError(message)


def _read(field: str, text: str | None) -> Any:
    """Read a list of tags: each as it is written, and its quoted part; "*": any; None: none was sent."""
    if text is None:
        return None
    if text.strip() == "*":
        return "*"
    if len(text) > MOST_TAGS_CHARACTERS or not TAGS.fullmatch(text):
        message = f"{field}: {text[:50]!r} is no tag as ETag gives it, in its quotes, nor several with commas"
        raise InvalidRequestError(message)
    return {match[0]: match[2] for match in TAG.finditer(text)}
