"""What went wrong outside, in plain words: every failure of the HTTP client becomes one of our errors."""

from __future__ import annotations

import errno
import ssl
from typing import Literal

import aiohttp
from yarl import URL

from signalpost.model.errors import AddressRefusedError, SignalpostError
from signalpost.outbound.gate import RefusedSocketError

Kind = Literal["refused", "dns", "connect", "tls", "timeout", "reset", "protocol"]


class OutboundError(SignalpostError):
    """No (whole) answer came; the message says why and never holds more of the URL than its host.

    ``kind``: ``refused`` nobody listens there; ``dns`` the name has no address; ``connect`` there is no way there;
    ``tls`` no encryption that we trust; ``timeout`` too slow; ``reset`` they hung up; ``protocol`` not HTTP.
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


def explain_failure(  # noqa: PLR0911 - one for each failure
    error: Exception, url: str, *, connect_seconds: float, total_seconds: float
) -> SignalpostError:
    """Turn an error of the client into ours."""
    host = find_host(url)
    match error:
        case aiohttp.ClientConnectorError() | aiohttp.ClientConnectorCertificateError():
            return _explain_connecting(error, host)
        case aiohttp.ConnectionTimeoutError():
            return OutboundError("timeout", f"no connection to {host} within {connect_seconds:g} s")
        case TimeoutError():
            return OutboundError("timeout", f"no whole answer from {host} within {total_seconds:g} s")
        case aiohttp.ClientPayloadError():
            return OutboundError("reset", f"{host} hung up in the middle of its answer")
        case aiohttp.ServerDisconnectedError() | OSError():
            return OutboundError("reset", f"{host} hung up without an answer")
        case aiohttp.InvalidURL() if host.replace(".", "").isdigit():
            return refuse_address(host, "an IPv4 address in an unusual spelling")
        case aiohttp.ClientResponseError():
            return OutboundError("protocol", f"{host} did not answer with valid HTTP")
        case _:
            return OutboundError(
                "protocol", f"the request to {host} cannot be written: its URL or a header is invalid"
            )


def _explain_connecting(  # noqa: PLR0911 - one for each failure
    error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError, host: str
) -> SignalpostError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        fault = error.certificate_error
        words = getattr(fault, "verify_message", "") or "it cannot be verified"
        return OutboundError("tls", f"the certificate of {host} is not accepted: {words.rstrip('.')}")
    cause = error.os_error
    words = cause.strerror or type(cause).__name__
    match cause:
        case RefusedSocketError():
            return refuse_address(host, cause.reason)
        case _ if isinstance(error, aiohttp.ClientConnectorDNSError):
            return OutboundError("dns", f"no address found for {host}: {words}")
        case ssl.SSLError():
            reason = (cause.reason or "unknown fault").lower().replace("_", " ")
            return OutboundError("tls", f"no encrypted connection to {host} came about: {reason}")
        case ConnectionRefusedError():
            return OutboundError("refused", f"nobody listens at {host} on port {error.port}")
        case ConnectionResetError() | BrokenPipeError():
            return OutboundError("reset", f"{host} hung up while the connection was made")
        case _ if cause.errno == errno.ETIMEDOUT:
            return OutboundError("timeout", f"no connection to {host}: {words}")
        case _:
            return OutboundError("connect", f"no connection to {host}: {words}")
