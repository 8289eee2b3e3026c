"""Every setting, its default and its meaning. No other module reads the environment."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from signalpost.model.addresses import mask_url, parse_callback_url
from signalpost.model.allowance import Allowance, parse_allowance, parse_proxies, parse_proxy_url
from signalpost.model.backoff import RETRY_SCHEDULE_SECONDS
from signalpost.model.errors import ConfigurationError, InvalidRequestError

LONGEST_SECONDS = 86_400
"""A wait of more than a day is meant by nobody, and more than clocks and dates can count."""


class Settings(BaseSettings):
    """The settings of the service; each is read from ``SIGNALPOST_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="SIGNALPOST_", extra="ignore", allow_inf_nan=False)

    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL to use, postgresql://user@host:5432/database. Unset: embedded, in the data directory.",
    )
    database_direct_url: SecretStr | None = Field(
        default=None,
        description=(
            "The same database, reached without a pooler, for what needs a session: migrations, and what wakes workers."
            " Set: SIGNALPOST_DATABASE_URL may lead to PgBouncer in transaction mode."
        ),
    )
    data_dir: Path = Field(
        default=Path("data"), description="Where the embedded database and the encryption key are kept."
    )
    encryption_keys: SecretStr | None = Field(
        default=None,
        description=(
            "Keys that secrets are encrypted with, comma-separated, first one encrypts, all decrypt."
            " Unset: one is made and kept in the data directory."
        ),
    )
    host: str = Field(default="127.0.0.1", description="Address that the API listens on.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="Port that the API listens on; 0 takes a free one."
    )
    worker_host: str = Field(
        default="127.0.0.1", description="Address at which a worker shows its health and metrics."
    )
    worker_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port for that; 0 takes a free one. A worker prints which it is.",
    )
    egnyte_url: str = Field(
        default="https://{subdomain}.egnyte.com",
        description=(
            "Egnyte's address, {subdomain} replaced."
            " For government domains https://{subdomain}.egnytegov.com, for a sandbox http://127.0.0.1:8090."
        ),
    )
    connector_files: str = Field(
        default="",
        description=(
            "TOML files that declare connectors for REST APIs, or folders of them, comma-separated, as in"
            " connectors,/etc/signalpost/helpdesk.toml."
        ),
    )
    allow_private_networks: bool = Field(
        default=False, description="Whether callbacks and providers may be loopback or private addresses."
    )
    allowed_networks: str = Field(
        default="",
        description=(
            "Hosts and networks that callbacks and providers may be although they are not public, comma-separated,"
            " as in hooks.internal,10.1.0.0/16."
        ),
    )
    proxy_url: SecretStr | None = Field(
        default=None,
        description=(
            "Forward proxy that all requests outwards go through, http://user:password@host:port. Names are then"
            " looked up by the proxy as well, which must refuse inner addresses itself."
        ),
    )
    public_url: str | None = Field(
        default=None,
        description=(
            "Address under which browsers and receivers reach us, as in https://signalpost.example.com: for links in"
            " notifications and of the console, and its cookies. Unset: links in notifications are paths."
        ),
    )
    trusted_proxies: str = Field(
        default="127.0.0.1,::1",
        description=(
            "Addresses and networks of the proxies before us, comma-separated: X-Forwarded-For and X-Forwarded-Proto"
            " are believed of these alone."
        ),
    )
    retention_days: float = Field(
        default=7,
        gt=0,
        le=36_500,
        description="How long events, pages, notifications and attempts are kept once nothing of them waits.",
    )
    most_waiting: int = Field(
        default=1_000_000,
        ge=1,
        le=1_000_000_000,
        description=(
            "Notifications that may wait for one endpoint; beyond, the oldest are given up and told as a gap."
        ),
    )
    min_poll_interval_seconds: float = Field(
        default=60, gt=0, description="Shortest interval between polls that an instance may ask for."
    )
    failures_before_disabling: int = Field(
        default=100,
        ge=1,
        description="Failed reads of a resource in a row after which it is not polled until somebody resumes it.",
    )
    retry_schedule_seconds: str = Field(
        default=",".join(f"{seconds:g}" for seconds in RETRY_SCHEDULE_SECONDS),
        description="Waits before each further attempt of a failed delivery, comma-separated.",
    )
    lease_seconds: float = Field(
        default=10,
        ge=2,
        le=LONGEST_SECONDS,
        description="How long a silent worker keeps its lanes; how long others wait after one was killed.",
    )
    connect_timeout_seconds: float = Field(
        default=5, gt=0, le=LONGEST_SECONDS, description="Longest wait for a connection outwards."
    )
    total_timeout_seconds: float = Field(
        default=30, gt=0, le=LONGEST_SECONDS, description="Longest wait for a whole answer."
    )
    database_connections: int = Field(
        default=20,
        ge=6,
        le=10_000,
        description="Most connections a process opens to the database, or to the pooler before it.",
    )
    import_authorization: SecretStr | None = Field(
        default=None,
        description=(
            "What `signalpost import open-connectors` sends as Authorization to the service that it imports from."
        ),
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token that opens /metrics to others than loopback."
    )
    traces: bool = Field(
        default=False,
        description=(
            "Whether OpenTelemetry traces are sent, to OTEL_EXPORTER_OTLP_ENDPOINT, and traceparent to callbacks."
            " Needs the extra opentelemetry."
        ),
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="Least level logged."
    )
    log_json: bool = Field(default=False, description="Whether logs are JSON lines.")

    @field_validator("host", "worker_host", "data_dir", mode="before")
    @classmethod
    def refuse_empty(cls, value: object) -> object:
        """Refuse what is set and empty: it would be all addresses of the machine, or the folder we happen to be in."""
        if not str(value).strip():
            message = "It is set, but empty; give it a value, or unset it"
            raise ValueError(message)
        return value

    def read_schedule(self) -> tuple[float, ...]:
        """Read the retry schedule.

        Raises:
            ConfigurationError: it is no list of positive numbers.
        """
        try:
            waits = tuple(float(text) for text in self.retry_schedule_seconds.split(","))
        except ValueError:
            waits = ()
        if not waits or not all(0 < wait < 10_000_000 for wait in waits):  # noqa: PLR2004 - about four months
            message = (
                f"SIGNALPOST_RETRY_SCHEDULE_SECONDS: {self.retry_schedule_seconds[:100]!r} is no list of seconds,"
                " as in 8,64,512"
            )
            raise ConfigurationError(message)
        return waits

    def read_allowance(self) -> Allowance:
        """Read the hosts and networks that are allowed though they are not public.

        Raises:
            ConfigurationError: an entry is neither; the message names it.
        """
        return parse_allowance(self.allowed_networks, "SIGNALPOST_ALLOWED_NETWORKS")

    def read_proxy_url(self) -> str | None:
        """Read the forward proxy's URL; None when there is none.

        Raises:
            ConfigurationError: it is no such URL; the message does not show its user and password.
        """
        text = self.proxy_url.get_secret_value().strip() if self.proxy_url is not None else ""
        return parse_proxy_url(text, "SIGNALPOST_PROXY_URL") if text else None

    def read_public_url(self) -> str | None:
        """Read the address that links begin with; None when it is not known.

        Raises:
            ConfigurationError: it is no URL that a path can be put behind; the message shows no password.
        """
        return _read_base(self.public_url, "SIGNALPOST_PUBLIC_URL", "https://signalpost.example.com")

    def read_egnyte_url(self) -> str | None:
        """Read the address of Egnyte, or of a sandbox; None where it is empty: Egnyte's own.

        Raises:
            ConfigurationError: it is no URL that a path can be put behind; the message shows no password.
        """
        return _read_base(self.egnyte_url, "SIGNALPOST_EGNYTE_URL", "https://{subdomain}.egnyte.com")

    def read_trusted_proxies(self) -> list[str]:
        """Read the addresses and networks whose forwarded headers are believed, as networks.

        Raises:
            ConfigurationError: an entry is none; the message names it.
        """
        return parse_proxies(self.trusted_proxies, "SIGNALPOST_TRUSTED_PROXIES")

    def list_connector_files(self) -> list[Path]:
        """List the files and folders that declare connectors."""
        return [Path(text.strip()) for text in self.connector_files.split(",") if text.strip()]

    def read_keys(self) -> list[str] | None:
        """Read the encryption keys; None when unset."""
        if self.encryption_keys is None:
            return None
        return [key.strip() for key in self.encryption_keys.get_secret_value().split(",") if key.strip()]

    def summarise(self) -> dict[str, str]:
        """Give every setting as text, secrets masked, those that somebody wrote into a URL as well."""
        return {
            f"SIGNALPOST_{name.upper()}": "" if value is None else _mask(str(value))
            for name, value in ((name, getattr(self, name)) for name in type(self).model_fields)
        }


def _mask(text: str) -> str:
    return mask_url(text) if "://" in text and "@" in text else text


def _read_base(given: str | None, name: str, right: str) -> str | None:
    text = (given or "").strip()
    if not text:
        return None
    try:
        parse_callback_url(text.replace("{subdomain}", "acme"), name)
    except InvalidRequestError as error:
        wrong = str(error).partition("; right would be")[0]
        raise ConfigurationError(f"{wrong}; right would be {right}") from None
    if "?" in text or "#" in text:
        message = f"{name}: {mask_url(text)!r} must end with its path: paths are put behind it; right would be {right}"
        raise ConfigurationError(message)
    return text


def load_settings(**given: object) -> Settings:
    """Load the settings from the environment; ``given`` values that are not None go before it.

    Raises:
        ConfigurationError: a value is wrong; the message names the variable and what would be right.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "SIGNALPOST_" + "_".join(str(part) for part in first["loc"]).upper()
        message = (
            f"{name}: {first['msg'].removeprefix('Value error, ')} (given: {str(first['input'])[:100]!r})"
        )
        raise ConfigurationError(message) from error


def list_misspelt() -> dict[str, str]:
    """Give variables of the environment that look like a setting but are none, each with the setting they look like."""
    known = [f"SIGNALPOST_{name.upper()}" for name in Settings.model_fields]
    given = [
        name for name in os.environ if name.upper().startswith("SIGNALPOST_") and name.upper() not in known
    ]
    close = {name: get_close_matches(name.upper(), known, n=1, cutoff=0.88) for name in sorted(given)}
    return {name: found[0] for name, found in close.items() if found}
