"""A day's calls: counted, corrected, renewed, and spread over the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.quota import Allowance, next_midnight, read_allowance

NOW = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 5, tzinfo=UTC)
ALLOWANCE = Allowance(1000, 100, MIDNIGHT)


def after(**given_time):
    return NOW + timedelta(**given_time)


def test_polling_leaves_a_tenth_to_the_user():
    assert ALLOWANCE.left_to_polls == 800
    assert Allowance(1000, 900, MIDNIGHT).left_to_polls == 0
    assert Allowance(1000, 5000, MIDNIGHT).left_to_polls == 0
    assert Allowance(1, 0, MIDNIGHT).left_to_polls == 1


@pytest.mark.parametrize("zone_hours", [-11, 0, 14])
def test_the_day_ends_at_midnight_in_utc(zone_hours):
    from datetime import timezone

    local = NOW.astimezone(timezone(timedelta(hours=zone_hours)))
    assert next_midnight(local) == MIDNIGHT
    assert next_midnight(MIDNIGHT) == MIDNIGHT + timedelta(days=1)


def test_it_begins_anew_when_the_reset_has_passed():
    assert ALLOWANCE.renew(MIDNIGHT - timedelta(seconds=1)) is ALLOWANCE
    renewed = ALLOWANCE.renew(MIDNIGHT)
    assert (renewed.used, renewed.resets_at) == (0, MIDNIGHT + timedelta(days=1))


@pytest.mark.parametrize("days", [2, 30, 4000])
def test_a_reset_that_a_clock_ahead_has_reckoned_holds_back_no_polls(days):
    ahead = ALLOWANCE.renew(after(days=days)).count(100)
    kept = read_allowance(ahead.to_json(), None, NOW)
    assert (kept.used, kept.resets_at) == (100, MIDNIGHT)
    assert kept.space_polls_seconds(NOW) == ALLOWANCE.space_polls_seconds(NOW)
    assert ahead.correct(None, None, after(days=1), NOW).renew(NOW).resets_at == after(days=1)


def test_what_the_provider_tells_counts():
    assert ALLOWANCE.count(3).used == 103
    told = ALLOWANCE.correct(2000, 7, after(hours=1), NOW)
    assert (told.calls_a_day, told.used, told.resets_at) == (2000, 7, after(hours=1))
    assert ALLOWANCE.correct(None, None, None, NOW) == ALLOWANCE
    assert ALLOWANCE.correct(0, 0, None, NOW).calls_a_day == 1000  # no plan has no calls at all
    assert ALLOWANCE.correct(None, 100, after(days=900), NOW).resets_at <= after(days=1, minutes=10)


@pytest.mark.parametrize(("told", "minutes_ahead"), [(MIDNIGHT, 1), (MIDNIGHT, 9), (None, 1)])
def test_a_clock_before_the_providers_does_not_lose_a_day(told, minutes_ahead):
    now = MIDNIGHT + timedelta(minutes=minutes_ahead)  # ours; at the provider the old day has not ended yet
    allowance = Allowance(1000, 950, MIDNIGHT).renew(now).count(1)
    corrected = allowance.correct(1000, 951, told, now)
    assert corrected.left_to_polls == 0
    assert corrected.resets_at == now + timedelta(minutes=10)
    later = now + timedelta(minutes=10)
    fresh = corrected.renew(later).count(1).correct(1000, 1, told and told + timedelta(days=1), later)
    assert (fresh.used, fresh.resets_at) == (1, MIDNIGHT + timedelta(days=1))


@pytest.mark.parametrize("used", [101, 102])
@pytest.mark.parametrize("now", [NOW, MIDNIGHT - timedelta(hours=23, minutes=45)])
def test_a_reset_that_has_passed_is_the_last_one_and_not_awaited(now, used):
    told = ALLOWANCE.count(1).correct(None, used, now - timedelta(minutes=11), now)
    assert (told.used, told.resets_at) == (used, MIDNIGHT)


def test_a_clock_behind_the_providers_learns_of_the_new_day_by_its_count():
    now = MIDNIGHT - timedelta(minutes=5)
    fresh = Allowance(1000, 950, MIDNIGHT).count(1).correct(1000, 1, MIDNIGHT + timedelta(days=1), now)
    assert (fresh.used, fresh.resets_at) == (1, MIDNIGHT + timedelta(days=1))


def test_it_is_used_up_when_the_provider_says_so():
    assert ALLOWANCE.spend(None, NOW) == Allowance(1000, 1000, MIDNIGHT)
    assert ALLOWANCE.spend(60, NOW) == Allowance(1000, 1000, after(minutes=1))
    assert ALLOWANCE.spend(1, NOW).resets_at == after(minutes=1)  # nobody is asked each second
    assert ALLOWANCE.spend(0, NOW).resets_at == after(minutes=1)
    assert ALLOWANCE.spend(1e12, NOW).resets_at == after(days=1)
    assert Allowance(1000, 1003, MIDNIGHT).spend(None, NOW).used == 1003


def test_polls_are_spread_over_what_is_left_of_the_day():
    day_seconds = (MIDNIGHT - NOW).total_seconds()
    assert ALLOWANCE.space_polls_seconds(NOW) == day_seconds / 801
    assert Allowance(1000, 900, MIDNIGHT).space_polls_seconds(NOW) == day_seconds
    assert Allowance(1000, 890, MIDNIGHT, (11, 11)).space_polls_seconds(NOW) == day_seconds
    assert Allowance(1000, 300, MIDNIGHT, (300, 300)).space_polls_seconds(NOW) == day_seconds / 3
    assert ALLOWANCE.space_polls_seconds(after(days=2)) == 0.0


@given(st.integers(1, 100_000), st.integers(1, 500), st.integers(0, 86_399))
def test_polls_so_far_apart_use_what_polling_has_and_never_more(calls_a_day, calls_a_poll, second):
    now = MIDNIGHT - timedelta(seconds=86_400 - second)
    allowance = Allowance(calls_a_day, 0, MIDNIGHT, (calls_a_poll, calls_a_poll))
    gaps = round((MIDNIGHT - now).total_seconds() / allowance.space_polls_seconds(now))
    left = allowance.left_to_polls - (gaps - 1) * calls_a_poll  # the last gap ends at the reset
    assert 0 <= left < calls_a_poll


def learn(*polls):
    allowance = ALLOWANCE
    for calls in polls:
        allowance = allowance.end_poll(calls)
    return allowance.calls_a_poll


def test_the_usual_number_of_calls_is_that_of_the_middle_one_of_the_last_polls():
    assert learn() == learn(800) == 1  # the first poll alone tells nothing
    assert learn(300, 300) == 300
    assert learn(300, 1) == 1
    assert learn(1, 1, 1, 800) == learn(1, 1, 1, 800, 800) == 1
    assert learn(1, 1, 1, 1, 1, 300, 300, 300) == 300
    assert learn(0, 0) == 1


@given(st.lists(st.integers(1, 50), min_size=2))
def test_the_usual_number_of_calls_is_one_of_those_seen(polls):
    assert learn(*polls) in polls[-5:]


def test_calls_of_others_between_two_polls_count_as_the_polls():
    allowance = ALLOWANCE.end_poll(1, 97).end_poll(1, 97)
    assert allowance.calls_a_poll == 3
    assert ALLOWANCE.end_poll(2, 900).end_poll(2, 900).calls_a_poll == 2  # a new day began in between


def test_an_unfinished_poll_teaches_nothing():
    allowance = ALLOWANCE.end_poll(3).end_poll(3)
    assert allowance.end_poll(700, unfinished=True).end_poll(700, 0, unfinished=True) == allowance


def test_one_long_poll_does_not_end_polling_for_the_day():
    noon = MIDNIGHT - timedelta(hours=12)
    allowance = Allowance(1000, 0, MIDNIGHT).count(800).end_poll(800)
    assert allowance.space_polls_seconds(noon) < 432
    assert allowance.count(1).end_poll(1).space_polls_seconds(noon) < 450


@pytest.mark.parametrize("told", [None, MIDNIGHT - timedelta(days=1)], ids=["not told", "past"])
def test_polls_each_minute_last_all_day_whatever_the_reset_header_says(told):
    """With calls of somebody else by the same token now and then."""
    allowance = Allowance(1000, 0, MIDNIGHT)
    now, used, late = MIDNIGHT - timedelta(days=1), 0, 0
    while now < MIDNIGHT - timedelta(minutes=30):
        allowance = allowance.renew(now)
        if allowance.left_to_polls > 0 and used < 1000:
            used += 1 + (now.minute == 0)  # one call an hour is not ours
            allowance = allowance.count(1).correct(1000, used, told, now).end_poll(1)
            late += now.hour >= 18
        now += max(timedelta(minutes=1), timedelta(seconds=allowance.space_polls_seconds(now)))
    assert late > 100


def test_what_is_kept_is_read_again():
    kept = Allowance(518_400, 17, MIDNIGHT, (2, 3))
    assert read_allowance(kept.to_json(), 1000, NOW) == kept
    assert read_allowance({**kept.to_json(), "callsAPoll": 2.5}, 1000, NOW) == Allowance(
        518_400, 17, MIDNIGHT
    )
    assert read_allowance(kept.to_json(), 1000, after(days=3)).used == 0
    assert read_allowance(None, 1000, NOW) == Allowance(1000, 0, MIDNIGHT)
    assert read_allowance(None, None, NOW) is None


def test_a_reset_that_a_clock_ahead_has_set_is_not_waited_for():
    for ahead in (timedelta(days=1, hours=2), timedelta(days=400)):
        kept = Allowance(1000, 950, next_midnight(NOW + ahead)).to_json()
        allowance = read_allowance(kept, None, NOW)
        assert (allowance.used, allowance.resets_at) == (950, MIDNIGHT)
    kept = Allowance(
        1000, 950, after(days=1, minutes=10)
    ).to_json()  # as far as a provider's clock may be from ours
    assert read_allowance(kept, None, NOW).resets_at == after(days=1, minutes=10)
