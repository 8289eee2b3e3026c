"""The reference of the connector contract, from the docstrings of what connectors are written against."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import EnumType
from types import FunctionType
from typing import Any

from signalpost.connectors import authorising, base, fixed_headers, resource
from signalpost.model import errors, event, instance
from signalpost.outbound import answer

HEAD = """# Connector contract

What a connector gives the service, what it is given, and what it raises: made from the code. [Write a
connector](../how-to/write-a-connector.md) says how to begin, and which of it `ConnectorSuite` checks.

A package announces its connector by an entry point of the group `signalpost.connectors`, `name = "package.module:factory"`. The
factory is called with None and gives the connector, one object for all its instances. All of its code runs in the service's event loop: what
waits must be `async`, and go through the `Session`.
"""

PARTS: dict[str, tuple[Any, ...]] = {
    "The connector": (base.Connector, authorising.OwnAuthorisation, authorising.Grant, authorising.OwnParameters,
                      fixed_headers.OwnHeaders),
    "What it declares": (base.Field, base.FieldKind, base.Authorization, resource.Resource, resource.Strategy),
    "How it reads": (resource.Session, answer.Answer, resource.Listing, resource.ListPage, resource.Condition,
                     resource.Feed, event.Page, event.Change, event.EventType, event.Remembered, event.Gap),
    "What it tells": (instance.Account, instance.Tokens, base.Quota),
}  # fmt: skip
RAISED = (errors.InvalidRequestError, errors.ProviderError, *errors.ProviderError.__subclasses__(),
          *errors.RetryLaterError.__subclasses__())  # fmt: skip


def write_doc(kind: Any) -> str:
    """Give a docstring as Markdown: a paragraph each, without where its rule comes from."""
    text = inspect.getdoc(kind) or ""
    text = re.sub(r"\s*\((?:architecture|open-connectors|``connectors\.session``)[^)]*\)", "", text)
    text = re.sub(r"``([^`]*)``", r"`\1`", text)
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def list_members(kind: Any) -> Iterator[str]:
    """Give a line for each thing that a kind has."""
    if isinstance(kind, EnumType):
        yield f"One of {', '.join(f'`{each.name}`' for each in kind)}."
    elif is_dataclass(kind):
        for each in fields(kind):
            default = "" if "MISSING" in repr(each.default) else f" = {show_default(each.default)}"
            yield f"- `{each.name}: {each.type}{default}`"
        for name, each in vars(kind).items():
            if not name.startswith("_") and isinstance(each, (property, FunctionType)):
                yield write_member(name, each)
    elif issubclass(kind, tuple):
        yield from list_fields(kind)
    elif not issubclass(kind, Exception):
        for name, each in vars(kind).items():
            if not name.startswith("_"):
                yield write_member(name, each)


def list_fields(kind: Any) -> Iterator[str]:
    """Give a line for each field of a named tuple."""
    defaults = kind._field_defaults
    for name, told in inspect.get_annotations(kind).items():
        default = f" = {show_default(defaults[name])}" if name in defaults else ""
        yield f"- `{name}: {told.__forward_arg__}{default}`"


def show_default(value: Any) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(type(value), EnumType) else repr(value)


def write_member(name: str, member: Any) -> str:
    if isinstance(member, property):
        return f"- `{name}: {member.fget.__annotations__['return']}`: {write_doc(member.fget)}"
    signature = (
        str(inspect.signature(member)).replace("(self, ", "(").replace("(self)", "()").replace("'", "")
    )
    word = "async " if inspect.iscoroutinefunction(member) else ""
    return f"- `{word}{name}{signature}`: {write_doc(member)}".replace("\n\n", " ")


def write_contract() -> str:
    """Write the page."""
    page = HEAD
    for title, kinds in PARTS.items():
        page += f"\n## {title}\n"
        for kind in kinds:
            members = "\n".join(list_members(kind))
            page += f"\n### `{kind.__name__}`\n\nIn `{kind.__module__}`. {write_doc(kind)}\n"
            page += f"\n{members}\n" if members else ""
    page += (
        "\n## What it raises\n\nOf `signalpost.model.errors`; anything else is a fault of the connector.\n"
    )
    page += "\n| error | means |\n|---|---|\n"
    for kind in dict.fromkeys(RAISED):
        page += f"| `{kind.__name__}` | {write_doc(kind)} |\n".replace("\n\n", " ")
    return page
