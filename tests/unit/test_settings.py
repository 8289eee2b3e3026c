"""Settings are read strictly: what cannot work is refused when the service starts, in words that name the variable."""

from __future__ import annotations

import pytest

from signalpost.model.errors import ConfigurationError
from signalpost.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retention_days", "inf"),
        ("retention_days", "36501"),
        ("retention_days", "0"),
        ("most_waiting", "1000000001"),
        ("most_waiting", "0"),
        ("total_timeout_seconds", "inf"),
        ("connect_timeout_seconds", "nan"),
    ],
)
def test_a_number_that_cannot_work_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"SIGNALPOST_{name.upper()}: .*'{value}'"):
        load_settings(**{name: value})


@pytest.mark.parametrize(
    "text", [None, "", " ", "https://signalpost.example.com", "http://10.0.0.1:8080/behind/"]
)
def test_a_public_url_that_paths_can_be_put_behind(text: str | None) -> None:
    assert load_settings(public_url=text).read_public_url() == ((text or "").strip() or None)


@pytest.mark.parametrize(
    "text",
    [
        "signalpost.example.com",
        "ftp://signalpost.example.com",
        "https://user:s3cret@signalpost.example.com",
        "https://signalpost.example.com/?token=s3cret",
        "https://signalpost.example.com/#top",
        "https://signal post.example.com",
    ],
)
def test_a_public_url_that_links_would_be_broken_by(text: str) -> None:
    with pytest.raises(ConfigurationError, match="SIGNALPOST_PUBLIC_URL") as caught:
        load_settings(public_url=text).read_public_url()
    assert "s3cret" not in str(caught.value)
