"""The tracer, where traces are wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from signalpost import __version__
from signalpost.model.errors import ConfigurationError
from signalpost.settings import Settings
from signalpost.tracing import NO_TRACES, Tracer, describe_installing


@asynccontextmanager
async def open_tracer(settings: Settings) -> AsyncIterator[Tracer]:
    """Open the tracer; at the end what it still has is sent.

    Raises:
        ConfigurationError: traces are wanted but the extra is not installed, or a variable of OpenTelemetry is wrong.
    """
    if not settings.traces:
        yield NO_TRACES
        return
    try:
        module = import_module("signalpost.tracing.opentelemetry")
    except ImportError as error:
        message = f"SIGNALPOST_TRACES: true needs what is not installed; {describe_installing()} ({error})"
        raise ConfigurationError(message) from error
    try:
        tracer: Tracer = module.OpenTelemetryTracer(__version__)
    except ValueError as error:
        message = f"OTEL_...: a value cannot be used: {error}"
        raise ConfigurationError(message) from error
    try:
        yield tracer
    finally:
        await tracer.close()
