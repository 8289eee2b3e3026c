"""Instances of Open Connectors become instances of ours: judged, written disabled, and told what they still need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from signalpost.connectors.authorising import NO_TOKENS, asks_consent
from signalpost.connectors.base import EVENT_FIELDS, Connector
from signalpost.connectors.registry import Registry
from signalpost.instances.consent import LINK_SECONDS, seal_link
from signalpost.instances.drafts import ReadPlan, write_draft
from signalpost.instances.orders import Order
from signalpost.instances.originals import Original
from signalpost.instances.wishes import REDIRECT_URI, Wish, list_missing, merge_configuration, with_defaults
from signalpost.model.configuration import BASIC_PASSWORD, BASIC_USERNAME
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.model.ids import InstanceId
from signalpost.model.member import Member
from signalpost.store.connections import Connections
from signalpost.store.imports import Import, Imports
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.vault import Vault

BATCH = 200
DECLARE = "declare one in a file (SIGNALPOST_CONNECTOR_FILES)"


class Result(StrEnum):
    """What came of an instance of the original."""

    NEW = "new"
    """It would be imported."""
    IMPORTED = "imported"
    THERE = "imported before"
    """Nothing was changed."""
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one instance of the original, and what it still needs.

    ``missing`` names values that must be given, ``unread`` those that the original masks and nothing here reads.
    ``by_consent``: then somebody must consent at the provider, by ``link`` where there is one. ``by_hand``: then it
    must be enabled.
    """

    original: Original
    result: Result
    instance_id: InstanceId | None = None
    reason: str = ""
    missing: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    by_consent: bool = False
    by_hand: bool = False
    link: str | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is other here than it was there."""
        if not self.unread:
            return self.original.remarks
        return (*self.original.remarks, f"masked there, and read by nothing here: {', '.join(self.unread)}")


@dataclass(frozen=True, slots=True)
class _Judged:
    """An outcome, with the connector where there is one, and what is to be written where nothing is wrong."""

    outcome: Outcome
    connector: Connector | None = None
    draft: InstanceDraft | None = None

    @property
    def id(self) -> str:
        return self.outcome.original.id


class Importer:
    """Imports for one member.

    ``values`` are those that the original does not show or that are others here, by connector (its key there) or by
    instance (its id there), in lower case. ``public_url`` is the console's address: links begin with it.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        read_plan: ReadPlan,
        imports: Imports,
        connections: Connections,
        vault: Vault,
        clock: Callable[[], datetime],
        member: Member,
        values: Mapping[str, Mapping[str, str]],
        public_url: str | None,
    ) -> None:
        self._registry = registry
        self._read_plan = read_plan
        self._imports = imports
        self._connections = connections
        self._vault = vault
        self._clock = clock
        self._member = member
        self._values = values
        self._public_url = None if public_url is None else public_url.rstrip("/")
        self.used_values: set[str] = set()
        """Whose values were taken so far."""

    @property
    def has_links(self) -> bool:
        """Whether connect links can be made."""
        return self._public_url is not None

    async def run(self, originals: Iterable[Original], *, apply: bool) -> AsyncIterator[Outcome]:
        """Import instances, or (without ``apply``) say what would come of each; in their order.

        They are written some hundred at a time, each lot whole. After a stop it is run again: nothing is made twice.
        """
        seen: set[str] = set()
        waiting = iter(originals)
        while batch := list(islice(waiting, BATCH)):
            firsts = {each.id: each for each in batch if each.id not in seen}
            seen |= firsts.keys()
            judged = await asyncio.gather(*(self._judge(each) for each in firsts.values()))
            outcomes = await self._settle(judged, apply=apply)
            for outcome in await self._add_links(outcomes) if apply else outcomes:
                yield outcome
            for each in batch:
                if firsts.get(each.id) is not each:
                    reason = "its id was read before; the first instance of that id counts"
                    yield Outcome(each, Result.LEFT_OUT, reason=reason)

    async def _judge(self, original: Original) -> _Judged:
        given: dict[str, str] = {}
        for name in (original.connector.lower(), original.id.lower()):
            if name in self._values:
                self.used_values.add(name)
                given |= self._values[name]
        connector = None
        try:
            connector = self._registry.find(original.connector)
            wish = original.write_wish(connector.key, given)
            merged = merge_configuration(wish.configuration or {}, {}, connector, whole=True)
            configuration = with_defaults(merged, connector)
            draft = await write_draft(self._read_plan, connector, wish, configuration, may_lack=True)
        except NotFoundError:
            reason = f"no connector for {original.connector[:100]} here; {DECLARE}"
            return _Judged(Outcome(original, Result.LEFT_OUT, reason=reason))
        except InvalidRequestError as error:
            return _Judged(Outcome(original, Result.LEFT_OUT, reason=str(error)), connector)
        outcome = _tell_needs(Outcome(original, Result.NEW), draft.configuration, connector)
        return _Judged(outcome, connector, draft)

    async def _settle(self, judged: Sequence[_Judged], *, apply: bool) -> list[Outcome]:
        """Write what is new, where it is to be applied, and find what was there before."""
        there = await self._imports.find(self._member, [each.id for each in judged])
        wanted = [_write_import(each) for each in judged if each.id not in there and each.draft is not None]
        made: dict[str, InstanceId] = {}
        if apply and wanted:
            made = await self._imports.add(self._member, wanted, NO_TOKENS)
            lost = [each.imported_id for each in wanted if each.imported_id not in made]
            there |= await self._imports.find(
                self._member, lost
            )  # imported by somebody else at the same time
        outcomes = []
        for each in judged:
            if (instance := there.get(each.id)) is not None:
                outcome = Outcome(each.outcome.original, Result.THERE, instance.id)
                if each.connector is not None and not instance.was_authorised:
                    outcome = _tell_needs(outcome, instance.configuration, each.connector)
                    outcome = replace(outcome, by_hand=outcome.by_hand and instance.disabled)
            elif each.id in made:
                outcome = replace(each.outcome, result=Result.IMPORTED, instance_id=made[each.id])
            else:
                outcome = each.outcome
            outcomes.append(outcome)
        return outcomes

    async def _add_links(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Add a connect link to each that lacks nothing but the consent."""
        wanted = [
            each.instance_id
            for each in outcomes
            if each.instance_id is not None and each.by_consent and not each.missing
        ]
        if self._public_url is None or not wanted:
            return list(outcomes)
        now = self._clock()
        wish = Wish(configuration={REDIRECT_URI: f"{self._public_url}/oauth/callback"})
        numbers = await self._connections.add_links(
            self._member,
            wanted,
            Order(wish).to_json(),
            now=now,
            expires_at=now + timedelta(seconds=LINK_SECONDS),
        )
        return [
            replace(
                each,
                link=f"{self._public_url}/connect/{seal_link(self._vault, numbers[each.instance_id], now)}",
            )
            if each.instance_id in numbers
            else each
            for each in outcomes
        ]


def _tell_needs(outcome: Outcome, configuration: Mapping[str, str], connector: Connector) -> Outcome:
    """Add what an instance with this configuration, never authorised, still needs."""
    needed = [each.key for each in list_missing(configuration, connector)]
    read = {each.key for each in (*connector.fields, *EVENT_FIELDS)}
    hidden = [key for key in outcome.original.masked if key not in configuration]
    if BASIC_USERNAME not in configuration:
        # The original masks every password, also the empty one that stands beside no user name.
        hidden = [key for key in hidden if key != BASIC_PASSWORD]
    by_consent = asks_consent(connector)
    return replace(
        outcome,
        missing=tuple(dict.fromkeys([*needed, *(key for key in hidden if key in read)])),
        unread=tuple(key for key in hidden if key not in read),
        by_consent=by_consent,
        by_hand=not by_consent or outcome.original.disabled,
    )


def _write_import(judged: _Judged) -> Import:
    assert judged.draft is not None
    assert judged.connector is not None
    needs_nothing = not asks_consent(judged.connector)
    return Import(
        judged.id,
        judged.draft,
        until_authorised=not judged.outcome.original.disabled,
        valid=needs_nothing and not list_missing(judged.draft.configuration, judged.connector),
    )
