"""Headers that every call of a connector has, besides those that authorise it: which those may be. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from signalpost.model.headers import belongs_to_connection, is_header_name

SECRETS = frozenset({"authorization", "cookie"})
_TEXT = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?")


class OwnHeaders(Protocol):
    """What a connector has besides ``base.Connector`` whose calls have fixed headers, as for a version of the API."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; none may be a secret, for they are not masked."""
        ...


def list_headers(connector: object) -> Mapping[str, str]:
    """Give the fixed headers of a connector; one that has none says nothing of them."""
    return getattr(connector, "headers", {})


def find_wrong_header(headers: Mapping[str, str]) -> str:
    """Say what is wrong with fixed headers, "" if nothing is. Values are not shown: a secret may stand there."""
    seen: set[str] = set()
    for name, text in headers.items():
        if not is_header_name(name):
            return f"{name!r:.100} is no name of a header; give letters, digits and hyphens, as in Notion-Version"
        if belongs_to_connection(name):
            return f"{name} belongs to the connection; leave it out"
        if name.lower() in SECRETS:
            return f"{name} authorises calls, and no secret stands here; leave it to auth"
        if name.lower() in seen:
            return f"{name} stands there twice; give each name once, in any letter case"
        if not isinstance(text, str) or not _TEXT.fullmatch(text):
            return f"the value of {name} is no line of visible ASCII characters"
        seen.add(name.lower())
    return ""


def merge_headers(*layers: Mapping[str, str]) -> dict[str, str]:
    """Put headers together, the later over the earlier, in whatever case their names are written."""
    return dict({name.lower(): (name, text) for each in layers for name, text in each.items()}.values())
