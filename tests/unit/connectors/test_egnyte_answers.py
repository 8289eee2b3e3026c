"""What Egnyte's answers mean: refusals told apart by header first, bodies of any kind never crash the reader."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from signalpost.connectors.egnyte.client import classify, read_message, read_object, read_quota
from signalpost.model.errors import (
    AccessRefusedError,
    ConnectorError,
    NeedsAuthorisationError,
    ProviderError,
    RetryLaterError,
    WatermarkLostError,
)
from signalpost.outbound import Answer


def answer(status, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, CIMultiDict(named), body, truncated=False, seconds=0.0)


def mashery(code, detail="", **headers):
    return answer(403, b"<h1>x</h1>", X_Mashery_Error_Code=code, X_Error_Detail_Header=detail, **headers)


CASES = [
    (answer(200), None, None),
    (answer(204), None, None),
    (answer(401, b"<html>no</html>"), NeedsAuthorisationError, None),
    (mashery("ERR_403_DEVELOPER_OVER_QPS", Retry_After="1"), RetryLaterError, 1.0),
    (mashery("ERR_403_DEVELOPER_OVER_QPS"), RetryLaterError, 1.0),
    (mashery("ERR_403_DEVELOPER_OVER_RATE", Retry_After="3600"), RetryLaterError, 3600.0),
    (mashery("ERR_403_DEVELOPER_OVER_RATE", Retry_After="99999999"), RetryLaterError, 86400.0),
    (mashery("ERR_403_DEVELOPER_INACTIVE"), NeedsAuthorisationError, None),
    (answer(403, b"<h1>Developer Inactive</h1>"), NeedsAuthorisationError, None),
    (answer(403, b"<h1>Developer Over Qps</h1>"), RetryLaterError, 1.0),
    (answer(403, b"<h1>Developer Over Rate</h1>", Retry_After="60"), RetryLaterError, 60.0),
    (answer(403, b'{"errorMessage":"Developer Inactive","status":403}'), NeedsAuthorisationError, None),
    (answer(403, b'{"message":"no permission"}'), AccessRefusedError, None),
    (answer(403), AccessRefusedError, None),
    (answer(404, b'{"message":"Invalid cursor"}'), WatermarkLostError, None),
    (answer(429, Retry_After="7"), RetryLaterError, 7.0),
    (answer(429, Retry_After="soon"), RetryLaterError, None),
    (answer(500), RetryLaterError, None),
    (answer(503, Retry_After="30"), RetryLaterError, 30.0),
    (answer(302), ConnectorError, None),
    (answer(400, b'{"message":"bad id"}'), ConnectorError, None),
]


@pytest.mark.parametrize(("given_answer", "kind", "after"), CASES)
def test_each_answer_is_classified(given_answer, kind, after):
    found = classify(given_answer)
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
    found = classify(answer(status, body, X_Mashery_Error_Code=code, Retry_After=after))
    assert found is None or isinstance(found, ProviderError)
    assert len(str(found)) < 2000
    with contextlib.suppress(ConnectorError):
        read_object(answer(status, body))


@pytest.mark.parametrize(
    ("text", "allotted"), [("2", 2.0), ("1000", 1000.0), ("0", None), ("", None), ("-1", None), ("x", None)]
)
def test_the_allotted_rate_is_read(text, allotted):
    assert read_quota(answer(200, X_AccessToken_QPS_Allotted=text)).calls_per_second == allotted
