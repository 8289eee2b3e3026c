"""The table ``auth`` of a declaration: how calls are authorised."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from signalpost.connectors.rest.declared import Address, Declared, OptionalLine, Parameter
from signalpost.model.headers import belongs_to_connection

OWN_PARAMETERS = frozenset(
    {
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "response_type",
        "code_challenge",
        "code_challenge_method",
    }
)
"""Of the consent page, which ``instances`` fills in."""
FORM_PARAMETERS = frozenset({"grant_type", "client_id", "client_secret", "scope"})
"""Of the token endpoint."""


def check_parameters(parameters: dict[str, str], own: frozenset[str]) -> dict[str, str]:
    """Check that none is one of OAuth2's own (raises ValueError)."""
    if taken := sorted(parameters.keys() & own):
        message = f"{taken[0]} is given by OAuth2 itself; leave it out"
        raise ValueError(message)
    return parameters


class NoAuth(Declared):
    """Calls carry nothing that authorises them."""

    kind: Literal["none"] = Field(description="Nothing.", examples=["none"])


class HeaderAuth(Declared):
    """A header with a key, which the configuration has as ``api.key``."""

    kind: Literal["header"] = Field(
        description="A key in a header; configuration `api.key`.", examples=["header"]
    )
    header: str = Field(
        default="Authorization",
        pattern=r"^[A-Za-z0-9-]{1,100}$",
        description="The header.",
        examples=["X-Api-Key"],
    )
    prefix: OptionalLine = Field(default="", description="What stands before the key.", examples=["Token "])

    @field_validator("header")
    @classmethod
    def _check_header(cls, header: str) -> str:
        if belongs_to_connection(header):
            message = "this header belongs to the connection"
            raise ValueError(message)
        return header


class QueryAuth(Declared):
    """A parameter of the query with a key, which the configuration has as ``api.key``."""

    kind: Literal["query"] = Field(
        description="A key in the query of every address, for providers that take it nowhere else; configuration"
        " `api.key`.",
        examples=["query"],
    )
    parameter: Parameter = Field(
        default="api_key", description="The parameter for the key.", examples=["api_key"]
    )


class BasicAuth(Declared):
    """User name and password, which the configuration has as ``username`` and ``password``."""

    kind: Literal["basic"] = Field(
        description="HTTP basic authentication; configuration `username`, `password`.", examples=["basic"]
    )


class CodeAuth(Declared):
    """OAuth2 by a person's consent (code flow)."""

    kind: Literal["oauth2_code"] = Field(
        description="OAuth2 by consent; configuration `oauth.api.key`, `oauth.api.secret`, `oauth.callback.url`.",
        examples=["oauth2_code"],
    )
    authorize_url: Address = Field(
        description="The consent page.", examples=["https://{subdomain}.example.com/oauth/authorize"]
    )
    token_url: Address = Field(
        description="The token endpoint.", examples=["https://example.com/oauth/token"]
    )
    scopes: list[Parameter] = Field(
        default=[], description="The scopes asked for.", examples=[["tickets.read"]]
    )
    parameters: dict[Parameter, OptionalLine] = Field(
        default={},
        description="Parameters that the consent page wants besides OAuth2's own, often for a refresh token.",
        examples=[{"access_type": "offline", "prompt": "consent"}],
    )
    pkce: bool = Field(
        default=False,
        description="Whether the exchange of the code is proved by PKCE, as some providers ask for (RFC 7636, S256).",
        examples=[True],
    )

    @field_validator("parameters")
    @classmethod
    def _check_parameters(cls, parameters: dict[str, str]) -> dict[str, str]:
        return check_parameters(parameters, OWN_PARAMETERS)


class ClientAuth(Declared):
    """OAuth2 by the application's own key and secret (client credentials)."""

    kind: Literal["oauth2_client"] = Field(
        description="OAuth2 client credentials; configuration `oauth.api.key`, `oauth.api.secret`.",
        examples=["oauth2_client"],
    )
    token_url: Address = Field(
        description="The token endpoint.", examples=["https://example.com/oauth/token"]
    )
    scopes: list[Parameter] = Field(
        default=[], description="The scopes asked for.", examples=[["tickets.read"]]
    )
    parameters: dict[Parameter, OptionalLine] = Field(
        default={},
        description="Parameters that the token endpoint wants besides OAuth2's own; no secrets.",
        examples=[{"audience": "https://api.example.com"}],
    )

    @field_validator("parameters")
    @classmethod
    def _check_parameters(cls, parameters: dict[str, str]) -> dict[str, str]:
        return check_parameters(parameters, FORM_PARAMETERS)


Auth = NoAuth | HeaderAuth | QueryAuth | BasicAuth | CodeAuth | ClientAuth
