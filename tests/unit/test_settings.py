"""Settings are read strictly: what cannot work is refused when the service starts, in words that name the variable."""

from __future__ import annotations

import pytest

from signalpost.connectors.egnyte import DEFAULT_URL
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
        ("total_timeout_seconds", "1e300"),
        ("lease_seconds", "1e300"),
        ("database_connections", "99999999999"),  # a pool keeps a place for each: memory ran out
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


@pytest.mark.parametrize("name", ["host", "worker_host", "data_dir"])
@pytest.mark.parametrize("text", ["", " "])
def test_an_address_or_a_folder_that_is_set_but_empty_is_refused(name: str, text: str, monkeypatch) -> None:
    monkeypatch.setenv(f"SIGNALPOST_{name.upper()}", text)
    with pytest.raises(ConfigurationError, match=f"SIGNALPOST_{name.upper()}: It is set, but empty"):
        load_settings()


def test_the_address_of_egnyte_is_shown_also_where_none_is_given() -> None:
    settings = load_settings()
    assert settings.read_egnyte_url() == settings.summarise()["SIGNALPOST_EGNYTE_URL"] == DEFAULT_URL


@pytest.mark.parametrize(
    "text", ["", "https://{subdomain}.egnyte.com", "http://127.0.0.1:8090", "http://egnyte-sandbox:8090/"]
)
def test_an_address_of_egnyte(text: str) -> None:
    assert load_settings(egnyte_url=text).read_egnyte_url() == (text or None)


@pytest.mark.parametrize(
    "text",
    ["acme", "acme.egnyte.com", "{subdomain}", "https://user:s3cret@{subdomain}.egnyte.com", "https://a/?b"],
)
def test_an_address_of_egnyte_that_no_call_could_reach(text: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"SIGNALPOST_EGNYTE_URL.*right would be https://\{sub"
    ) as caught:
        load_settings(egnyte_url=text).read_egnyte_url()
    assert "s3cret" not in str(caught.value)
