"""Checks that call out, as the service would: the proxy, callbacks, providers, our own public address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from signalpost import __version__
from signalpost.cli.doctor.findings import (
    Check,
    Finding,
    Subject,
    approve,
    fail,
    list_some,
    name_instances,
    refuse,
    skip,
    warn,
)
from signalpost.cli.doctor.server import MOST_SKEW_SECONDS
from signalpost.connectors.containment import find_host
from signalpost.model.addresses import USUAL_PORTS, mask_url
from signalpost.model.errors import InvalidRequestError, NotFoundError, SignalpostError
from signalpost.outbound import Answer, Outbound

MOST_HOSTS = 50
ASK_SECONDS = 4.0
MOST_SHOWN = 100
HEADERS = {"User-Agent": f"Signalpost/{__version__} (doctor)"}


async def check_proxy(subject: Subject) -> Finding:
    """Nobody listens at `SIGNALPOST_PROXY_URL`."""
    url = subject.settings.read_proxy_url()
    if url is None:
        return skip("there is none")
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or USUAL_PORTS[parts.scheme]
    try:
        async with asyncio.timeout(ASK_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
    except UnicodeError:
        return fail(
            f"SIGNALPOST_PROXY_URL: {host[:MOST_SHOWN]!r} is no valid host name",
            "set SIGNALPOST_PROXY_URL right",
        )
    except (OSError, TimeoutError):
        return fail(f"nobody answers at {host}:{port}", "start the proxy, or set SIGNALPOST_PROXY_URL right")
    return approve(f"{host}:{port} takes connections")


async def check_public_address(subject: Subject) -> Finding:
    """`SIGNALPOST_PUBLIC_URL` does not lead to the service."""
    url = subject.settings.read_public_url()
    if url is None:
        return skip("SIGNALPOST_PUBLIC_URL is not set")
    remedy = "start the service, set SIGNALPOST_PUBLIC_URL right, and have the proxy before it pass all paths"
    try:
        async with _open(subject, allow_private=True) as outbound:
            answer = await _ask(outbound, f"{url.rstrip('/')}/healthz", "GET")
    except SignalpostError as error:
        return refuse(error, remedy)
    if b'"checks"' not in answer.body:
        return fail(f"{mask_url(url)} answers, but not as Signalpost does (status {answer.status})", remedy)
    return approve("it leads to a service of ours")


async def check_callbacks(subject: Subject) -> Finding:
    """Callbacks cannot be reached as the service would: no such host, no TLS that is trusted, an address not allowed.

    What they answer does not matter: nothing is delivered, `HEAD` is asked.
    """
    urls: dict[str, list[int]] = {}
    for each in subject.instances or ():
        if each.url and each.resources and not each.disabled:
            urls.setdefault(each.url, []).append(each.id)
    if not urls:
        return skip("there is none")
    asked = dict(list(urls.items())[:MOST_HOSTS])
    if failed := _list_failed(asked, await _ask_all(subject, asked)):
        return fail(list_some(failed), "mend the callback, or give another event.notification.callback.url")
    return approve(f"{len(asked)} can be reached")


async def check_providers(subject: Subject) -> Finding:
    """A provider of instances cannot be reached."""
    hosts = _find_providers(subject)
    if not hosts:
        return skip("there is no instance to poll")
    if failed := _list_failed(hosts, await _ask_all(subject, hosts)):
        return fail(list_some(failed), "let the service through to it: firewall, SIGNALPOST_PROXY_URL, DNS")
    return approve(f"{len(hosts)} can be reached")


async def check_provider_clock(subject: Subject) -> Finding:
    """A provider's clock, by the `Date` of its answer, and this machine's differ by more than a minute."""
    hosts = _find_providers(subject)
    answers = await _ask_all(subject, hosts)
    now, skewed, told = subject.now(), [], 0
    for url, (_, answer) in answers.items():
        date = None if answer is None else _read_date(answer.headers)
        if date is not None:
            told += 1
            skew_seconds = (date - now).total_seconds()
            if abs(skew_seconds) > MOST_SKEW_SECONDS:
                way = "ahead of" if skew_seconds > 0 else "behind"
                skewed.append(f"{urlsplit(url).hostname} is {abs(skew_seconds):,.0f} s {way}")
    if skewed:
        return warn(f"{list_some(skewed)} this machine", "set this machine's clock by a time server (NTP)")
    return approve("within a minute of ours") if told else skip("no provider told what time it is")


def _find_providers(subject: Subject) -> dict[str, list[int]]:
    """Give the base URLs of the providers, with the instances that are polled there."""
    hosts: dict[str, list[int]] = {}
    for each in subject.instances or ():
        if not each.resources or each.disabled or subject.registry is None:
            continue
        try:
            url = find_host(subject.registry.find(each.connector), each.configuration)
        except (InvalidRequestError, NotFoundError):  # told by others; a secret may be part of the address
            continue
        if url in hosts or len(hosts) < MOST_HOSTS:
            hosts.setdefault(url, []).append(each.id)
    return hosts


def _list_failed(
    urls: Mapping[str, list[int]], answers: Mapping[str, tuple[str, Answer | None]]
) -> list[str]:
    return [f"{name_instances(urls[url])}: {reason}" for url, (reason, _) in answers.items() if reason]


async def _ask_all(subject: Subject, urls: Mapping[str, object]) -> dict[str, tuple[str, Answer | None]]:
    """Ask each URL at once; give by URL why it does not answer ("": it does), and the answer."""

    async def ask(url: str) -> tuple[str, Answer | None]:
        try:
            return "", await _ask(outbound, url, "HEAD")
        except SignalpostError as error:
            return str(error), None

    async with _open(subject, allow_private=subject.settings.allow_private_networks) as outbound:
        answers = await asyncio.gather(*map(ask, urls))
    return dict(zip(urls, answers, strict=True))


def _open(subject: Subject, *, allow_private: bool) -> Outbound:
    settings = subject.settings
    return Outbound(
        allow_private=allow_private,
        connect_timeout_seconds=min(settings.connect_timeout_seconds, ASK_SECONDS),
        total_timeout_seconds=min(settings.total_timeout_seconds, ASK_SECONDS),
        connections=MOST_HOSTS,
        allowance=settings.read_allowance(),
        proxy_url=settings.read_proxy_url(),
    )


async def _ask(outbound: Outbound, url: str, method: str) -> Answer:
    return await outbound.request(method, url, headers=HEADERS, max_bytes=10_000)


def _read_date(headers: Mapping[str, str]) -> datetime | None:
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


NETWORK: tuple[Check, ...] = (
    check_proxy,
    check_public_address,
    check_callbacks,
    check_providers,
    check_provider_clock,
)
