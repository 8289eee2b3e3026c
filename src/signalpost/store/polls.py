"""Polls as rows: which are due, what they need, what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.errors import FencedError
from signalpost.model.ids import InstanceId, OrganizationId, UserId
from signalpost.model.instance import PollState, ResourcePoll
from signalpost.observe import get_logger
from signalpost.store.due import CLAIM_POLLS, FINISH, KEEP_CLAIMS, PAUSE, RECORD_FAILURE
from signalpost.store.gather import Gather, in_order
from signalpost.store.notices import add_notice
from signalpost.store.tokens import tokens_from_json
from signalpost.store.vault import Vault

log = get_logger("polling")

LOAD = """
SELECT instance.id, instance.organization_id, instance.user_id, instance.connector, instance.name, instance.tags,
       instance.configuration, instance.secrets, instance.full_raw, instance.interval_seconds, instance.last_poll_at,
       instance.quota, instance.wishes, credential.tokens, credential.version AS tokens_version,
       endpoint.url IS NOT NULL AS notified,
       resource_poll.id AS poll_id, resource_poll.resource, resource_poll.configuration AS resource_configuration,
       resource_poll.watermark, resource_poll.version, resource_poll.failures, resource_poll.retry_at,
       resource_poll.disabled_at IS NOT NULL AS resource_disabled, resource_poll.remark, resource_poll.remembered,
       resource_poll.forgotten_before, resource_poll.source, resource_poll.starts_at
FROM instance
JOIN credential ON credential.instance_id = instance.id
JOIN endpoint ON endpoint.instance_id = instance.id
JOIN resource_poll ON resource_poll.instance_id = instance.id
WHERE instance.id = ANY($1) AND NOT instance.disabled AND instance.valid
ORDER BY instance.id, resource_poll.resource
"""


@dataclass(frozen=True, slots=True)
class FinishedPoll:
    """The end of one poll: when it began, when the next is due (None: never), whether all was read.

    ``throttled_until`` is set where the next poll is later than wished, for the account's calls to last; who
    ``only_waited`` leaves it as it is. ``quota`` is what is known of the calls (None: nothing new), ``wishes`` are
    those that its beginning knew of.
    """

    instance_id: InstanceId
    polled_at: datetime
    next_poll_at: datetime | None
    succeeded: bool
    throttled_until: datetime | None = None
    quota: Mapping[str, Any] | None = None
    wishes: int = 0
    only_waited: bool = False


class Polls:
    """Rows of polls. Loads and finishes of the polls in flight are gathered into one statement each."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._loads: Gather[InstanceId, PollState | None] = Gather(self._load_all)
        self._finishes: Gather[FinishedPoll, None] = Gather(self._finish_all, window_seconds=0.01)

    async def claim_due(
        self, now: datetime, *, since: datetime, missed: datetime, until: datetime, limit: int
    ) -> tuple[dict[InstanceId, datetime], bool]:
        """Take instances whose poll is due: at most ``limit`` that came due after ``since``, and as many from before.

        Those that were due by ``missed`` already are put off instead where they are many: each by ten times what it is
        overdue, but not beyond its own next turn.

        What is taken comes up again at ``until`` unless its poll finishes and sets the next time: a poll whose job is
        lost on the way is handed out anew.

        Returns:
            When each that was taken was due; and whether there may be more to take or to put off.
        """
        rows = await self._pool.fetch(CLAIM_POLLS, now, since, missed, until, limit)
        taken = {InstanceId(row["id"]): row["next_poll_at"] for row in rows if row["taken"]}
        return taken, len(rows) >= limit

    async def keep_claims(
        self, instance_ids: Sequence[InstanceId], *, now: datetime, until: datetime
    ) -> None:
        """Have instances that are still being polled come up again at ``until``, not before.

        Those whose claim has ended by ``now``, or that are to be polled no more, are left as they are. Where somebody
        asked for a poll meanwhile, the end of this one sees to it (``FINISH``).
        """
        await self._pool.execute(KEEP_CLAIMS, instance_ids, now, until)

    async def load(self, instance_id: InstanceId) -> PollState | None:
        """Load what a poll of the instance needs; None when it is not to be polled (gone, disabled, not valid)."""
        return await self._loads.ask(instance_id)

    async def _load_all(self, instance_ids: Sequence[InstanceId]) -> list[PollState | None]:
        rows = await self._pool.fetch(LOAD, instance_ids)
        grouped: dict[InstanceId, list[Any]] = {}
        for row in rows:
            grouped.setdefault(row["id"], []).append(row)
        return in_order(instance_ids, {key: self._try_read(group) for key, group in grouped.items()})

    def _try_read(self, rows: list[Any]) -> PollState | None:
        """Read an instance; of one that cannot be read (its secrets are of another key) only the log tells."""
        try:
            return self._read(rows)
        except Exception:
            log.exception("poll.not_loaded", instance=rows[0]["id"])
            return None

    def _read(self, rows: list[Any]) -> PollState:
        first = rows[0]
        return PollState(
            instance_id=InstanceId(first["id"]),
            organization_id=OrganizationId(first["organization_id"]),
            user_id=UserId(first["user_id"]),
            connector=first["connector"],
            name=first["name"],
            tags=tuple(first["tags"]),
            configuration=self._vault.join_configuration(first),
            tokens=tokens_from_json(self._vault.unseal(first["tokens"]), first["tokens_version"]),
            interval_seconds=first["interval_seconds"],
            last_poll_at=first["last_poll_at"],
            quota=first["quota"],
            notified=first["notified"],
            full_raw=first["full_raw"],
            resources=tuple(
                ResourcePoll(
                    id=row["poll_id"],
                    resource=row["resource"],
                    configuration=row["resource_configuration"],
                    watermark=row["watermark"],
                    version=row["version"],
                    failures=row["failures"],
                    retry_at=row["retry_at"],
                    disabled=row["resource_disabled"],
                    remark=row["remark"],
                    remembered=row["remembered"],
                    forgotten_before=row["forgotten_before"],
                    source=row["source"],
                    starts_at=row["starts_at"],
                )
                for row in rows
            ),
            wishes=first["wishes"],
        )

    async def finish(self, poll: FinishedPoll) -> None:
        """Record the end of a poll and set the next one's time."""
        await self._finishes.ask(poll)

    async def _finish_all(self, polls: Sequence[FinishedPoll]) -> list[None]:
        found = {poll.instance_id: poll for poll in polls}
        newest = [found[each] for each in sorted(found)]  # in the order in which rows are locked
        await self._pool.execute(
            FINISH,
            [poll.instance_id for poll in newest],
            [poll.polled_at for poll in newest],
            [poll.next_poll_at for poll in newest],
            [poll.succeeded for poll in newest],
            [poll.throttled_until for poll in newest],
            [poll.quota for poll in newest],
            [poll.wishes for poll in newest],
            [poll.only_waited for poll in newest],
        )
        return [None] * len(polls)

    async def record_failure(
        self,
        state: PollState,
        poll: ResourcePoll,
        message: str,
        *,
        now: datetime,
        retry_at: datetime,
        disable: bool,
    ) -> bool:
        """Keep why reading the resource failed, and when it is tried again; or give it up, with a notice: says which.

        Of a resource that was configured otherwise meanwhile nothing is kept: that is none of its failures. Where
        another poll was asked for since ``state`` was loaded, that tries it: nothing is given up before.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                RECORD_FAILURE,
                *(state.instance_id, state.wishes, poll.id, retry_at),
                *(message, now, disable, poll.configuration),
            )
            if row is None or not row["given_up"]:
                return False
            told = {
                "resource": row["resource"],
                "message": (
                    f"{row['resource']} could not be read {row['failures']} times in a row and is not polled any more;"
                    f" mend the cause and resume with PUT /instances/{row['instance_id']}/polling: {message}"
                ),
            }
            await add_notice(connection, InstanceId(row["instance_id"]), "polling.disabled", told, now)
        return True

    async def record_pause(
        self,
        state: PollState,
        poll: ResourcePoll,
        remark: str,
        *,
        resumes_at: datetime,
        read_at: datetime | None,
    ) -> None:
        """Keep why a resource is not read to its end, which is no failure, and when it is read on; else as a failure.

        ``read_at`` says when a part of it was read, which ends its failures; None: none was.
        """
        await self._pool.execute(PAUSE, state.instance_id, state.wishes, poll.id, resumes_at, remark, read_at)

    async def record_recovery(self, poll: ResourcePoll, now: datetime, remark: str | None) -> None:
        """Clear the failures of a resource that was read again; keep what is to be remarked of it."""
        await self._pool.execute(
            "UPDATE resource_poll SET failures = 0, last_error = NULL, retry_at = NULL, last_success_at = $2,"
            " remark = $3 WHERE id = $1",
            poll.id,
            now,
            remark,
        )

    async def restart(self, poll: ResourcePoll, source: str) -> ResourcePoll:
        """Begin anew with another ``source``: from this second on, without a watermark, without a memory.

        The first source of a poll is noted, and nothing is lost of one whose source was not noted before.

        Raises:
            FencedError: somebody else has moved the watermark since.
        """
        anew = poll.source is not None
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "UPDATE resource_poll SET source = $3, version = version + 1,"
                " watermark = CASE WHEN $4 THEN NULL ELSE watermark END,"
                " starts_at = CASE WHEN $4 THEN date_trunc('second', now()) ELSE starts_at END,"
                " remembered = CASE WHEN $4 THEN 0 ELSE remembered END,"
                " forgotten_before = CASE WHEN $4 THEN NULL ELSE forgotten_before END"
                " WHERE id = $1 AND version = $2 RETURNING starts_at",
                poll.id,
                poll.version,
                source,
                anew,
            )
            if row is None:
                message = f"the watermark of {poll.resource} was moved by another worker"
                raise FencedError(message)
            if anew:
                await connection.execute("DELETE FROM object_memory WHERE poll_id = $1", poll.id)
        noted = replace(poll, source=source, version=poll.version + 1)
        if not anew:
            return noted
        return replace(noted, watermark=None, starts_at=row["starts_at"], remembered=0, forgotten_before=None)

    async def release(self, instance_id: InstanceId, now: datetime) -> None:
        """Have an instance whose poll was cut off polled again at once, not after the scheduler's grace."""
        await self._pool.execute(
            "UPDATE instance SET next_poll_at = $2 WHERE id = $1 AND next_poll_at > $2", instance_id, now
        )

    async def release_all(self, now: datetime, *, until: datetime) -> None:
        """Have the polls that a killed process had in hand (due by ``until``) handed out at once."""
        await self._pool.execute(
            "UPDATE instance SET next_poll_at = $1 WHERE next_poll_at > $1 AND next_poll_at <= $2"
            " AND throttled_until IS NULL AND NOT EXISTS (SELECT FROM resource_poll"
            " WHERE instance_id = instance.id AND retry_at > $1)",
            now,
            until,
        )

    async def require_authorisation(
        self, instance_id: InstanceId, tokens_version: int, message: str, now: datetime
    ) -> bool:
        """Stop polling the instance until somebody authorises it again, with one notice, the ``message``.

        Does nothing, and says False, when its tokens were replaced since ``tokens_version`` was read, or when
        somebody else was first.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                # Held before the instance, as by whoever authorises it: not the version of the moment before counts.
                "UPDATE instance SET valid = false, next_poll_at = NULL"
                " FROM (SELECT FROM credential WHERE instance_id = $1 AND version = $2 FOR SHARE) AS unchanged"
                " WHERE id = $1 AND valid",
                instance_id,
                tokens_version,
            )
            if done != "UPDATE 1":
                return False
            await add_notice(connection, instance_id, "authorisation.needed", {"message": message}, now)
        return True
