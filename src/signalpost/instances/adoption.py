"""Which account an authorisation is for: the instance's own, or the first one of an instance that has none yet."""

from __future__ import annotations

from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.base import Connector
from signalpost.instances.wishes import ACCESS_TOKEN, REFRESH_TOKEN, Wish
from signalpost.model.errors import (
    ConflictError,
    InvalidRequestError,
    ProviderError,
    RetryLaterError,
    UnavailableError,
)
from signalpost.model.instance import Account, Instance


def name_authorisation(wish: Wish, connector: Connector) -> str:
    """Name the field of the wish that authorises."""
    if wish.external:
        return (
            f"configuration.{ACCESS_TOKEN if (wish.configuration or {}).get(ACCESS_TOKEN) else REFRESH_TOKEN}"
        )
    return "providerData.code" if asks_consent(connector) else "configuration"


def adopt_account(instance: Instance, account: Account, place: str) -> Account:
    """Give the account that an instance acts as from now on, when ``account`` was authorised, by the field ``place``.

    Raises:
        ConflictError: it acts as another one already.
    """
    if instance.was_authorised and account.id != instance.account.id:
        message = (
            f"{place}: it authorises {_show(account)}, but this instance acts as {_show(instance.account)};"
            " create another instance for another account"
        )
        raise ConflictError(message)
    return account


def tell_refusal(
    what: str, error: ProviderError, again: str = "try again"
) -> InvalidRequestError | UnavailableError:
    """Give the error for the caller of an authorisation that the provider refused, or cannot answer now.

    ``again``: what to do in that case.
    """
    if isinstance(error, RetryLaterError):
        return UnavailableError(f"{what}: it cannot answer now; {again}", provider_message=str(error))
    return InvalidRequestError(what, provider_message=str(error))


def _show(account: Account) -> str:
    return f"{account.label!r} at {account.id.partition('#')[0]}"
