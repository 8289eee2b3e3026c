"""Instances imported from another service, written many at a time: each once, by its id there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from signalpost.model.ids import InstanceId
from signalpost.model.instance import Instance, Tokens
from signalpost.model.member import Member
from signalpost.store.instance_rows import COLUMNS, InstanceDraft, read_instance
from signalpost.store.tokens import tokens_to_json
from signalpost.store.vault import Vault, hash_secret, make_secret

# In the order of the ids there: two imports at once wait for each other, neither for ever.
ADD = """
WITH given AS (
    SELECT * FROM unnest($3::text[], $4::text[], $5::text[], $6::jsonb[], $7::bytea[], $8::bytea[], $9::boolean[],
                         $10::boolean[], $11::boolean[], $12::double precision[], $13::text[])
        AS given (imported_id, connector, name, plain, secrets, token_hash, until_authorised, valid, full_raw,
                  interval_seconds, url)
), made AS (
    INSERT INTO instance (organization_id, user_id, imported_id, connector, name, tags, configuration, secrets,
                          token_hash, account_id, account_label, disabled, disabled_until_authorised, valid, full_raw,
                          interval_seconds)
    SELECT $1, $2, imported_id, connector, name, ARRAY(SELECT jsonb_array_elements_text(plain -> 'tags')),
           plain -> 'configuration', secrets, token_hash, '', '', true, until_authorised, valid, full_raw,
           interval_seconds
    FROM given ORDER BY imported_id
    ON CONFLICT (organization_id, imported_id) WHERE imported_id IS NOT NULL DO NOTHING
    RETURNING id, imported_id
), credentials AS (
    INSERT INTO credential (instance_id, tokens) SELECT id, $14 FROM made
), endpoints AS (
    INSERT INTO endpoint (instance_id, url) SELECT id, url FROM made JOIN given USING (imported_id)
), polls AS (
    INSERT INTO resource_poll (instance_id, resource, configuration)
    SELECT id, resource.key, resource.value
    FROM made JOIN given USING (imported_id) CROSS JOIN LATERAL jsonb_each(plain -> 'resources') AS resource
)
SELECT id, imported_id FROM made
"""


@dataclass(frozen=True, slots=True)
class Import:
    """What is written of an imported instance, always disabled.

    ``until_authorised``: its first authorisation enables it. ``valid``: it needs none.
    """

    imported_id: str
    draft: InstanceDraft
    until_authorised: bool
    valid: bool


class Imports:
    """Writes and finds imported instances."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def find(self, member: Member, imported_ids: Sequence[str]) -> dict[str, Instance]:
        """Find those of the member's organization that were imported already, by their ids there."""
        rows: Any = await self._pool.fetch(
            f"SELECT {COLUMNS}, imported_id FROM instance WHERE organization_id = $1 AND imported_id = ANY($2)",
            member.organization_id,
            list(imported_ids),
        )
        return {row["imported_id"]: read_instance(row, self._vault) for row in rows}

    async def add(
        self, member: Member, imports: Sequence[Import], no_tokens: Tokens
    ) -> dict[str, InstanceId]:
        """Write instances in one statement; give the numbers of those that were not there, by their ids there."""
        sealed = [(make_secret(), each.draft) for each in imports]
        split = [draft.split(self._vault, token) for token, draft in sealed]
        rows: Any = await self._pool.fetch(
            ADD,
            member.organization_id,
            member.id,
            [each.imported_id for each in imports],
            [each.draft.connector for each in imports],
            [each.draft.name for each in imports],
            [
                {
                    "tags": list(each.draft.tags),
                    "configuration": plain,
                    "resources": dict(each.draft.resources),
                }
                for each, (plain, _) in zip(imports, split, strict=True)
            ],
            [secret for _, secret in split],
            [hash_secret(token) for token, _ in sealed],
            [each.until_authorised for each in imports],
            [each.valid for each in imports],
            [each.draft.full_raw for each in imports],
            [each.draft.interval_seconds for each in imports],
            [each.draft.callback_url for each in imports],
            self._vault.seal(tokens_to_json(no_tokens)),
        )
        return {row["imported_id"]: InstanceId(row["id"]) for row in rows}
