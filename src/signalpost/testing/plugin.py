"""The pytest plugin: three fixtures. Nothing is started, and hardly anything imported, unless a test asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from signalpost.children import Child
    from signalpost.testing.callback import CallbackReceiver
    from signalpost.testing.sandbox import EgnyteSandbox
    from signalpost.testing.server import SignalpostServer


@pytest.fixture(scope="session")
def signalpost_settings() -> dict[str, object]:
    """Settings of ``signalpost_server`` by their lower-case names, without ``signalpost_``. Override it to set some."""
    return {}


@pytest.fixture(scope="session")
def _signalpost_children() -> list[Child]:
    return []


@pytest.fixture(scope="session")
def _signalpost_egnyte(_signalpost_children: list[Child]) -> Iterator[str]:
    from signalpost.children import start_child  # noqa: PLC0415 - only when it is used

    arguments = ["sandbox", "egnyte", "--port", "0"]
    with start_child(arguments, "sandbox ready on ", keep_log=True) as child:
        _signalpost_children.append(child)
        yield child.url


@pytest.fixture
def egnyte_sandbox(_signalpost_egnyte: str) -> Iterator[EgnyteSandbox]:
    """A simulated Egnyte, fresh for each test: makes changes, faults, tells the whole truth."""
    from signalpost.testing.sandbox import EgnyteSandbox  # noqa: PLC0415 - only when it is used

    sandbox = EgnyteSandbox(_signalpost_egnyte)
    sandbox.reset()
    yield sandbox
    sandbox.end()


@pytest.fixture(scope="session")
def signalpost_server(
    _signalpost_egnyte: str, _signalpost_children: list[Child], signalpost_settings: dict[str, object]
) -> Iterator[SignalpostServer]:
    """A real ``signalpost serve`` with its own PostgreSQL, started once: connects instances on the sandbox."""
    from signalpost.testing.server import run_server  # noqa: PLC0415 - only when it is used

    with run_server(_signalpost_egnyte, signalpost_settings, _signalpost_children) as server:
        yield server


@pytest.fixture
def callback_receiver(_signalpost_children: list[Child]) -> Iterator[CallbackReceiver]:
    """A callback for each test: verifies what comes, answers as told, hands it to the handler under test."""
    from signalpost.testing.callback import run_callback  # noqa: PLC0415 - only when it is used
    from signalpost.testing.server import tell_logs  # noqa: PLC0415 - only when it is used

    with run_callback(lambda: tell_logs(_signalpost_children)) as receiver:
        yield receiver
