"""Traces on and off: what is imported, and what is said where they cannot be had."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires

import pytest

from signalpost.model.errors import ConfigurationError
from signalpost.settings import Settings
from signalpost.tracing import NO_TRACES, PACKAGES
from signalpost.wiring.traces import open_tracer


async def test_they_are_off_by_default():
    async with open_tracer(Settings()) as tracer:
        assert tracer is NO_TRACES


def test_nothing_of_the_extra_is_imported_without_need():
    code = (
        "import sys, signalpost.wiring.service, signalpost.cli.serve;"
        "print([name for name in sys.modules"
        " if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'signalpost.tracing.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "signalpost.tracing.opentelemetry", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    # By the Python that runs, and without our own name: the wheel may be on no index.
    command = f"run: {sys.executable} -m pip install {' '.join(PACKAGES)} "
    with pytest.raises(ConfigurationError, match=f"SIGNALPOST_TRACES: .*{re.escape(command)}"):
        async with open_tracer(Settings(traces=True)):
            pass


def test_what_to_install_is_what_the_extra_brings():
    wanted = [each for each in requires("signalpost") if 'extra == "opentelemetry"' in each.replace("'", '"')]
    names = {re.match(r"[\w-]+", each)[0] for each in wanted}
    assert names == {*PACKAGES, "opentelemetry-api"}  # the last comes with the others


async def test_a_variable_of_opentelemetry_that_cannot_be_used_is_told(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-5")
    with pytest.raises(ConfigurationError, match="max_queue_size must be a positive integer"):
        async with open_tracer(Settings(traces=True)):
            pass
