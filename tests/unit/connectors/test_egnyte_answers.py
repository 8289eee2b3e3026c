"""What Egnyte's answers mean: refusals told apart by header first, bodies of any kind never crash the reader."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.egnyte.client import (
    classify,
    read_message,
    read_object,
    read_quota,
    read_rows,
)
from signalpost.model.errors import (
    AccessRefusedError,
    ConnectorError,
    MissingError,
    NeedsAuthorisationError,
    ProviderError,
    QuotaSpentError,
    RejectedError,
    RetryLaterError,
    TooFastError,
)
from signalpost.outbound import Answer

NOW = datetime(2026, 5, 28, 12, tzinfo=UTC)


def answer(status, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, CIMultiDict(named), body, truncated=False, seconds=0.0)


def mashery(code, detail="", **headers):
    return answer(403, b"<h1>x</h1>", X_Mashery_Error_Code=code, X_Error_Detail_Header=detail, **headers)


def of_the_day(status, used, **headers):
    quota = {"X_AccessToken_Quota_Allotted": "1000", "X_AccessToken_Quota_Current": str(used)}
    return answer(status, **quota, **headers)


CASES = [
    (answer(200), None, None),
    (of_the_day(200, used=1000), None, None),
    (answer(204), None, None),
    (answer(401, b"<html>no</html>"), NeedsAuthorisationError, None),
    (mashery("ERR_403_DEVELOPER_OVER_QPS", Retry_After="1"), TooFastError, 1.0),
    (mashery("ERR_403_DEVELOPER_OVER_QPS"), TooFastError, 1.0),
    (mashery("ERR_403_DEVELOPER_OVER_RATE", Retry_After="3600"), QuotaSpentError, 3600.0),
    (mashery("ERR_403_DEVELOPER_OVER_RATE", Retry_After="99999999"), QuotaSpentError, 86400.0),
    (mashery("ERR_403_DEVELOPER_INACTIVE"), NeedsAuthorisationError, None),
    (answer(403, b"<h1>Developer Inactive</h1>"), NeedsAuthorisationError, None),
    (answer(403, b"<h1>Developer Over Qps</h1>"), TooFastError, 1.0),
    (answer(403, b"<h1>Developer Over Rate</h1>", Retry_After="60"), QuotaSpentError, 60.0),
    (answer(403, b'{"errorMessage":"Developer Inactive","status":403}'), NeedsAuthorisationError, None),
    (answer(403, b'{"message":"no permission"}'), AccessRefusedError, None),
    (answer(403), AccessRefusedError, None),
    (answer(404, b'{"message":"Invalid cursor"}'), MissingError, None),
    (answer(429, Retry_After="7"), TooFastError, 7.0),
    (answer(429, Retry_After="soon"), TooFastError, None),
    (of_the_day(429, used=999, Retry_After="1"), TooFastError, 1.0),
    (of_the_day(429, used=1000, Retry_After="3600"), QuotaSpentError, 3600.0),
    (of_the_day(429, used=1001), QuotaSpentError, None),
    (answer(500), RetryLaterError, None),
    (answer(503, Retry_After="30"), RetryLaterError, 30.0),
    (answer(503, Retry_After="Thu, 28 May 2026 12:00:30 GMT"), RetryLaterError, 30.0),
    (answer(302), ConnectorError, None),
    (answer(400, b'{"message":"bad id"}'), RejectedError, None),
]


@pytest.mark.parametrize(("given_answer", "kind", "after"), CASES)
def test_each_answer_is_classified(given_answer, kind, after):
    found = classify(given_answer, NOW)
    if kind is None:
        assert found is None
        return
    assert type(found) is kind
    assert getattr(found, "after_seconds", None) == after


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"Errors":[{"description":"gone","code":"404"}]}', "gone"),
        (b'{"formErrors":[{"code":"X","msg":"bad form"}],"inputErrors":{}}', "bad form"),
        (b'{"errorMessage":"broken"}', "broken"),
        (b'{"message":"broken"}', "broken"),
        (b'{"responseCode":"1","responseMsg":"broken","success":false}', "broken"),
        (b'{"error":"invalid_grant"}', "invalid_grant"),
        (b"<h1>Developer Over Qps</h1>", "Developer Over Qps"),
        (b"plain words", "plain words"),
    ],
)
def test_the_providers_words_are_found_in_every_shape_seen(body, words):
    assert words in read_message(answer(400, body))


@given(st.integers(100, 599), st.binary(max_size=200), st.text(max_size=30), st.text(max_size=30))
def test_no_answer_crashes_the_reader(status, body, code, after):
    found = classify(answer(status, body, X_Mashery_Error_Code=code, Retry_After=after), NOW)
    assert found is None or isinstance(found, ProviderError)
    assert len(str(found)) < 2000
    with contextlib.suppress(ConnectorError):
        read_object(answer(status, body))


@pytest.mark.parametrize(
    ("text", "number"),
    [("2", 2), ("1000", 1000), ("0", None), ("", None), ("-1", None), ("x", None), ("9" * 5000, None)],
)
def test_the_limits_are_read_and_garbage_is_none(text, number):
    headers = {"X_AccessToken_QPS_Allotted": text, "X_AccessToken_Quota_Allotted": text}
    quota = read_quota(answer(200, **headers, X_AccessToken_Quota_Current=text))
    assert quota.calls_per_second == number
    assert quota.calls_a_day == number
    assert quota.calls_used == (0 if text == "0" else number)
    assert quota.resets_at is None


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 29 May 2026 00:00:00 GMT",
        "Friday, May 29, 2026 12:00:00 AM GMT",
        "2026-05-29T00:00:00Z",
        "2026-05-29T02:00:00+0200",
        "1780012800",
        "1780012800000",
    ],
)
def test_the_reset_is_read_in_any_form(text):
    assert read_quota(answer(200, X_Quota_Reset=text)).resets_at == datetime(2026, 5, 29, tzinfo=UTC)


@given(st.text(max_size=60))
def test_no_header_crashes_the_reader(text):
    names = ("QPS_Allotted", "Quota_Allotted", "Quota_Current")
    read_quota(answer(200, X_Quota_Reset=text, **{f"X_AccessToken_{name}": text for name in names}))


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        ([1], [1]),
        ({"notes": [1, 2]}, [1, 2]),
        ({"Notes": [1]}, [1]),
        ({"notes": [1], "files": [2]}, [1, 2]),
        ({"files": [2], "notes": None}, [2]),
        ({"totalResults": "0"}, []),
        ({"count": 0, "notes": None}, []),
    ],
)
def test_rows_are_found(value, rows):
    assert read_rows(value, "notes", "files") == rows


@pytest.mark.parametrize(
    "value", [{}, {"notes": {}}, {"notes": "x"}, {"notes": 0}, {"count": 3}, {"other": []}]
)
def test_a_body_without_rows_is_told(value):
    with pytest.raises(ConnectorError, match="list"):
        read_rows(value, "notes", "files")


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [(600, 600), ("600", 600), ("-1", None), (None, None), ("soon", None), (1e300, None), ("inf", None)],
)
def test_every_lifetime_of_a_token_is_read(lifetime, seconds):
    tokens = EgnyteConnector().read_tokens({"access_token": "t", "expires_in": lifetime}, NOW)
    assert tokens.expires_at == (seconds and NOW + timedelta(seconds=seconds))
