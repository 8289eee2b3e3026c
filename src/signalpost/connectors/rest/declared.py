"""What the tables of a declaration are made of: the kinds of values, and what every table is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from signalpost.connectors.rest.addresses import PLACEHOLDER, check_template

Place = tuple[str | int, ...]
"""Where something stands in a file."""
WITHIN = "within"
"""The kind of an error of what stands within a table, seen by what else the table has."""


def make_error(place: Place, given: str, words: str) -> PydanticCustomError:
    """Make the error of what is ``given`` at a place within the table that is being checked."""
    return PydanticCustomError(WITHIN, "{words}", {"words": words, "place": place, "given": given})


def check_path(path: str) -> str:
    """Check that no field is to be put into a path: it would be called as it is written (raises ValueError)."""
    if PLACEHOLDER.search(path):
        message = (
            "a {field} may stand in base_url and in the addresses of auth alone; put the path before it there"
        )
        raise ValueError(message)
    return path


def check_body(body: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
    """Check that a body goes with the method, and can be written as JSON (raises ValueError)."""
    if body is not None and info.data.get("method") == "GET":
        message = 'nothing is sent with GET; it needs method = "POST"'
        raise ValueError(message)
    try:
        is_json = orjson.loads(orjson.dumps(body, option=orjson.OPT_PASSTHROUGH_DATETIME)) == body
    except TypeError:
        is_json = False
    if not is_json:
        message = (
            "it holds what JSON does not have: a date, nan, inf or a very long number; write that as a text"
        )
        raise ValueError(message)
    return body


Address = Annotated[str, AfterValidator(check_template)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,48}$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
OptionalLine = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Path = Annotated[str, Field(max_length=1000, pattern=r"^/[^\s?#]*$"), AfterValidator(check_path)]
Parameter = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x20\x7f]+$")]
Status = Annotated[int, Field(ge=400, le=599)]
Method = Annotated[
    Literal["GET", "POST"],
    Field(description="How it is asked for; by `POST` nothing may be changed there.", examples=["POST"]),
]
Body = Annotated[
    dict[str, Any] | None,
    AfterValidator(check_body),
    Field(
        description="What is sent by `POST`, as JSON, besides [what a call asks for](#what-holds-for-all); absent:"
        " nothing.",
        examples=[{"filter": {"archived": False}}],
    ),
]
Size = Annotated[int, Field(ge=1, le=10_000)]


class Declared(BaseModel):
    """A table of the file: only the fields named here, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
