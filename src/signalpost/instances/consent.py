"""The consent at the provider: what was asked for waits, the person goes there and comes back, an instance is made."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from signalpost.connectors.base import Connector
from signalpost.connectors.registry import Registry
from signalpost.instances.lifecycle import Lifecycle
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.orders import Order, read_order
from signalpost.instances.outcomes import GONE, SENT_ALREADY, clean_words, describe_failure, say_why_not
from signalpost.instances.wishes import clean_text, with_defaults
from signalpost.model.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    RequestError,
)
from signalpost.model.instance import Instance
from signalpost.model.member import Member
from signalpost.observe import get_logger
from signalpost.store.accounts.audit import Audit
from signalpost.store.applications import Applications
from signalpost.store.connections import Connection, Connections
from signalpost.store.instances import Instances
from signalpost.store.vault import Vault

log = get_logger("instances")

CONSENT_SECONDS = 3600
LINK_SECONDS = 7 * 86_400
LINK = "connect link"

DENIED = "access_denied"


class Consents:
    """Leads persons to consent pages and makes instances of what they bring back."""

    def __init__(
        self,
        *,
        registry: Registry,
        lifecycle: Lifecycle,
        oauth2: OAuth2,
        instances: Instances,
        connections: Connections,
        applications: Applications,
        audit: Audit,
        vault: Vault,
        clock: Callable[[], datetime],
    ) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._oauth2 = oauth2
        self._instances = instances
        self._connections = connections
        self._applications = applications
        self._audit = audit
        self._vault = vault
        self._clock = clock

    async def begin(
        self, member: Member, order: Order, *, instance: Instance | None = None, by_link: bool = False
    ) -> UUID:
        """Check an order and keep it until the consent comes back, an hour or (``by_link``) seven days.

        Raises:
            InvalidRequestError, NotFoundError: the order is wrong; nothing was kept.
        """
        await self._lifecycle.check(order.wish, instance)
        if by_link:  # who gives the consent is another one than who would look, or has looked
            order = replace(order, look_first=False, wish=replace(order.wish, tokens=None))
        connector = self._registry.find(order.wish.connector or (instance.connector if instance else ""))
        now = self._clock()
        seconds = LINK_SECONDS if by_link else CONSENT_SECONDS
        number = await self._connections.add(
            member,
            connector=connector.key,
            name=clean_text("name", order.wish.name or (instance.name if instance else connector.name)),
            wish=order.to_json(),
            instance_id=instance.id if instance else None,
            by_link=by_link,
            now=now,
            expires_at=now + timedelta(seconds=seconds),
        )
        log.info("consent.begun", connection=str(number), connector=connector.key, link=by_link)
        return number

    def write_link(self, number: UUID) -> str:
        """Give the token of a connect link: signed, and good for seven days."""
        return seal_link(self._vault, number, self._clock())

    async def read_link(self, token: str) -> Connection:
        """Find the connection of a connect link.

        Raises:
            NotFoundError: it is wrong, old or withdrawn, or who made it may not connect. ConflictError: no connector.
        """
        text = self._vault.unseal_text(LINK, token, self._clock(), seconds=LINK_SECONDS)
        connection = None if text is None else await self._connections.find(UUID(text))
        if connection is None or not connection.by_link:
            message = (
                "this connect link is not good any more: it is incomplete, older than seven days, or withdrawn;"
                " ask who sent it for a new one"
            )
            raise NotFoundError(message)
        self._check_followed(connection)
        return connection

    def _check_followed(self, connection: Connection) -> None:
        """Refuse a link whose connector is gone, in words for somebody who can install nothing here."""
        if connection.by_link and connection.connector not in self._registry:
            message = f"this link cannot be followed at present; tell {connection.member.email}, who made it"
            raise ConflictError(message)

    async def read_configuration(self, connection: Connection) -> tuple[Connector, dict[str, str]]:
        """Give the connector, and the configuration that the instance is to have (secrets included)."""
        connector = self._registry.require(connection.connector)
        before: Mapping[str, str] = {}
        if connection.instance_id is not None:
            instance = await self._instances.find(connection.member.organization_id, connection.instance_id)
            before = {} if instance is None else instance.configuration
        given = {key: text for key, text in (connection.wish.get("configuration") or {}).items() if text}
        return connector, with_defaults({**before, **given}, connector)

    async def write_url(self, connection: Connection, nonce: str) -> str:
        """Give the address of the provider's consent page; who comes back from it must have ``nonce``."""
        connector, configuration = await self.read_configuration(connection)
        state = self._vault.seal_text("consent", f"{connection.id} {_digest(nonce)}", self._clock())
        return self._oauth2.write_consent_url(connector, configuration, state=state)

    async def find_returned(self, state: str, nonce: str | None) -> Connection:
        """Find the connection that somebody comes back for.

        Raises:
            InvalidRequestError: the state is not ours, or too old. ForbiddenError: another browser went there.
            NotFoundError: the connection was withdrawn. ConflictError: its connector is not installed any more.
        """
        text = self._vault.unseal_text("consent", state, self._clock(), seconds=CONSENT_SECONDS)
        if text is None:
            message = (
                "this answer of a consent page is none that was asked for here in the last hour;"
                " begin again where you came from"
            )
            raise InvalidRequestError(message)
        number, _, digest = text.partition(" ")
        if nonce is None or not hmac.compare_digest(digest, _digest(nonce)):
            message = (
                "this consent was begun in another browser, so nothing was connected;"
                " open the link again in this browser and go on from there"
            )
            raise ForbiddenError(message)
        connection = await self._connections.find(UUID(number))
        if connection is None:
            raise NotFoundError(GONE)
        self._check_followed(connection)
        return connection

    async def refuse(self, connection: Connection, error: str, description: str) -> None:
        """Keep the provider's refusal in words; the same connection may be tried again."""
        name = self._registry.require(connection.connector).name
        ours = f"{name} did not give access"
        if error == DENIED:
            ours = f"Access was denied on the consent page of {name}, so nothing was connected"
        words = ": ".join(each for each in (error, description) if each)
        if connection.taken_at is None:
            await self._connections.give_back(connection.id, f"{ours}\n{clean_words(words)}", taken_at=None)
        log.info("consent.refused", connection=str(connection.id), error=error[:50])

    async def finish(self, connection: Connection, code: str, state: str) -> Connection:
        """Make of a consent what was asked for, and give the connection as it is then: made, or with its failure.

        ``state`` is the one that ``find_returned`` found the connection by.

        Raises:
            ConflictError: it was taken already, or has expired.
        """
        now = self._clock()
        if not await self._connections.take(connection.id, now):
            raise ConflictError(say_why_not(connection, now))
        order = read_order(connection.wish)
        order = replace(order, wish=replace(order.wish, code=code, state=state, tokens=None))
        try:
            if order.look_first and connection.instance_id is None:
                tokens = await self._lifecycle.authorise(order.wish)
                looked = replace(order, wish=replace(order.wish, code=None, tokens=tokens))
                await self._connections.give_back(connection.id, None, looked.to_json(), taken_at=now)
            else:
                await self._make(connection, order, now)
        except RequestError as error:
            failure = describe_failure(self._registry.require(connection.connector).name, error)
            await self._connections.give_back(connection.id, failure, taken_at=now)
        except BaseException:
            await self._connections.give_back(connection.id, None, taken_at=now)
            raise
        return await self._connections.find(connection.id) or connection

    async def create(self, member: Member, order: Order, number: UUID) -> Instance:
        """Create an instance of an order whose consent (``order.wish.tokens``) was given for connection ``number``.

        Raises:
            ConflictError: an instance was made of it already, it has expired, or who began it may not connect.
            InvalidRequestError, UnavailableError: as ``Lifecycle.create``.
        """
        now = self._clock()
        connection = await self._connections.find(number)
        if connection is None or not await self._connections.take(number, now):
            raise ConflictError(GONE if connection is None else say_why_not(connection, now))
        return await self._create(member, order, (number, now))

    async def create_at_once(self, member: Member, order: Order, number: UUID) -> Instance:
        """Create an instance of a connector that needs no consent: one for each ``number``, however often it is sent.

        Raises:
            ConflictError: it is being made, or was made under another name.
            InvalidRequestError, UnavailableError: as ``Lifecycle.create``.
        """
        name, now = clean_text("name", order.wish.name or ""), self._clock()
        await self._connections.add(
            member,
            connector=order.wish.connector or "",
            name=name,
            wish={"connector": order.wish.connector},
            instance_id=None,
            by_link=False,
            now=now,
            expires_at=now + timedelta(seconds=LINK_SECONDS),
            number=number,
        )
        connection = await self._connections.find(number)
        if connection is not None and connection.made_instance_id is not None:
            made = await self._instances.find(member.organization_id, connection.made_instance_id)
            if made is not None and made.name == name:
                return made
        if not await self._connections.take(number, now):
            raise ConflictError(SENT_ALREADY)
        return await self._create(member, order, (number, now))

    async def _create(self, member: Member, order: Order, taken: tuple[UUID, datetime]) -> Instance:
        """Create an instance of what was ``taken``, or give that back."""
        try:
            instance = await self._lifecycle.create(member.caller, order.wish, taken=taken)
        except BaseException:
            await self._connections.give_back(taken[0], None, taken_at=taken[1])
            raise
        await self._save_application(member, order, instance)
        detail = f"connected {instance.name} as {instance.account.label}"
        await self._audit.add(member, "instance.created", detail, self._clock(), instance_id=instance.id)
        return instance

    async def _make(self, connection: Connection, order: Order, taken_at: datetime) -> None:
        member, taken = connection.member, (connection.id, taken_at)
        if connection.instance_id is None:
            instance = await self._lifecycle.create(member.caller, order.wish, taken=taken)
            await self._save_application(member, order, instance)
            action, detail = "instance.created", f"connected {instance.name} as {instance.account.label}"
        else:
            before = await self._instances.find(member.organization_id, connection.instance_id)
            if before is None:
                message = f"instance {connection.instance_id} was deleted meanwhile"
                raise NotFoundError(message)
            instance = await self._lifecycle.change(before, order.wish, whole=False, taken=taken)
            action, detail = "instance.authorised", f"authorised {instance.name} as {instance.account.label}"
        by_link = ", by a connect link" if connection.by_link else ""
        await self._audit.add(member, action, detail + by_link, self._clock(), instance_id=instance.id)

    async def _save_application(self, member: Member, order: Order, instance: Instance) -> None:
        if not order.application:
            return
        connector = self._registry.require(instance.connector)
        keys = [each.key for each in connector.fields if each.application]
        saved = await self._applications.save(
            member.organization_id,
            connector=connector.key,
            name=order.application,
            secrets={key: instance.configuration[key] for key in keys if key in instance.configuration},
            now=self._clock(),
        )
        if saved:
            detail = f"saved the application {order.application} of {connector.name}"
            await self._audit.add(member, "application.saved", detail, self._clock())


def seal_link(vault: Vault, number: UUID, now: datetime) -> str:
    """Give the token of a connect link to connection ``number``."""
    return vault.seal_text(LINK, str(number), now)


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
