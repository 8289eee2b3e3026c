"""Answers kept by idempotency key: who asks the same again gets the same answer, and nothing is done twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from signalpost.model.errors import InProgressError, KeyReusedError
from signalpost.model.ids import UserId
from signalpost.store.vault import Vault

KEPT_SECONDS = 24 * 60 * 60.0
"""How long an answer is kept."""

CLAIM_SECONDS = 120.0
"""After so long a claim without an answer is void: its process was killed, or does not know what it did."""

STEP_ROWS = 1000

# Our own claim that was cut off is taken over for the same request alone.
CLAIM = """
INSERT INTO kept_answer AS kept (member_id, key_hash, request_hash, claimed_by, claimed_at)
VALUES ($1, $2, $3, $4, now())
ON CONFLICT (member_id, key_hash) DO UPDATE
SET request_hash = excluded.request_hash, claimed_by = excluded.claimed_by, claimed_at = now(), answer = NULL
WHERE kept.claimed_at < now() - make_interval(secs => $5)
    OR (kept.answer IS NULL AND kept.request_hash = excluded.request_hash
        AND kept.claimed_at < now() - make_interval(secs => $6))
RETURNING true
"""
READ = "SELECT request_hash, answer FROM kept_answer WHERE member_id = $1 AND key_hash = $2"
KEEP = "UPDATE kept_answer SET answer = $4 WHERE member_id = $1 AND key_hash = $2 AND claimed_by = $3"
GIVE_BACK = (
    "DELETE FROM kept_answer WHERE member_id = $1 AND key_hash = $2 AND claimed_by = $3 AND answer IS NULL"
)
TRIM = """
DELETE FROM kept_answer WHERE (member_id, key_hash) IN (
    SELECT member_id, key_hash FROM kept_answer WHERE claimed_at < now() - make_interval(secs => $1)
    ORDER BY claimed_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given the first time."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a request that has a key; nobody else has it meanwhile."""

    user_id: UserId
    key_hash: bytes
    claimed_by: UUID


class KeptAnswers:
    """Claims keys, keeps answers. A key is its user's: another user's same key is another one."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def claim(self, user_id: UserId, key_hash: bytes, request_hash: bytes) -> Claim | KeptAnswer:
        """Claim a key for a request, or give the answer that the same request got.

        Raises:
            KeyReusedError: the key came with another request.
            InProgressError: the same request still runs.
        """
        claim = Claim(user_id, key_hash, uuid4())
        while True:
            claimed = await self._pool.fetchval(
                CLAIM, user_id, key_hash, request_hash, claim.claimed_by, KEPT_SECONDS, CLAIM_SECONDS
            )
            if claimed:
                return claim
            row = await self._pool.fetchrow(READ, user_id, key_hash)
            if row is not None:
                break
        if bytes(row["request_hash"]) != request_hash:
            message = (
                "Idempotency-Key: it came with another request in the last 24 hours (method, path, query, body or"
                " instance token differ); give each request a key of its own"
            )
            raise KeyReusedError(message)
        if row["answer"] is None:
            message = (
                "Idempotency-Key: the request that came first with it still runs, or was cut off within the last two"
                " minutes; send the same again in a moment"
            )
            raise InProgressError(message)
        return self._read(row["answer"])

    async def keep(self, claim: Claim, answer: KeptAnswer) -> None:
        """Keep the answer to a request that was claimed, unless the claim was taken over meanwhile."""
        sealed = self._vault.seal(
            {"status": answer.status, "headers": answer.headers, "body": answer.body.decode()}
        )
        await self._pool.execute(KEEP, claim.user_id, claim.key_hash, claim.claimed_by, sealed)

    async def give_back(self, claim: Claim) -> None:
        """Give a claim back: nothing was done, and the key is free."""
        await self._pool.execute(GIVE_BACK, claim.user_id, claim.key_hash, claim.claimed_by)

    def _read(self, sealed: bytes) -> KeptAnswer:
        value: dict[str, Any] = self._vault.unseal_once(sealed)
        return KeptAnswer(value["status"], value["headers"], value["body"].encode())


async def trim_answers(pool: asyncpg.Pool) -> None:
    """Remove the answers that were kept for long enough, the oldest first, so many at a time."""
    await pool.execute(TRIM, KEPT_SECONDS, STEP_ROWS)
