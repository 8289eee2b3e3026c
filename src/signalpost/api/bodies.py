"""Request bodies: the fields we read; all others are taken and left alone, as clients send back what they got.

A field that may be left out may be null as well: serialisers write all that they know.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from signalpost.instances.wishes import Wish


class Body(BaseModel):
    """A body whose unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, coerce_numbers_to_str=True)


class ElementBody(Body):
    """``{"key": "egnyte"}`` or ``{"id": 4016}``."""

    key: str | None = None
    id: str | None = None


class ProviderBody(Body):
    """What the provider's consent page returned."""

    code: str | None = None
    state: str | None = None


class InstanceBody(Body):
    """The body of ``POST``, ``PUT`` and ``PATCH /instances`` (the seed's two requests)."""

    element: ElementBody | None = None
    provider: ProviderBody | None = Field(default=None, alias="providerData")
    configuration: dict[str, Any] | None = None
    tags: list[str] | None = None
    name: str | None = None
    external_authentication: str | None = Field(default=None, alias="externalAuthentication")

    def to_wish(self) -> Wish:
        """Give what the caller asks for; an empty name or code counts as not said."""
        return Wish(
            connector=(self.element.key or self.element.id) if self.element else None,
            name=self.name if self.name and self.name.strip() else None,
            tags=self.tags,
            configuration=self.configuration,
            code=(self.provider.code or "").strip() or None if self.provider else None,
            state=self.provider.state or None if self.provider else None,
            external=(self.external_authentication or "").lower() == "initial",
        )


class PropertyBody(Body):
    """The body of ``PATCH /instances/{id}/configuration/{configId}``."""

    property_value: Any = Field(alias="propertyValue")  # null removes the value: it must be said


class AuthorizationBody(Body):
    """The body of ``POST /elements/{keyOrId}/oauth/url``; its other fields may be of the connector's configuration."""

    model_config = ConfigDict(extra="allow")

    api_key: str | None = Field(default=None, alias="apiKey")
    callback_url: str | None = Field(default=None, alias="callbackUrl")
    scope: str | None = None
    state: str | None = None
    site_address: str | None = Field(default=None, alias="siteAddress")
    subdomain: str | None = None


class CallbackBody(Body):
    """The body of ``POST /instances/test-callback``."""

    url: str
    configuration: dict[str, Any] | None = None
