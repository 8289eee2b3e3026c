"""Charts: what is drawn, and that it stays within the drawing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.web.charts import HEIGHT, MOST_GROUPS, WIDTH, make_bars, make_lines

NOON = datetime(2026, 5, 28, 12, tzinfo=UTC)


def _at(values):
    return [(NOON + timedelta(hours=number), value) for number, value in enumerate(values)]


def test_bars_rise_to_a_round_number_and_say_what_they_are():
    chart = make_bars(_at([0, 90, 180, 1]))
    assert chart.scale == ("200", "100", "0")
    assert [bar.height for bar in chart.bars] == [0, 54, 108, 1.5]
    assert [bar.y + bar.height for bar in chart.bars] == [HEIGHT] * 4
    assert chart.bars[-1].x + chart.bars[-1].width < WIDTH
    assert chart.said == "271 events, at most 180 in an hour"
    assert make_bars(_at([0, 0])).said == "no event yet"
    assert make_bars([]).bars == ()


@pytest.mark.parametrize(
    ("most", "top"),
    [(0, "1"), (1, "1"), (2, "2"), (3, "5"), (10, "10"), (11, "20"), (999, "1,000"), (1e6, "1,000,000")],
)
def test_the_scale_is_round(most, top):
    scale = make_bars(_at([most])).scale
    assert scale[0] == top
    assert "." not in "".join(scale)  # there is no half an event


def test_lines_tell_the_usual_and_the_slowest_on_a_scale_of_tens():
    chart = make_lines(_at([10, 20, 1000]))
    assert chart.scale == ("1 s", "100 ms", "10 ms")
    assert chart.levels == (0.0, 60.0, 120.0)
    assert chart.usual == "0,120 300,101.9 600,0"
    assert chart.said == "from 10 ms to 1 s"
    assert make_lines([]).said == "none yet"
    assert make_lines(_at([5])).usual.count(",") == 2


@given(st.lists(st.floats(min_value=0, max_value=1e9), max_size=1000))
def test_lines_stay_within_the_drawing_and_few(values):
    chart = make_lines(_at(values))
    points = [tuple(map(float, each.split(","))) for each in (chart.usual + " " + chart.slowest).split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert len(chart.rows) <= MOST_GROUPS
    assert len(chart.scale) == len(chart.levels) <= 7
    gaps = {round(b - a, 0) for a, b in zip(chart.levels, chart.levels[1:], strict=False)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


@given(st.lists(st.integers(min_value=0, max_value=10**9), max_size=100))
def test_bars_stay_within_the_drawing(values):
    for bar in make_bars(_at(values)).bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.2
        assert 0 <= bar.y <= HEIGHT
        assert (bar.height > 0) == (bar.value > 0)
