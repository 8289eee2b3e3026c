"""compose.sandbox.yaml: what it starts runs as plain processes, and its health is that of the sandbox."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
import yaml

from signalpost.cli import build_app
from tests.deploy.manifests import COMPOSE_SANDBOX, ROOT, read_image_command, read_image_settings
from tests.processes import running


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE_SANDBOX.read_text())["services"]


async def test_the_sandbox_plays_its_scenario_and_its_health_is_asked_rightly(services, tmp_path):
    service = services["egnyte"]
    ((source, target, mode),) = (each.split(":") for each in service["volumes"])
    assert mode == "ro"
    here = {target: str((COMPOSE_SANDBOX.parent / source).resolve()), "0.0.0.0": "127.0.0.1"}
    arguments = list(read_image_command(service["command"]))
    for old, new in here.items():
        arguments = [each.replace(old, new) for each in arguments]
    program, code = service["healthcheck"]["test"][1], service["healthcheck"]["test"][-1]
    assert program == "python"
    async with running([*arguments, "--port", "0"], "sandbox ready on ", tmp_path / "log") as command:
        health = [sys.executable, "-c", code.replace("http://127.0.0.1:8090", command.url)]
        assert subprocess.run(health, check=False, capture_output=True).returncode == 0
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{command.url}/_sandbox/")).json()["domain"] == "acme"
    assert subprocess.run(health, check=False, capture_output=True).returncode != 0


def test_the_service_polls_that_sandbox_and_both_are_reached_from_this_machine_alone(services):
    service = services["signalpost"]
    assert read_image_command(service["command"]) == ("serve",)
    assert service["environment"]["SIGNALPOST_EGNYTE_URL"] == "http://egnyte:8090"
    assert service["depends_on"] == {"egnyte": {"condition": "service_healthy"}}
    assert services["egnyte"]["ports"] == ["127.0.0.1:8090:8090"]
    assert service["ports"] == [f"127.0.0.1:8080:{read_image_settings()['SIGNALPOST_PORT']}"]
    for each in services.values():
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]


def test_pages_start_the_sandbox_with_what_the_image_knows():
    page = (ROOT / "docs" / "reference" / "sandbox.md").read_text()
    assert "signalpost:0.1.0 sandbox egnyte --host 0.0.0.0" in page
    (line,) = (line for line in page.splitlines() if line.startswith("docker run"))
    words = line.partition("signalpost:0.1.0 ")[2].split()
    with pytest.raises(SystemExit) as ended:
        build_app()([*read_image_command(words), "--help"])
    assert ended.value.code == 0
