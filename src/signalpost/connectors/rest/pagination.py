"""The table ``pagination`` of a declared resource: how its list is divided into pages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from signalpost.connectors.rest.declared import Declared, Line, OptionalLine, Parameter, Size


class Sized(Declared):
    """What pages by any means but none have."""

    size_parameter: str = Field(
        default="",
        pattern=r"^[^\x00-\x20\x7f]*$",
        description="The parameter for the size of a page; empty: none.",
        examples=["per_page"],
    )
    size: Size = Field(
        default=100,
        description="The largest page that the provider gives; more than that would cut lists short. Where it is not"
        " said, 100 are asked for, and a smaller page is not taken for the last.",
        examples=[100],
    )
    more: OptionalLine = Field(
        default="",
        description="The field that says whether there is more, dotted; empty: none.",
        examples=["has_more"],
    )
    last: OptionalLine = Field(
        default="",
        description="The field that says whether this page is the last, dotted; empty: none.",
        examples=["isLast"],
    )
    total: OptionalLine = Field(
        default="",
        description="The field that counts all records, dotted; empty: none.",
        examples=["meta.total"],
    )


class NoPages(Declared):
    """One answer holds the whole list."""

    kind: Literal["none"] = Field(description="One answer holds the list.", examples=["none"])


class NumberedPages(Sized):
    """Pages by their number."""

    kind: Literal["page"] = Field(description="By the page's number.", examples=["page"])
    parameter: Parameter = Field(
        default="page", description="The parameter for the number.", examples=["page"]
    )
    first: int = Field(default=1, ge=0, le=1, description="The number of the first page.", examples=[1])


class OffsetPages(Sized):
    """Pages by how many records are passed."""

    kind: Literal["offset"] = Field(description="By the records passed.", examples=["offset"])
    parameter: Parameter = Field(
        default="offset", description="The parameter for the records passed.", examples=["offset"]
    )
    first: int = Field(default=0, ge=0, le=1, description="The number of the first record.", examples=[0])


class CursorPages(Sized):
    """Pages by what the answer before gave."""

    kind: Literal["cursor"] = Field(description="By a cursor in the answer before.", examples=["cursor"])
    parameter: Parameter = Field(
        default="cursor", description="The parameter for the cursor.", examples=["cursor"]
    )
    next: Line = Field(description="The field with the next cursor, dotted.", examples=["meta.next_cursor"])


class AfterPages(Sized):
    """Pages by what the last record of the answer before has."""

    kind: Literal["after"] = Field(description="By the last record of the answer before.", examples=["after"])
    parameter: Parameter = Field(
        default="after", description="The parameter for what it has.", examples=["starting_after"]
    )
    field: Line = Field(
        default="id", description="The field of that record which is given, dotted.", examples=["id"]
    )


class LinkPages(Sized):
    """Pages by the header Link (RFC 8288)."""

    kind: Literal["link"] = Field(description='By the header `Link` with `rel="next"`.', examples=["link"])


class NextPages(Sized):
    """Pages by an address in the answer before."""

    kind: Literal["next_url"] = Field(
        description="By the next page's address in the answer.", examples=["next_url"]
    )
    next: Line = Field(description="The field with the address, dotted.", examples=["links.next"])


Pagination = NoPages | NumberedPages | OffsetPages | CursorPages | AfterPages | LinkPages | NextPages
