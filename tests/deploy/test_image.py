"""The image: linted, and installed by its own steps into an empty folder. No container engine is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.manifests import DOCKERFILE, ROOT, read_last, read_stages

LOCKS = ("requirements.lock", "requirements-service.lock", "requirements-build.lock")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def read_pins(name):
    return dict(PIN.findall((ROOT / name).read_text()))


def test_the_dockerfile_is_clean():
    linter = Path(sys.executable).parent / "hadolint"
    found = subprocess.run([linter, DOCKERFILE], check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_it_runs_as_an_ordinary_user_with_a_number_that_is_the_one_it_made():
    user, _, group = read_last("USER").partition(":")
    assert user == group
    assert int(user) > 1000
    assert f"useradd --uid {user} --user-group" in read_last("RUN")
    assert read_last("VOLUME") == read_last("WORKDIR")


def test_only_what_is_copied_reaches_the_builder():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        word
        for stage in read_stages().values()
        for each in stage
        if each.name == "COPY" and not each.text.startswith("--from")
        for word in each.text.split()[:-1]
    }
    assert let_in == copied


@pytest.mark.parametrize("name", LOCKS[1:])
def test_the_image_has_the_versions_that_were_tested(name):
    tested, pins = read_pins(LOCKS[0]), read_pins(name)
    assert pins.items() <= tested.items()
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert text.count("--hash=sha256:") >= len(pins)


def test_the_image_has_all_that_the_service_needs_and_no_tools():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {re.split(r"[\[>=<]", each)[0] for each in project["project"]["dependencies"]}
    installed = set(read_pins(LOCKS[1]))
    assert needed <= installed
    tools = {re.split(r"[\[>=<]", each)[0] for each in project["dependency-groups"]["dev"]}
    extra = {
        re.split(r"[\[>=<]", e)[0] for es in project["project"]["optional-dependencies"].values() for e in es
    }
    assert not installed & (tools - extra)


def build_image(folder: Path) -> Path:
    """Follow the steps of the stage ``build`` below a folder, as a builder would; give the folder of the programs."""
    work, target = folder / "build", folder / "opt" / "signalpost"
    work.mkdir(parents=True)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    for each in read_stages()["build"]:
        if each.name == "COPY":
            *sources, into = each.text.split()
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, work / into, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, work)
        elif each.name == "RUN":
            # A package index that stumbles is asked again, as in .ci/run.
            for _ in range(3):
                done = subprocess.run(
                    ["sh", "-ec", each.text.replace("/opt/signalpost", str(target))],
                    check=False,
                    cwd=work,
                    env={
                        "PATH": path,
                        "HOME": str(Path.home()),
                        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
                        "PIP_NO_COMPILE": "1",
                    },
                    capture_output=True,
                    text=True,
                )
                if done.returncode == 0:
                    break
            assert done.returncode == 0, f"{each.text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        else:
            assert each.name in {"ENV", "WORKDIR"}
    return target / "bin"
