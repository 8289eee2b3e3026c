"""How a connector's calls are authorised where it is not the usual way, OAuth2 by consent and a bearer token.

A connector that says nothing of it is as usual; one that does meets ``OwnAuthorisation``.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Protocol, cast, runtime_checkable

from signalpost.connectors.base import Connector
from signalpost.connectors.containment import check, contain
from signalpost.model.instance import Tokens


class Grant(StrEnum):
    """How an instance comes by what its calls are authorised with."""

    CONSENT = "consent"
    """A person consents at the provider, and a code is exchanged (OAuth2 code flow)."""
    APPLICATION = "application"
    """The application's own key and secret get a token, and another when that has ended (client credentials)."""
    CONFIGURATION = "configuration"
    """The configuration holds all that is needed, or nothing is; there are no tokens."""


@runtime_checkable
class OwnAuthorisation(Protocol):
    """What a connector has besides ``base.Connector`` whose calls are not authorised as usual."""

    @property
    def grant(self) -> Grant:
        """How its instances come by their tokens."""
        ...

    def write_headers(self, configuration: Mapping[str, str], token: str) -> Mapping[str, str]:
        """Give the headers that authorise a call; ``token`` is "" where there are none."""
        ...


class OwnParameters(Protocol):
    """What a connector has besides ``base.Connector`` whose calls bring what authorises them in their address."""

    def write_parameters(self, configuration: Mapping[str, str], token: str) -> Mapping[str, str]:
        """Give the parameters of the query that authorise a call; they go over those of the same names.

        All that is answered is masked of them: a next page's address and records as well.
        """
        ...


class Credentials(NamedTuple):
    """What authorises a call."""

    headers: Mapping[str, str]
    parameters: Mapping[str, str]


NO_TOKENS = Tokens("", None, None)
"""What an instance has whose configuration is all that is needed."""


def find_grant(connector: Connector) -> Grant:
    """Say how the connector's instances come by their tokens."""
    own = _recall_own(cast("Hashable", connector))
    return Grant.CONSENT if own is None else own.grant


def asks_consent(connector: Connector) -> bool:
    """Say whether a person consents at the provider before an instance is made."""
    return find_grant(connector) is Grant.CONSENT


def tell_how_to_authorise(connector: Connector, instance_id: int) -> str:
    """Say what is to be sent for an instance whose credentials are no longer accepted."""
    if asks_consent(connector):
        return f"send PUT /instances/{instance_id} with a new providerData.code"
    return f"send PATCH /instances/{instance_id} with other credentials in its configuration"


def write_headers(connector: Connector, configuration: Mapping[str, str], token: str) -> Mapping[str, str]:
    """Give the headers that authorise a call of the connector.

    Raises:
        ConnectorError: what the connector gave are none, or one is the connection's: others' calls go over it.
    """
    own = _recall_own(cast("Hashable", connector))
    if own is None:
        return write_bearer(token)
    return check("write_headers", own.write_headers(configuration, token), Mapping)  # type: ignore[type-abstract]


def authorise(connector: Connector, configuration: Mapping[str, str], token: str) -> Credentials:
    """Give what authorises a call of the connector.

    Raises:
        SignalpostError: as ``containment.contain``.
    """
    with contain("write_headers"):
        headers = dict(write_headers(connector, configuration, token))
    write = getattr(connector, "write_parameters", None)
    if write is None:
        return Credentials(headers, {})
    with contain("write_parameters"):
        parameters = dict(write(configuration, token))
        "".join([*parameters, *parameters.values()])  # raises, if one of them is no text
    return Credentials(headers, parameters)


def authorise_by_bearer(token: str) -> Credentials:
    """Give what authorises a call as is usual."""
    return Credentials(write_bearer(token), {})


@lru_cache(maxsize=1024)  # asked several times for every call, and a protocol looks at each of its members
def _recall_own(connector: Hashable) -> OwnAuthorisation | None:
    return connector if isinstance(connector, OwnAuthorisation) else None


def write_bearer(token: str) -> Mapping[str, str]:
    """Give the header of a bearer token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}
