"""The checks that every connector passes: subclass ``ConnectorSuite`` in a test, and pytest runs them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from signalpost.connectors.authorising import Grant, authorise, find_grant
from signalpost.connectors.base import Authorization, FieldKind, Quota
from signalpost.connectors.containment import check, guard
from signalpost.connectors.judging import judge
from signalpost.model.errors import (
    ConnectorError,
    InvalidRequestError,
    NeedsAuthorisationError,
    ProviderError,
    RetryLaterError,
)
from signalpost.model.instance import Account, Tokens
from signalpost.testing.reading_checks import ReadingChecks
from signalpost.testing.recorded import make_answer

BODIES = (b"", b"\xff", b"<html>", b'{"error": 7}', b"[]", b"null")
SECRET_WORDS = ("secret", "password", "token", "api.key", "apikey", "api_key", "private")
UNAUTHORIZED, NO_CONTENT, SUCCESS, TOO_MANY, UNAVAILABLE = 401, 204, 200, 429, 503


class ConnectorSuite(ReadingChecks):
    """Checks of one connector, as tests to inherit.

    Set what is below and give ``make_connector``. With ``answers`` (path and query to JSON) nothing is called; without
    any the provider at ``find_host`` is: a sandbox. ``other_answers`` go over them for another account of the provider:
    those that ``identify`` needs. ``parameters`` are those that a resource is read with, by its name. ``docs`` is the
    connector's page; ``token_answer`` what the token endpoint gives.
    """

    # The declaration

    def test_its_declaration_is_sound(self) -> None:
        """Key, number, rate, least interval, fields, resources: as the service judges them when it loads it."""
        wrong = judge(self.make_connector(), ())
        assert not wrong, wrong

    def test_what_is_secret_is_declared_secret(self) -> None:
        """So it is encrypted, and masked wherever it is shown."""
        for field in self.make_connector().fields:
            named = any(word in field.key.lower() for word in SECRET_WORDS)
            assert field.secret or not (named or field.kind is FieldKind.SECRET), (
                f"{field.key}: set secret=True"
            )

    def test_a_wrong_configuration_is_refused_without_its_secrets(self) -> None:
        """Each value in turn is missing, or hostile: InvalidRequestError, which shows no secret, or another host."""
        connector = self.make_connector()

        def find_hosts(given: Mapping[str, str]) -> list[str | None]:
            urls = [check("find_host", connector.find_host(given), str)]
            if find_grant(connector) is not Grant.CONFIGURATION:
                found = check("find_authorization", connector.find_authorization(given), Authorization)
                urls += [found.authorize_url, found.token_url]
            return [urlsplit(url).hostname for url in urls]

        right = find_hosts(self.configuration)
        secrets = [self.configuration.get(field.key) for field in connector.fields if field.secret]
        for field in connector.fields:
            for value in ("", "../..", "a b@c#", "é\n"):
                try:
                    found = find_hosts({**self.configuration, field.key: value})
                except InvalidRequestError as error:
                    assert not any(each and each in str(error) for each in secrets), (
                        f"its secret is shown: {error}"
                    )
                else:
                    assert not value or found == right, f"{field.key}: {value!r} leads to {found}: refuse it"

    def test_its_page_lists_resources_scopes_and_limits(self) -> None:
        """Each resource in a row of its own, with "not seen" where its deletions are not; scopes; the rates."""
        connector, text = self.make_connector(), self.docs.read_text()
        for resource in connector.resources:
            row = re.search(rf"^.*`{re.escape(resource.name)}`.*$", text, re.MULTILINE)
            assert row is not None, f"{self.docs.name} does not name `{resource.name}`"
            if not resource.deletions_seen_by:
                assert "not seen" in row[0], f'{self.docs.name}: of `{resource.name}` it says no "not seen"'
        if find_grant(connector) is not Grant.CONFIGURATION:
            for scope in connector.find_authorization(self.configuration).scopes:
                assert f"`{scope}`" in text, f"{self.docs.name} does not name the scope `{scope}`"
        wanted = [rf"\b{connector.calls_per_second:g} (calls )?a second"]
        if connector.calls_a_day is not None:
            wanted.append(rf"\b{connector.calls_a_day:,} (calls )?a day")
        if connector.least_interval_seconds:
            wanted.append(rf"\b{connector.least_interval_seconds:g} (s|seconds)\b")
        for each in wanted:
            assert re.search(each, text), f"{self.docs.name} does not say its limit: nothing is like {each}"

    # The account

    def test_it_connects_before_it_is_saved(self) -> None:
        """``identify`` calls the provider, and a refusal there is one."""

        async def act() -> None:
            async with self.open() as (session, provider, _):
                await guard(self.make_connector(), "identify", Account, session)
                assert provider.calls, "identify calls nobody: whether the connection works is not known"
            async with self.open(first=[make_answer({}, status=UNAUTHORIZED)]) as (session, _, _):
                with pytest.raises(NeedsAuthorisationError):
                    await self.make_connector().identify(session)

        asyncio.run(act())

    def test_the_account_is_stable_and_no_other(self) -> None:
        """So that nobody connects one twice, and a new authorisation for another account is refused."""
        assert self.other_answers, "give other_answers: what identify is told as another account"

        async def identify(other: Mapping[str, Any]) -> str:
            async with self.open(answers=other) as (session, _, _):
                return (await guard(self.make_connector(), "identify", Account, session)).id

        async def act() -> None:
            first, again, other = await identify({}), await identify({}), await identify(self.other_answers)
            assert first, "the account has no id"
            assert first == again, f"the account's id is {first!r} once and {again!r} the other time"
            assert first != other, f"another account has the same id, {first!r}"

        asyncio.run(act())

    def test_tokens_are_read(self) -> None:
        """What the token endpoint gives, and what it must not be without; or the headers, where there are no tokens."""
        connector, now = self.make_connector(), datetime.now(UTC)
        for sent in authorise(connector, self.configuration, self.token):
            assert all(isinstance(each, str) for pair in sent.items() for each in pair)
        if find_grant(connector) is Grant.CONFIGURATION:
            return
        tokens = check("read_tokens", connector.read_tokens(self.token_answer, now), Tokens)
        assert tokens.expires_at is None or tokens.expires_at > now
        for odd in ({}, {"access_token": None}, {"access_token": ""}, {"access_token": 7}):
            with pytest.raises(ConnectorError):
                connector.read_tokens(odd, now)

    # Refusals and limits

    def test_refusals_say_what_to_do(self) -> None:
        """Every status, with any body: none but 2xx is good, 401 asks for authorisation, and nothing else is raised."""
        connector = self.make_connector()
        for body in BODIES:
            for status in (SUCCESS, NO_CONTENT):
                assert connector.classify(make_answer(body, status=status)) is None, f"{status} is no refusal"
            for status in range(300, 600):
                answer = make_answer(body, status=status, Retry_After="soon")
                kind = NeedsAuthorisationError if status == UNAUTHORIZED else ProviderError
                failure = connector.classify(answer)
                assert isinstance(failure, kind), f"{status} with {body!r}: {failure!r} is no {kind.__name__}"
                check("read_quota", connector.read_quota(answer), Quota)

    def test_retry_after_is_honoured(self) -> None:
        """A 429 or 503 that names a time is waited for, here or by the poller."""
        connector = self.make_connector()
        for status in (TOO_MANY, UNAVAILABLE):
            failure = connector.classify(make_answer({}, status=status, Retry_After="120"))
            assert isinstance(failure, RetryLaterError), f"{status}: {failure!r} is no RetryLaterError"
            assert failure.after_seconds == 120, (
                f"{status}: Retry-After is 120, after_seconds {failure.after_seconds}"
            )

        async def act() -> None:
            async with self.open(first=[make_answer({}, status=TOO_MANY, Retry_After="7")]) as (
                session,
                _,
                time,
            ):
                try:
                    await self.make_connector().identify(session)
                except RetryLaterError as failure:
                    assert failure.after_seconds == 7, "Retry-After is 7, and lost on its way"
                else:
                    assert time.waited_seconds >= 7, "Retry-After is 7, and it was called at once"

        asyncio.run(act())
