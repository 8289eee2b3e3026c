"""The main job through SIGKILLs at random moments: what was delivered is what happened, order holds."""

from __future__ import annotations

import pytest

from tests.faults.ground import Ground
from tests.faults.load import Title
from tests.faults.troubles_workers import kill_often

KILLS = 2


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_kills_amid_changes_lose_and_invent_nothing(ground: Ground) -> None:
    result = await kill_often(ground, Title("killed", ""), times=KILLS)
    assert result.is_good, result
