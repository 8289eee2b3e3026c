"""Headers that a connector gives for a call: sound ones, and none of the connection's, which calls of others go over."""

from __future__ import annotations

import pytest

from signalpost.connectors.authorising import Grant, write_headers
from signalpost.model.errors import ConnectorError

SECRET = "hunter2"


class Keyed:
    """What a connector has whose calls are not authorised as usual."""

    grant = Grant.CONFIGURATION

    def __init__(self, given):
        self.given = given

    def write_headers(self, configuration, token):
        return self.given


@pytest.mark.parametrize("given", [{}, {"X-Api-Key": "é " + SECRET}, {"Authorization": "", "Cookie": "a=b"}])
def test_sound_headers_are_given_as_they_are(given):
    assert write_headers(Keyed(given), {}, "") is given


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "NoneType in the place of Mapping"),
        ([("X-Api-Key", SECRET)], "list in the place of Mapping"),
        ({"X-Api-Key": None}, "a header that is none"),
        ({"X-Api-Key": SECRET.encode()}, "a header that is none"),
        ({5: SECRET}, "a header that is none"),
        ({"": SECRET}, "a header that is none"),
        ({"X Key": SECRET}, "a header that is none"),
        ({f"X: {SECRET}\r\nY": SECRET}, "a header that is none"),
        ({"Content-Length": "5"}, "the header Content-Length, which belongs to the connection"),
        ({"transfer-encoding": "chunked"}, "the header transfer-encoding, which belongs to the connection"),
        (
            {"X-Api-Key": SECRET, "HOST": "evil.example.com"},
            "the header HOST, which belongs to the connection",
        ),
    ],
)
def test_others_are_told_as_the_connectors_fault(given, words):
    with pytest.raises(
        ConnectorError, match=f"^the connector failed: write_headers gave {words}$"
    ) as failure:
        write_headers(Keyed(given), {}, "")
    assert SECRET not in str(failure.value)
