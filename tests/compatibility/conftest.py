"""Fixtures: the service, shared by these tests as by those of the API, and a program written for the original."""

from __future__ import annotations

import pytest_asyncio

from tests.api.conftest import shared, still
from tests.compatibility.client import Program

__all__ = ["shared", "still"]


@pytest_asyncio.fixture(loop_scope="session")
async def program(still) -> Program:
    return Program(still)
