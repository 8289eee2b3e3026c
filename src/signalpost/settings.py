"""Every setting, its default and its meaning. No other module reads the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from signalpost.model.backoff import RETRY_SCHEDULE_SECONDS
from signalpost.model.errors import ConfigurationError


class Settings(BaseSettings):
    """The settings of the service; each is read from ``SIGNALPOST_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="SIGNALPOST_", extra="ignore")

    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL to use, postgresql://user@host:5432/database. Unset: embedded, in the data directory.",
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
    egnyte_url: str | None = Field(
        default=None,
        description=(
            "Egnyte's address, {subdomain} replaced; default https://{subdomain}.egnyte.com."
            " For government domains https://{subdomain}.egnytegov.com, for a sandbox http://127.0.0.1:8090."
        ),
    )
    allow_private_networks: bool = Field(
        default=False, description="Whether callbacks and providers may be loopback or private addresses."
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
        description="How long a silent worker keeps its lanes; how long others wait after one was killed.",
    )
    connect_timeout_seconds: float = Field(
        default=5, gt=0, description="Longest wait for a connection outwards."
    )
    total_timeout_seconds: float = Field(default=30, gt=0, description="Longest wait for a whole answer.")
    database_connections: int = Field(
        default=20, ge=6, description="Most connections a process opens to the database."
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token that opens /metrics to others than loopback."
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="Least level logged."
    )
    log_json: bool = Field(default=False, description="Whether logs are JSON lines.")

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

    def read_keys(self) -> list[str] | None:
        """Read the encryption keys; None when unset."""
        if self.encryption_keys is None:
            return None
        return [key.strip() for key in self.encryption_keys.get_secret_value().split(",") if key.strip()]

    def summarise(self) -> dict[str, str]:
        """Give every setting as text, secrets masked."""
        return {
            f"SIGNALPOST_{name.upper()}": "" if value is None else str(value)
            for name, value in ((name, getattr(self, name)) for name in type(self).model_fields)
        }


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
        message = f"{name}: {first['msg']} (given: {str(first['input'])[:100]!r})"
        raise ConfigurationError(message) from error
