"""What polling costs: the calls of a day that an interval comes to. Pure."""

from __future__ import annotations

import math

DAY_SECONDS = 86_400


def count_calls_a_day(interval_seconds: float, resources: int) -> int:
    """Count the calls that polling makes in a day at the least: one for each resource and poll, if nothing changed."""
    return math.ceil(DAY_SECONDS / interval_seconds) * resources
