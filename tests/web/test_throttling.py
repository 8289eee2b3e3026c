"""Sign-ins that fail are counted, and slowed down, whatever an address is written as and however many come at once."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.test_accounts import PASSWORD, make_account, sign_in_by_form


async def test_attempts_are_throttled_however_many_come_at_once(world, arrive):
    await make_account(world)
    await make_account(world, "bea@example.com")
    browser = arrive()
    await browser.read("/sign-in")
    answers = await asyncio.gather(*[sign_in_by_form(browser, password="x" * 12) for _ in range(16)])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [400] * 10 + [429] * 6
    refused = await sign_in_by_form(browser)  # the right password does not help now
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert "The next attempt is taken at" in refused.text
    assert PASSWORD not in refused.text
    assert (
        await sign_in_by_form(browser, email="bea@example.com")
    ).status_code == 303  # others are not touched
    await world.pool.execute("UPDATE sign_in_failure SET failed_at = failed_at - interval '15 minutes'")
    browser.client.cookies.clear()
    assert (await sign_in_by_form(browser)).status_code == 303
    assert await world.pool.fetchval("SELECT count(*) FROM sign_in_failure") == 0


@pytest.mark.parametrize(
    "email", ["ivi@example.com", "IVI@Example.com", " ivi@example.com", "\u0130v\u0130@example.com"]
)
@pytest.mark.parametrize("is_there", [True, False])
async def test_no_spelling_of_an_address_gives_more_attempts(world, arrive, email, is_there):
    """Where the database takes a letter for another one, as it does with a capital i with a dot, so do we."""
    if is_there:
        await make_account(world, "ivi@example.com")
    browser = arrive()
    for _ in range(10):
        assert (await sign_in_by_form(browser, email=email, password="x" * 12)).status_code == 400
    is_same = await world.pool.fetchval("SELECT lower(trim($1)) = 'ivi@example.com'", email)
    last = await sign_in_by_form(browser, email="ivi@example.com", password="x" * 12)
    assert last.status_code == (429 if is_same else 400)


async def test_unknown_addresses_are_answered_alike_and_count_for_the_network(world, monkeypatch, arrive):
    monkeypatch.setattr("signalpost.accounts.signin.FAILURES_OF_ADDRESS", 3)
    await make_account(world)
    browser = arrive()
    texts = []
    for email in ("ada@example.com", "nobody@example.com", "nobody@example.com", "other@example.com"):
        answer = await sign_in_by_form(browser, email=email, password="not the password")
        texts.append((answer.status_code, "do not belong to an account" in answer.text))
    assert texts == [(400, True), (400, True), (400, True), (429, False)]
