"""Checks of the instances that are stored."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from signalpost.cli.doctor.findings import (
    Check,
    Finding,
    Subject,
    approve,
    fail,
    list_some,
    name_instances,
    skip,
    warn,
)
from signalpost.connectors.base import Connector
from signalpost.model.addresses import judge_address, judge_spelling
from signalpost.model.configuration import SIGNATURE_KEY
from signalpost.model.errors import ConfigurationError, NotFoundError
from signalpost.model.quota import RESERVED_SHARE, read_allowance
from signalpost.store.checkup import StoredInstance

SECONDS_A_DAY = 86_400


def check_stored_connectors(subject: Subject) -> Finding:
    """Stored instances are of a connector that is not there: they are not polled, and pages that show them fail."""
    if subject.registry is None:
        return skip("the connectors cannot be loaded")
    lost = [each for each in subject.instances or () if _find_connector(subject, each) is None]
    if lost:
        return fail(
            f"not there: {list_some(sorted({each.connector for each in lost}))}, of {_name(lost)}",
            "put its file into SIGNALPOST_CONNECTOR_FILES, or install its package, in every process",
        )
    return approve("all that instances need are there")


def check_callbacks_missing(subject: Subject) -> Finding:
    """Notifications are enabled, but there is no callback URL: events are logged, and sent to nobody."""
    found = [each for each in _list_polled(subject) if not each.url]
    if found:
        return warn(
            f"{_name(found)}: notifications are enabled without a callback URL",
            "set event.notification.callback.url, if events are to be sent",
        )
    return approve("each instance with notifications has one")


def check_callbacks_private(subject: Subject) -> Finding:
    """A callback URL has an inner address, which the settings forbid. Names are looked up with `--online` alone."""
    settings = subject.settings
    if settings.allow_private_networks or settings.proxy_url is not None:
        return skip("a proxy judges them" if settings.proxy_url else "any address is allowed")
    allowance = settings.read_allowance()
    found = []
    for each in _list_polled(subject):
        host = urlsplit(each.url or "").hostname or ""
        address = "127.0.0.1" if host == "localhost" else host
        is_inner = judge_spelling(host) is not None or judge_address(address) not in {
            None,
            "not an IP address",
        }
        if host and is_inner and not allowance.has_host(host) and not allowance.has_address(address):
            found.append(each)
    if found:
        return fail(
            f"{_name(found)}: the callback is an inner address, and is never called",
            "name it in SIGNALPOST_ALLOWED_NETWORKS, or give a public one",
        )
    return approve("none has an inner address that is not allowed")


def check_callbacks_stopped(subject: Subject) -> Finding:
    """A callback was given up after its retries: what is for it waits until somebody enables it."""
    stopped = [each for each in subject.instances or () if each.stopped]
    failing = [each for each in _list_polled(subject) if each.failing and not each.stopped]
    if stopped:
        return fail(
            f"{_name(stopped)}: the callback was given up, what is for it waits",
            "mend the callback, then release it: its page in the console, or PUT /instances/{id}/endpoint",
        )
    if failing:
        return warn(
            f"{_name(failing)}: the callback fails, and is tried again",
            "see why on its page in the console, or by GET /instances/{id}/endpoint",
        )
    return approve("none was given up, none fails")


def check_authorisations(subject: Subject) -> Finding:
    """The provider no longer takes an instance's tokens: it is not polled until it is authorised again."""
    found = [each for each in subject.instances or () if not each.valid]
    if found:
        return fail(
            f"{_name(found)}: the provider wants a new authorisation",
            "connect again: its page in the console, or PATCH /instances/{id} with a new code",
        )
    return approve("all are good")


def check_pollers_disabled(subject: Subject) -> Finding:
    """A resource failed so often that it is no longer polled."""
    found = [each for each in subject.instances or () if each.given_up]
    if found:
        resources = list_some(sorted({resource for each in found for resource in each.given_up}))
        return fail(
            f"{_name(found)}: no longer polled: {resources}",
            "see why on its page in the console, mend it, then resume it there, or by PUT /instances/{id}/polling",
        )
    return approve("all are polled")


def check_poll_intervals(subject: Subject) -> Finding:
    """An instance is to be polled more often than the provider's calls of a day allow: polls are spread instead."""
    now, found = subject.now(), []
    for each in _list_polled(subject):
        connector = _find_connector(subject, each)
        allowance = None if connector is None else read_allowance(each.quota, connector.calls_a_day, now)
        if allowance is None:
            continue
        calls = max(allowance.calls_a_poll, len(each.resources))
        least_seconds = SECONDS_A_DAY * calls / max(allowance.calls_a_day * (1 - RESERVED_SHARE), 1)
        if each.interval_seconds < least_seconds:
            found.append((each, least_seconds))
    if found:
        minutes = max(least_seconds for _, least_seconds in found) / 60
        return warn(
            f"{_name(each for each, _ in found)}: the provider's calls of a day do not last for polls so often",
            f"set event.poller.refresh_interval to {minutes:.1f} minutes or more, or poll fewer resources",
        )
    return approve("the providers' calls of a day last for them")


def check_signatures(subject: Subject) -> Finding:
    """Notifications are not signed: receivers cannot tell them from others'."""
    if subject.vault is None:
        return skip("there is no key to read the configurations with")
    found = []
    for each in _list_polled(subject):
        try:
            sealed = subject.vault.unseal_once(each.sealed)["configuration"]
        except ConfigurationError:
            return skip("the configurations cannot be decrypted")
        if each.url and not {**each.configuration, **sealed}.get(SIGNATURE_KEY):
            found.append(each)
    if found:
        return warn(
            f"{_name(found)}: notifications are sent without a signature",
            "set event.notification.signature.key, and verify it at the receiver",
        )
    return approve("all that is sent is signed")


def _list_polled(subject: Subject) -> list[StoredInstance]:
    """Give the instances whose notifications are enabled."""
    return [each for each in subject.instances or () if each.resources and not each.disabled]


def _find_connector(subject: Subject, instance: StoredInstance) -> Connector | None:
    try:
        return subject.registry.find(instance.connector) if subject.registry is not None else None
    except NotFoundError:
        return None


def _name(instances: Iterable[StoredInstance]) -> str:
    return name_instances(each.id for each in instances)


INSTANCES: tuple[Check, ...] = (
    check_stored_connectors,
    check_callbacks_missing,
    check_callbacks_private,
    check_callbacks_stopped,
    check_authorisations,
    check_pollers_disabled,
    check_poll_intervals,
    check_signatures,
)
