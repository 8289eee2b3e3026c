"""What went wrong outside, in plain words: every failure of the HTTP client becomes one of our errors."""

from __future__ import annotations

import errno
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import aiohttp
from yarl import URL

from signalpost.model.errors import AddressRefusedError, SignalpostError
from signalpost.outbound.gate import RefusedSocketError

Kind = Literal["refused", "dns", "connect", "tls", "timeout", "reset", "protocol", "proxy"]
# OpenSSL's reasons that say little to others.
_TLS_REASONS = dict.fromkeys(
    ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"),
    "what answers there does not encrypt",
)

# The same of its words on certificates, by their number.
_CERTIFICATE_REASONS = dict.fromkeys((20, 21), "its issuer is not trusted here")


class OutboundError(SignalpostError):
    """No (whole) answer came; the message says why and never holds more of the URL than its host.

    ``kind``: ``refused`` nobody listens there; ``dns`` the name has no address; ``connect`` there is no way there;
    ``tls`` no encryption that we trust; ``timeout`` too slow; ``reset`` they hung up; ``protocol`` not HTTP;
    ``proxy`` the forward proxy does not let us through.
    """

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def find_host(url: str) -> str:
    """Give the host of a URL, to name it in messages; a placeholder if the URL is too broken."""
    try:
        return URL(url).host or "(no host)"
    except ValueError:
        return "(no host)"


def refuse_address(host: str, reason: str) -> AddressRefusedError:
    """Make the error for a host that is not public. It does not tell the address: names of inside are secrets."""
    return AddressRefusedError(f"{host} is not a public address ({reason}), and others are not allowed here")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request was held to, to say so: its times, and the proxy (``host:port``) if it went through one."""

    connect_seconds: float
    total_seconds: float
    proxy: str | None = None


def explain_failure(error: Exception, url: str, limits: Limits) -> SignalpostError:
    """Turn an error of the client into ours."""
    found = _explain(error, find_host(url), limits)
    if limits.proxy is None or not isinstance(found, OutboundError) or limits.proxy in str(found):
        return found
    return OutboundError(found.kind, f"{found} (through the proxy {limits.proxy})")


def _explain(  # noqa: PLR0911 - one for each failure
    error: Exception, host: str, limits: Limits
) -> SignalpostError:
    match error:
        case aiohttp.ClientConnectorError() | aiohttp.ClientConnectorCertificateError():
            # With a proxy it is the proxy that a connection fails to; without one these are the URL's.
            return _explain_connecting(
                error, host if limits.proxy is None else _name_end(error, host, limits)
            )
        case aiohttp.ConnectionTimeoutError():
            return OutboundError("timeout", f"no connection to {host} within {limits.connect_seconds:g} s")
        case TimeoutError():
            return OutboundError("timeout", f"no whole answer from {host} within {limits.total_seconds:g} s")
        case aiohttp.ClientPayloadError():
            return OutboundError("reset", f"{host} hung up in the middle of its answer")
        case aiohttp.ServerDisconnectedError() | OSError():
            return OutboundError("reset", f"{host} hung up without an answer")
        case aiohttp.ClientHttpProxyError():
            return refuse_way(limits.proxy or "(no host)", host, error.status)
        case aiohttp.http.HttpProcessingError():
            if error.message.startswith(("Got more than", "Too many headers")):
                return OutboundError("protocol", f"the headers of {host}'s answer are too long")
            return OutboundError("protocol", f"{host} did not answer with valid HTTP")
        case _:
            return OutboundError(
                "protocol", f"the request to {host} cannot be written: its URL or a header is invalid"
            )


def refuse_way(proxy: str, host: str, status: int) -> OutboundError:
    """Make the error for a proxy that answered in place of the host."""
    wish = "; it wants a user name and password" if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED else ""
    return OutboundError(
        "proxy", f"the proxy {proxy} does not let us through to {host}: it answered {status}{wish}"
    )


def _name_end(
    error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError, host: str, limits: Limits
) -> str:
    proxy = URL(f"http://{limits.proxy}")
    return f"the proxy {limits.proxy}" if (error.host, error.port) == (proxy.raw_host, proxy.port) else host


def _explain_connecting(  # noqa: PLR0911 - one for each failure
    error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError, host: str
) -> SignalpostError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        fault = error.certificate_error
        told = getattr(fault, "verify_message", None) or "it cannot be verified"
        words = _CERTIFICATE_REASONS.get(getattr(fault, "verify_code", 0), told)
        return OutboundError("tls", f"the certificate of {host} is not accepted: {words.rstrip('.')}")
    cause = error.os_error
    words = cause.strerror or type(cause).__name__
    match cause:
        case RefusedSocketError():
            return refuse_address(host, cause.reason)
        case _ if isinstance(error, aiohttp.ClientConnectorDNSError):
            return OutboundError("dns", f"no address found for {host}: {words}")
        case ssl.SSLError():
            reason = cause.reason or "unknown fault"
            shown = _TLS_REASONS.get(reason) or reason.lower().replace("_", " ")
            return OutboundError("tls", f"no encrypted connection to {host} came about: {shown}")
        case ConnectionRefusedError():
            return OutboundError("refused", f"nobody listens at {host} on port {error.port}")
        case ConnectionResetError() | BrokenPipeError():
            return OutboundError("reset", f"{host} hung up while the connection was made")
        case _ if cause.errno == errno.ETIMEDOUT:
            return OutboundError("timeout", f"no connection to {host}: {words}")
        case _:
            return OutboundError("connect", f"no connection to {host}: {words}")
