"""What is published: wheel and sdist hold what they must and nothing else, and are the same bytes each time."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import signalpost
from tests.release.conftest import ROOT, build

SOURCE = ROOT / "src" / "signalpost"
PUBLISHED = ("CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def list_sources() -> set[str]:
    """Name every file of the package, as it stands in the wheel."""
    return {
        path.relative_to(SOURCE.parent).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_whole_package_and_nothing_else(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
        about = f"signalpost-{VERSION}.dist-info/"
        metadata = wheel.read(f"{about}METADATA").decode()
        assert wheel.read(f"{about}licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        assert "signalpost = signalpost.__main__:main" in wheel.read(f"{about}entry_points.txt").decode()
    assert {name for name in names if not name.startswith(about)} == list_sources()
    for needed in (
        "py.typed",
        "store/migrations/env.py",
        "web/static/console.css",
        "web/templates/base.html",
        "delivery/schemas/open-connectors.json",
    ):
        assert f"signalpost/{needed}" in names
    assert any(re.fullmatch(r"signalpost/store/migrations/versions/0001_\w+\.py", name) for name in names)
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata


def test_the_sdist_holds_what_the_wheel_is_built_from_and_nothing_else(built):
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    made = {"PKG-INFO", ".gitignore"}  # hatchling puts both in
    assert names - made == {*PUBLISHED, *(f"src/{name}" for name in list_sources())}


def test_the_same_source_gives_the_same_bytes_from_another_folder_at_another_time(built, tmp_path):
    other = tmp_path / "another checkout"
    other.mkdir()
    for name in (*PUBLISHED, ".gitignore"):
        shutil.copyfile(ROOT / name, other / name)
    shutil.copytree(
        SOURCE,
        other / "src" / "signalpost",
        ignore=shutil.ignore_patterns("__pycache__"),
        copy_function=shutil.copyfile,  # with the times of now
    )
    again = build(other, tmp_path / "dist", 1_700_000_000)
    assert [each.name for each in again] == [each.name for each in built]
    assert [each.read_bytes() for each in again] == [each.read_bytes() for each in built]
    later = build(other, tmp_path / "later", 1_800_000_000)
    assert later[0].read_bytes() != built[0].read_bytes()  # the time does count


def test_the_version_is_one(built):
    assert signalpost.__version__ == VERSION
    command = Path(sys.executable).parent / "signalpost"
    shown = subprocess.run(
        [command, "--version"],
        check=True,
        env={"SIGNALPOST_VERSION": "true"},
        capture_output=True,
        text=True,
    )
    assert shown.stdout == f"signalpost {VERSION}\n"
    ignored = subprocess.run(
        [command, "settings", "--help"],
        check=True,
        env={"SIGNALPOST_VERSION": "true"},
        capture_output=True,
        text=True,
    )
    assert "Show the effective settings" in ignored.stdout
