"""Spans from the poll to the callback. What is here records none; ``tracing.opentelemetry`` does, if wanted."""

from __future__ import annotations

import shlex
import sys
from typing import Self


class Span:
    """A piece of work, for as long as its ``with`` block is open. This one is not recorded.

    ``traceparent`` names it to others, as W3C Trace Context writes it; None where nothing is traced.
    """

    __slots__ = ()

    @property
    def traceparent(self) -> str | None:
        """The span's name for others."""
        return None

    def note(self, **told: str | int) -> None:
        """Keep what became known of the work, as attributes ``signalpost.<name>``."""

    def note_status(self, status: int | None) -> None:
        """Keep the status that a request was answered with; None: no answer came."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        return None


NOT_RECORDED = Span()

CLOSE_SECONDS = 1.0
"""How long a stop may take for the sake of traces."""


class Tracer:
    """Opens spans, with what is ``told`` as attributes ``signalpost.<name>``. This one has nothing recorded."""

    def open_span(self, name: str, **told: str | int) -> Span:
        """Open a span below the one that is open here, or the first one of a new trace."""
        return NOT_RECORDED

    def open_request(
        self,
        name: str,
        method: str,
        url: str,
        *,
        with_path: bool = False,
        parent: str | None = None,
        **told: str | int,
    ) -> Span:
        """Open the span of one HTTP request: below ``parent`` (a ``traceparent``), else as ``open_span`` does.

        User, query and fragment of ``url`` are never kept, its path only ``with_path``: in a callback's there may be
        a secret.
        """
        return NOT_RECORDED

    async def close(self) -> None:
        """Send what is not sent yet, within ``CLOSE_SECONDS``; what cannot be sent by then is dropped."""


NO_TRACES = Tracer()

PACKAGES = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
"""What the extra ``opentelemetry`` brings, as the how-to on traces names it too."""


def describe_installing() -> str:
    """Say what to run so that ``PACKAGES`` are there, in the environment of this very process, however it was made."""
    return f"run: {shlex.quote(sys.executable)} -m pip install {' '.join(PACKAGES)}"
