"""The tables ``resources`` of a declaration: what is read, how it is asked for, and where things stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator, model_validator

from signalpost.connectors.rest.declared import (
    Body,
    Declared,
    Line,
    Method,
    OptionalLine,
    Parameter,
    Path,
    Place,
    make_error,
)
from signalpost.connectors.rest.pagination import NoPages, NumberedPages, OffsetPages, Pagination
from signalpost.model.delivery import RESERVED_NAMES
from signalpost.model.errors import InvalidRequestError


class DeclaredFilter(Declared):
    """A comparison of a ``where`` that the provider makes itself."""

    field: Line = Field(description="The field compared, as a `where` names it.", examples=["updated_at"])
    operator: Literal["=", ">", ">=", "<", "<=", "like"] = Field(
        default="=", description="The comparison.", examples=[">="]
    )
    parameter: Parameter = Field(
        description="The provider's parameter for the value.", examples=["updated_since"]
    )
    compared: bool = Field(
        default=True,
        description="Whether records have the field and are compared here as well; else the provider alone compares.",
        examples=[False],
    )


class DeclaredResource(Declared):
    """A kind of thing that is read and polled."""

    name: str = Field(
        min_length=1,
        max_length=100,
        pattern=r"^[^\s/?#%\x00-\x1f][^\s?#%\x00-\x1f]*$",
        description="Its name, and its path in our API.",
        examples=["tickets"],
    )
    path: Path = Field(description="Where it is, below `base_url`.", examples=["/v2/tickets"])
    method: Method = "GET"
    body: Body = None
    description: OptionalLine = Field(
        default="", description="One sentence for people.", examples=["Tickets of the desk."]
    )
    records: OptionalLine = Field(
        default="",
        description="Where in the answer the records are, dotted; empty: the answer is the list.",
        examples=["data.items"],
    )
    absent_is_empty: bool = Field(
        default=False,
        description="Whether an answer without `records` is an empty list, as some providers leave those out; else"
        " that is told as failing.",
        examples=[True],
    )
    key_field: OptionalLine = Field(
        default="",
        description="Where `records` are an object of them by their keys, and no list: the field in which each has its"
        " key, unless it has that field.",
        examples=["id"],
    )
    query: dict[Parameter, str] = Field(
        default={}, description="Parameters that every call has.", examples=[{"state": "all"}]
    )
    id_field: Line = Field(description="The field of a record that identifies it, dotted.", examples=["id"])
    updated_field: OptionalLine = Field(
        default="", description="The date of its last change, dotted.", examples=["updated_at"]
    )
    created_field: OptionalLine = Field(
        default="", description="The date of its creation, dotted.", examples=["created_at"]
    )
    deleted_field: OptionalLine = Field(
        default="",
        description="The field by which a record that stays in the list says that its object is deleted, dotted: by any"
        " value but null, false, 0, an empty text or such a date, or by one of `deleted_values`.",
        examples=["deleted_at"],
    )
    deleted_values: list[Line] = Field(
        default=[],
        description="The values of `deleted_field` that say so, as text; numbers and booleans as JSON has them.",
        examples=[["deleted", "archived"]],
    )
    lists_deleted: bool = Field(
        default=False,
        description="Whether it lists what was deleted, as a trash does: what appears in it is told as `DELETED`.",
        examples=[True],
    )
    date_format: OptionalLine = Field(
        default="",
        description="How both dates are written; empty: in [any common form](configuration.md#dates).",
        examples=["yyyy-MM-dd'T'HH:mm:ssX"],
    )
    date_zone: OptionalLine = Field(
        default="",
        description="The time zone of dates that name none, as the time zone database calls it; empty: UTC.",
        examples=["Europe/Berlin"],
    )
    strategies: list[Literal["timestamp", "snapshot"]] = Field(
        default=[],
        description="How changes may be found, the usual one first; empty: by dates if it has any, else by snapshot.",
        examples=[["timestamp", "snapshot"]],
    )
    parameters: list[Parameter] = Field(
        default=[], description="Parameters that a configured URL may give.", examples=[["project"]]
    )
    required: list[Parameter] = Field(
        default=[], description="Parameters that a configured URL must give.", examples=[["project"]]
    )
    labels: list[Line] = Field(
        default=[],
        description="Fields with what people call the object; the first with a text counts.",
        examples=[["subject"]],
    )
    filters: list[DeclaredFilter] = Field(default=[], description="What the provider can compare itself.")
    pagination: Pagination = Field(
        default=NoPages(kind="none"), discriminator="kind", description="How the list is divided into pages."
    )

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name in RESERVED_NAMES:
            message = "that name has another meaning in notifications"
            raise ValueError(message)
        if {"", ".", ".."} & set(name.split("/")):
            message = "it is no path: between its slashes something must stand, other than dots"
            raise ValueError(message)
        return name

    @field_validator("absent_is_empty")
    @classmethod
    def _check_absent(cls, given: bool, info: ValidationInfo) -> bool:
        if given and not info.data.get("records"):
            message = "it needs records: without them the answer itself is the list"
            raise ValueError(message)
        return given

    @field_validator("deleted_values")
    @classmethod
    def _check_values(cls, given: list[str], info: ValidationInfo) -> list[str]:
        if given and not info.data.get("deleted_field"):
            message = "it needs deleted_field, of which these are values"
            raise ValueError(message)
        return given

    @field_validator("lists_deleted")
    @classmethod
    def _check_deleted(cls, given: bool, info: ValidationInfo) -> bool:
        if given and info.data.get("deleted_field"):
            message = "all that it lists is deleted then; leave deleted_field out"
            raise ValueError(message)
        return given

    @field_validator("date_format", "date_zone")
    @classmethod
    def _check_dated(cls, text: str, info: ValidationInfo) -> str:
        if text and not _is_dated(info):
            message = "there is no date that is written so; it needs updated_field or created_field"
            raise ValueError(message)
        return text

    @field_validator("date_zone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        try:
            return str(ZoneInfo(name)) if name else name
        except (LookupError, ValueError, OSError):
            message = "there is no such time zone"
            raise ValueError(message) from None

    @field_validator("date_format")
    @classmethod
    def _check_format(cls, text: str, info: ValidationInfo) -> str:
        if text and info.context:
            try:
                remark = getattr(info.context["check_format"](text), "remark", None)
            except InvalidRequestError as error:
                raise ValueError(str(error)) from None
            if remark:
                raise ValueError(remark)
        return text

    @field_validator("strategies")
    @classmethod
    def _check_strategies(cls, given: list[str], info: ValidationInfo) -> list[str]:
        if "timestamp" in given and not _is_dated(info):
            message = "by timestamp needs updated_field or created_field"
            raise ValueError(message)
        if len(set(given)) < len(given):
            message = "one stands there twice; name each once, the usual one first"
            raise ValueError(message)
        return given

    @model_validator(mode="after")
    def _check_uses(self) -> Self:
        """Refuse a parameter that the pagination gives, and goes over: given otherwise as well it is without effect."""
        own, size = getattr(self.pagination, "parameter", ""), getattr(self.pagination, "size_parameter", "")
        if own and own == size:
            words = "it is the parameter of the pagination already; the size of a page needs its own"
            raise make_error(("pagination", "size_parameter"), size, words)
        for place, name in self.list_parameters():
            # A first cursor may be fixed, as some providers want one: those behind it go over it.
            is_first = place[0] == "query" and not isinstance(self.pagination, (NumberedPages, OffsetPages))
            if name in {size, "" if is_first else own}:
                words = f"the pagination gives the parameter {name} itself, and goes over this; leave it out"
                raise make_error(place, self.query[name] if place[0] == "query" else name, words)
        return self

    def list_query(self) -> set[str]:
        """List the parameters that may stand in the query of a call's address."""
        if self.method == "POST":
            return set(self.query)
        own = {getattr(self.pagination, name, "") for name in ("parameter", "size_parameter")}
        return own | {name for _, name in self.list_parameters()}

    def list_parameters(self) -> Iterator[tuple[Place, str]]:
        """List the parameters that stand where the pagination's do, each with its place."""
        if self.method == "GET":
            yield from ((("query", name), name) for name in self.query)
        yield from (
            (("filters", number, "parameter"), each.parameter) for number, each in enumerate(self.filters)
        )
        yield from ((("parameters", number), name) for number, name in enumerate(self.parameters))
        yield from ((("required", number), name) for number, name in enumerate(self.required))


def _is_dated(info: ValidationInfo) -> bool:
    return bool(info.data.get("updated_field") or info.data.get("created_field"))
