"""The tables ``resources`` of a declaration: what is read, how it is asked for, and where things stand in it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from signalpost.connectors.rest.declared import Body, Declared, Line, Method, OptionalLine, Parameter, Path
from signalpost.connectors.rest.pagination import NoPages, Pagination
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
    date_format: OptionalLine = Field(
        default="",
        description="How both dates are written; empty: ISO 8601, and numbers as Unix time.",
        examples=["yyyy-MM-dd'T'HH:mm:ssX"],
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
        dated = info.data.get("updated_field") or info.data.get("created_field")
        if "timestamp" in given and not dated:
            message = "by timestamp needs updated_field or created_field"
            raise ValueError(message)
        return given
