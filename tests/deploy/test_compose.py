"""compose.yaml: by the schema of the Compose specification, and by what it must not forget."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.manifests import (
    COMPOSE,
    COMPOSE_SANDBOX,
    COMPOSE_SECRETS,
    UnsetError,
    read_compose,
    read_variables,
)

REQUIRED = ("POSTGRES_PASSWORD", "SIGNALPOST_ENCRYPTION_KEYS")
GIVEN = dict.fromkeys(REQUIRED, "given")
OURS = ("migrate", "api", "worker")


@pytest.fixture(scope="module")
def services():
    return read_compose(GIVEN)["services"]


@pytest.mark.parametrize("file", [COMPOSE, COMPOSE_SANDBOX], ids=lambda path: path.name)
def test_it_is_what_compose_reads(file):
    command = [
        Path(sys.executable).parent / "check-jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        file,
    ]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_secret_that_is_not_set_is_told(missing):
    with pytest.raises(UnsetError, match=rf"{missing} is not set: copy .env.example to .env"):
        read_compose({**GIVEN, missing: ""})
    assert missing in read_variables(COMPOSE_SECRETS)


def test_no_secret_stands_in_it():
    assert set(re.findall(r"PASSWORD: (.*)", COMPOSE.read_text())) == {
        '"${POSTGRES_PASSWORD:?is not set: copy .env.example to .env and fill it in}"'
    }
    assert [read_variables(COMPOSE_SECRETS)[name] for name in REQUIRED] == ["", ""]


def test_each_waits_for_what_it_needs(services):
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert services[needed]["healthcheck"]["test"][0] == "CMD", name
            else:
                assert how["condition"] == "service_completed_successfully"
                assert services[needed]["restart"] == "no"
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("api", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_ours_may_do_nothing_more_than_they_must(services):
    for name in OURS:
        assert services[name]["read_only"], name
        assert services[name]["cap_drop"] == ["ALL"], name
        assert services[name]["security_opt"] == ["no-new-privileges:true"], name


def test_what_runs_comes_back_is_bounded_and_may_stop_in_order(services):
    for name in ("postgres", "api", "worker"):
        assert services[name]["restart"] == "unless-stopped", name
        assert set(services[name]["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > 10, name
    assert services["worker"]["deploy"]["replicas"] == 2


def test_only_the_api_is_reached_and_only_from_this_machine(services):
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8080:8080"]}


def test_they_listen_where_health_is_asked_whatever_else_is_set(services):
    """What stands in .env is for all of them; a port of its own there had well workers shown as unhealthy."""
    for name in ("api", "worker"):
        listens = {
            key: value
            for key, value in services[name]["environment"].items()
            if key.endswith(("HOST", "PORT"))
        }
        assert listens == {
            "SIGNALPOST_HOST": "0.0.0.0",
            "SIGNALPOST_PORT": "8080",
            "SIGNALPOST_WORKER_HOST": "0.0.0.0",
            "SIGNALPOST_WORKER_PORT": "8080",
        }, name


def test_the_database_outlives_its_container(services):
    (mounted,) = services["postgres"]["volumes"]
    volume, path = mounted.split(":")
    assert volume in read_compose(GIVEN)["volumes"]
    # Of the image since PostgreSQL 18: the data lies in a folder of its version below it.
    assert (services["postgres"]["image"], path) == ("postgres:18", "/var/lib/postgresql")
