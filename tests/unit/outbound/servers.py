"""Real servers on loopback for the tests of outgoing HTTP: a proper one, and one that speaks raw bytes."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signalpost.outbound import Outbound


@dataclass
class Site:
    """A web server: what it was asked, and how it answers."""

    url: str = ""
    requests: list[tuple[web.Request, bytes]] = field(default_factory=list)


@asynccontextmanager
async def serve(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], host: str = "127.0.0.1"
) -> AsyncIterator[Site]:
    site = Site()

    async def take(request: web.Request) -> web.StreamResponse:
        site.requests.append((request, await request.read()))
        return await answer(request)

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    site.url = f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        await runner.cleanup()


@dataclass
class RawSite:
    """A server of raw bytes: its port, and for each connection the requests that came on it."""

    port: int = 0
    connections: list[list[bytes]] = field(default_factory=list)


Turn = Callable[[RawSite, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serve_raw(turn: Turn, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawSite]:
    """Serve; ``turn`` is called after each request (which has no body, or one of 4 bytes)."""
    site = RawSite()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen: list[bytes] = []
        site.connections.append(seen)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                seen.append(head + (await reader.readexactly(4) if b"Content-Length: 4" in head else b""))
                await turn(site, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


def open_outbound(**given: object) -> Outbound:
    return Outbound(**{"allow_private": True, "connections": 4, **given})  # type: ignore[arg-type]


def name_hosts(hosts: dict[str, list[str]]) -> Any:
    """Give a look-up that knows these hosts."""

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        rows = [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in hosts.get(host.rstrip("."), [])
        ]
        if not rows:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return rows

    return look_up


@dataclass
class Authority:
    """A certificate authority in a folder."""

    folder: Path

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign("Test authority", self._key, days=1, authority=True)

    def trust(self) -> ssl.SSLContext:
        pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def write(self) -> Path:
        """Give the file of its certificate, for who is to trust it."""
        path = self.folder / "authority.pem"
        path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def serve_as(self, name: str, *, days: int = 1) -> ssl.SSLContext:
        """Give the context of a server called ``name``; with negative ``days`` its certificate has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._serve(self._sign(name, key, days=days, authority=False), key)

    def serve_itself(self) -> ssl.SSLContext:
        """Give the context of a server whose certificate is signed by itself."""
        return self._serve(self._certificate, self._key)

    def _serve(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
        path = self.folder / f"{certificate.serial_number}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context

    def _sign(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, days: int, authority: bool
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=authority,
            crl_sign=authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=9))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(own, critical=False)
            .add_extension(theirs, critical=False)
            .sign(self._key, hashes.SHA256())
        )
