"""How an instance stands in its row: what is plain there, what is encrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from signalpost.model.event import Watermark
from signalpost.model.ids import InstanceId, OrganizationId, UserId
from signalpost.model.instance import Account, Instance
from signalpost.store.vault import Vault

COLUMNS = (
    "id, organization_id, user_id, connector, name, tags, configuration, secrets, account_id, account_label,"
    " disabled, valid, created_at, changes"
)


@dataclass(frozen=True, slots=True)
class InstanceDraft:
    """What is written of an instance: the caller's wish, checked.

    ``resources`` maps each polled resource to its configuration and is empty when events are off; then
    ``callback_url`` is kept all the same. ``secret_keys`` names the configuration values that are encrypted. ``starts``
    has the watermarks of resources that are polled from a place known already, ``sources`` names what each is read
    from.
    """

    connector: str
    name: str
    tags: Sequence[str]
    configuration: Mapping[str, str]
    secret_keys: frozenset[str]
    account: Account
    interval_seconds: float
    resources: Mapping[str, Mapping[str, Any]]
    callback_url: str | None
    full_raw: bool
    starts: Mapping[str, Watermark] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def split(self, vault: Vault, token: str) -> tuple[dict[str, str], bytes]:
        """Give the plain values of the configuration, and the secret ones with the instance token, encrypted."""
        return split_configuration(self.configuration, self.secret_keys, vault, token)


def split_configuration(
    configuration: Mapping[str, str], secret_keys: frozenset[str], vault: Vault, token: str
) -> tuple[dict[str, str], bytes]:
    """Give the plain values, and the secret ones with the instance token, encrypted."""
    plain = {key: value for key, value in configuration.items() if key not in secret_keys}
    secret = {key: value for key, value in configuration.items() if key in secret_keys}
    return plain, vault.seal({"configuration": secret, "token": token})


def read_instance(row: Any, vault: Vault) -> Instance:
    """Read a row of ``COLUMNS``; raises as ``Vault.unseal``."""
    sealed = vault.unseal(row["secrets"])
    return Instance(
        id=InstanceId(row["id"]),
        organization_id=OrganizationId(row["organization_id"]),
        user_id=UserId(row["user_id"]),
        connector=row["connector"],
        name=row["name"],
        tags=tuple(row["tags"]),
        configuration={**row["configuration"], **sealed["configuration"]},
        token=sealed["token"],
        account=Account(row["account_id"], row["account_label"]),
        disabled=row["disabled"],
        valid=row["valid"],
        created_at=row["created_at"],
        changes=row["changes"],
    )
