"""What the tables of a declaration are made of: the kinds of values, and what every table is."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from signalpost.connectors.rest.addresses import PLACEHOLDER, check_template


def check_path(path: str) -> str:
    """Check that no field is to be put into a path: it would be called as it is written (raises ValueError)."""
    if PLACEHOLDER.search(path):
        message = (
            "a {field} may stand in base_url and in the addresses of auth alone; put the path before it there"
        )
        raise ValueError(message)
    return path


Address = Annotated[str, AfterValidator(check_template)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,48}$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
OptionalLine = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Path = Annotated[str, Field(max_length=1000, pattern=r"^/[^\s?#]*$"), AfterValidator(check_path)]
Parameter = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x20\x7f]+$")]
Status = Annotated[int, Field(ge=400, le=599)]
Size = Annotated[int, Field(ge=1, le=10_000)]


class Declared(BaseModel):
    """A table of the file: only the fields named here, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
