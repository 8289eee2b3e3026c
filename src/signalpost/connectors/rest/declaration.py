"""What a TOML file declares of a connector: every field, with its meaning and an example of what is right."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from signalpost.connectors.base import EVENT_FIELDS
from signalpost.connectors.fixed_headers import find_wrong_header
from signalpost.connectors.rest.addresses import FIELD_KEY, PLACEHOLDER
from signalpost.connectors.rest.auth import Auth, NoAuth, QueryAuth
from signalpost.connectors.rest.declared import (
    Address,
    Body,
    Declared,
    Key,
    Line,
    Method,
    OptionalLine,
    Path,
    Place,
    Status,
    make_error,
)
from signalpost.connectors.rest.headers import list_keys
from signalpost.connectors.rest.resources import DeclaredResource


class DeclaredField(Declared):
    """One value of an instance's configuration that the connector needs besides those of ``auth``."""

    key: str = Field(
        pattern=f"^(?:{FIELD_KEY.pattern})$",
        description="Its name in the configuration, and as `{key}` in addresses and headers.",
        examples=["subdomain"],
    )
    label: Line = Field(description="Its name for people.", examples=["Subdomain"])
    hint: OptionalLine = Field(
        default="", description="What to write, for people.", examples=["acme, of acme.example.com"]
    )
    required: bool = Field(default=True, description="Whether it must be given.", examples=[True])
    secret: bool = Field(default=False, description="Whether it is encrypted and masked.", examples=[False])
    default: OptionalLine | None = Field(
        default=None,
        description="Its value where none is given; a secret has none.",
        examples=["eu"],
    )

    @field_validator("default")
    @classmethod
    def _keep_secrets_out(cls, default: str | None, info: ValidationInfo) -> str | None:
        if default is not None and info.data.get("secret"):
            # The value must not be repeated in the message, which shows what stood there for other errors.
            raise PydanticCustomError(
                "secret", "a secret has no value here; every instance's configuration gives its own"
            )
        return default


class DeclaredAccount(Declared):
    """Which account a connection is of; without this table, the first resource is read to try the connection."""

    path: Path = Field(description="What is read, below `base_url`.", examples=["/me"])
    method: Method = "GET"
    body: Body = None
    id: Line = Field(description="The field with the account's id, dotted.", examples=["user.id"])
    label: OptionalLine = Field(
        default="", description="The field with its name, dotted.", examples=["user.email"]
    )


class Limits(Declared):
    """What the provider allows, and how it says that it was too much."""

    calls_per_second: float = Field(
        default=2.0, gt=0, le=1000, description="Calls a second, per account.", examples=[5.0]
    )
    calls_a_day: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="Calls a day, per account; absent: no limit.",
        examples=[10_000],
    )
    least_interval_seconds: float = Field(
        default=0.0,
        ge=0,
        le=86_400,
        description="The least time between polls that the provider asks for, in seconds.",
        examples=[60.0],
    )
    too_fast: list[Status] = Field(
        default=[429],
        description="Statuses that ask to slow down; `Retry-After` is heeded.",
        examples=[[429]],
    )
    quota_spent: list[Status] = Field(
        default=[], description="Statuses that say that the day's calls are used up.", examples=[[402]]
    )

    @model_validator(mode="after")
    def _check_statuses(self) -> Self:
        both = set(self.too_fast) & set(self.quota_spent)
        if both and "too_fast" in self.model_fields_set:
            words = f"{min(both)} stands in too_fast as well; a status means one or the other"
            raise make_error(("quota_spent",), str(self.quota_spent), words)
        return self

    @field_validator("calls_per_second", "least_interval_seconds", mode="before")
    @classmethod
    def _take_whole(cls, value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Declaration(Declared):
    """A connector: the whole file."""

    key: Key = Field(
        description="Its name in the API, small letters; never change it.", examples=["helpdesk"]
    )
    name: Line = Field(description="Its name for people.", examples=["Help Desk"])
    description: OptionalLine = Field(
        default="", description="One sentence for people.", examples=["Tickets and people."]
    )
    hub: Key = Field(description="The family it belongs to, as in `/hubs/{hub}`.", examples=["helpdesk"])
    base_url: Address = Field(
        description="What all paths begin with; `{key}` of a field stands for its value.",
        examples=["https://{subdomain}.example.com/api"],
    )
    setup_steps: list[Line] = Field(
        default=[],
        description="How to get the key at the provider, one sentence each.",
        examples=[["Make a key."]],
    )
    fields: list[DeclaredField] = Field(
        default=[], description="What an instance's configuration needs besides."
    )
    auth: Auth = Field(
        default=NoAuth(kind="none"), discriminator="kind", description="How calls are authorised."
    )
    headers: dict[str, str] = Field(
        default={},
        description="Headers that every call has, as for a version of the API; `{key}` of a field stands for its value,"
        " as for a tenant. No secrets, which belong to `auth` or to a field.",
        examples=[{"Notion-Version": "2022-06-28"}],
    )
    account: DeclaredAccount | None = Field(default=None, description="Which account a connection is of.")
    limits: Limits = Field(default=Limits(), description="What the provider allows.")
    resources: list[DeclaredResource] = Field(min_length=1, description="What is read and polled.")

    @field_validator("fields")
    @classmethod
    def _check_fields(cls, given: list[DeclaredField]) -> list[DeclaredField]:
        taken = {each.key for each in EVENT_FIELDS} | {"username", "password", "api.key"}
        keys = [each.key for each in given]
        for key in keys:
            if key in taken or key.startswith(("oauth.", "event.")) or keys.count(key) > 1:
                message = f"the key {key!r} is taken already; give each field another one"
                raise ValueError(message)
        return given

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, given: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        own = getattr(info.data.get("auth"), "header", "")
        taken = own.lower() in {name.lower() for name in given}
        if wrong := f"{own} is that of auth; leave it out" if taken else find_wrong_header(given):
            raise ValueError(wrong)
        return given

    @field_validator("resources")
    @classmethod
    def _check_resources(cls, given: list[DeclaredResource]) -> list[DeclaredResource]:
        names = [each.name for each in given]
        if twice := [name for name in names if names.count(name) > 1]:
            message = f"the name {twice[0]!r} stands twice"
            raise ValueError(message)
        return given

    @model_validator(mode="after")
    def _check_placeholders(self) -> Self:
        known = {each.key for each in self.fields if each.required or each.default}
        secret = {each.key for each in self.fields if each.secret}
        texts: list[tuple[Place, str]] = [(("base_url",), self.base_url)]
        texts += [(("auth", each), getattr(self.auth, each, "")) for each in ("authorize_url", "token_url")]
        texts += [(("headers", name), text) for name, text in self.headers.items()]
        for place, text in texts:
            in_header = place[0] == "headers"
            keys = list_keys(text) if in_header else PLACEHOLDER.findall(text)
            hidden = set() if in_header else secret
            if wrong := [key for key in keys if key not in known or key in hidden]:
                words = f"no required field of fields has the key of {{{wrong[0]}}}"
                if wrong[0] in hidden:
                    words = f"the field of {{{wrong[0]}}} is secret, and addresses are shown and logged"
                raise make_error(place, text, words)
        return self

    @model_validator(mode="after")
    def _check_key_parameter(self) -> Self:
        if not isinstance(self.auth, QueryAuth):
            return self
        name = self.auth.parameter
        for resource in self.resources:
            if name in resource.list_query():
                words = f"the resource {resource.name} has a parameter {name}, and the key would stand in its place"
                place: Place = (
                    ("auth", "parameter") if "parameter" in self.auth.model_fields_set else ("auth",)
                )
                raise make_error(place, name, f"{words}; give each its own")
        return self
